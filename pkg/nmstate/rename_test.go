package nmstate_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/nmstate"
	"github.com/okd-install/okd-install/pkg/nmstate/keyfile"
	"github.com/okd-install/okd-install/pkg/testkit/golden"
)

// nics are the network cards of the hosts in this file.
var nics = []keyfile.NIC{
	{Name: "eth0", MAC: "52:54:00:AA:BB:01"}, {Name: "eth1", MAC: "52:54:00:aa:bb:02"},
}

const bonded = `
interfaces:
- name: bond0
  type: bond
  link-aggregation: {mode: active-backup, port: [eth0, eth1], options: {primary: eth1, miimon: 100}}
  ipv4: {enabled: true, address: [{ip: 192.0.2.11, prefix-length: 24}]}
route-rules:
  config: [{ip-from: 192.0.2.0/24, iif: bond0}, {ip-from: 192.0.2.0/24, iif: eth1}]
`

const vlans = `
interfaces:
- {name: eth0, ipv4: {enabled: true, dhcp: true}}
- {name: eth0.100, type: vlan, vlan: {base-iface: eth0, id: 100}, ipv4: {enabled: true, dhcp: true}}
- {name: br0, type: linux-bridge, bridge: {port: [{name: eth0.1234}]}}
- {name: eth0.1234, type: vlan, vlan: {base-iface: eth0, id: 1234}}
- {name: storage-network-of-eth1, type: vlan, vlan: {base-iface: eth1, id: 7}}
- {name: inner, type: vlan, vlan: {base-iface: storage-network-of-eth1, id: 8}}
route-rules:
  config: [{ip-from: 192.0.2.0/24, iif: eth0}]
`

func TestRename(t *testing.T) {
	for _, c := range []struct {
		name, text string
		cards      map[string]string
	}{
		{"bond", bonded, map[string]string{"52:54:00:aa:bb:01": "enp1s0f0np0", "52:54:00:aa:bb:02": "enp1s0f1np1"}},
		{"vlans", vlans, map[string]string{"52:54:00:aa:bb:01": "enp129s0f0np0", "52:54:00:aa:bb:02": "eno1"}},
		{"swapped", vlans, map[string]string{"52:54:00:aa:bb:01": "eth1", "52:54:00:aa:bb:02": "eth0"}},
		{"same", bonded, map[string]string{"52:54:00:aa:bb:01": "eth0", "52:54:00:aa:bb:02": "eth1"}},
		{"primary missing", bonded, map[string]string{"52:54:00:aa:bb:01": "eth1"}},
		{"base missing", vlans, map[string]string{"52:54:00:aa:bb:02": "eth0"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			files, r := nmstate.Read("host.yaml", []byte(c.text))
			if err := r.Err(); err != nil {
				t.Fatal(err)
			}
			renamed, err := keyfile.Rename(files, nics, c.cards)
			if err != nil {
				t.Fatal(err)
			}
			out := fmt.Sprintf("missing: %v\nleft out: %v\n%s", renamed.Missing, renamed.LeftOut, list(renamed.Files))
			golden.Compare(t, "testdata/rename/"+strings.ReplaceAll(c.name, " ", "-")+".golden", out)
		})
	}
}

func TestRenameRefuses(t *testing.T) {
	cards := map[string]string{"52:54:00:aa:bb:01": "enp129s0f0np0", "52:54:00:aa:bb:02": "eno1"}
	for _, c := range []struct{ name, text, want string }{
		{"name of another interface", `
interfaces: [{name: eth1}, {name: eno1}]`,
			"eth1.nmconnection and eno1.nmconnection are both for interface eno1"},
		{"names that are the same when cut", `
interfaces:
- {name: storage-network-a, type: vlan, vlan: {base-iface: eth0, id: 1}}
- {name: storage-network-b, type: vlan, vlan: {base-iface: eth0, id: 2}}`,
			"storage-network-a.nmconnection and storage-network-b.nmconnection are both for interface storage-network"},
	} {
		t.Run(c.name, func(t *testing.T) {
			files, r := nmstate.Read("host.yaml", []byte(c.text))
			if err := r.Err(); err != nil {
				t.Fatal(err)
			}
			if out, err := keyfile.Rename(files, nics, cards); err == nil || err.Error() != c.want {
				t.Errorf("got %v, want %s\n%s", err, c.want, list(out.Files))
			}
		})
	}
	if _, err := keyfile.Rename([]keyfile.File{{Name: "a.nmconnection", Data: []byte("x")}}, nil, nil); err == nil ||
		!strings.HasPrefix(err.Error(), "read a.nmconnection: line 1 ") {
		t.Errorf("got %v", err)
	}
}
