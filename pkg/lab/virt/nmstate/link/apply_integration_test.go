//go:build integration

package link

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/okd-install/okd-install/pkg/lab/netns"
)

// TestKernel applies states in a network namespace of its own. It needs root.
func TestKernel(t *testing.T) {
	path := filepath.Join(t.TempDir(), "node")
	if err := netns.Create(path); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := netns.Delete(path); err != nil {
			t.Error(err)
		}
	})
	do := func(what string, f func() error) {
		t.Helper()
		if err := netns.Do(path, f); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	do("second card", func() error {
		return netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "ens4"}, PeerName: "wire"})
	})
	state := func(text string) State {
		t.Helper()
		s, err := Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	bridge := state(`{"interfaces": [{"name": "br1", "type": "linux-bridge", "mtu": 1400,
		"ipv4": {"enabled": true, "address": [{"ip": "198.18.250.1", "prefix-length": 24}]},
		"bridge": {"options": {"stp": {"enabled": true}}, "port": [{"name": "ens4"}]}}]}`)
	shown := func() map[string]Shown {
		t.Helper()
		out := map[string]Shown{}
		do("show", func() error {
			all, err := Current()
			for _, s := range all {
				out[s.Name] = s
			}
			return err
		})
		return out
	}
	before := shown()
	for range 2 { // the second time there is nothing to do
		do("bridge", func() error { _, err := Apply(bridge); return err })
	}
	br, card := shown()["br1"], shown()["ens4"]
	if br.Type != "linux-bridge" || br.State != "up" || br.MTU != 1400 || len(br.Bridge.Ports) != 1 ||
		len(br.IPv4.Addresses) != 1 || br.IPv4.Addresses[0].IP.String() != "198.18.250.1" || card.Owner != "br1" ||
		card.State != "up" {
		t.Errorf("bridge %+v, card %+v", br, card)
	}
	failing := map[string][2]string{
		"bond": {`{"interfaces": [{"name": "bond1", "type": "bond", "link-aggregation":
			{"mode": "active-backup", "port": ["ens4"]}}]}`, "operation not supported"},
		"vlan": {`{"interfaces": [{"name": "ens4.20", "type": "vlan", "vlan": {"base-iface": "ens4", "id": 20}}]}`,
			"operation not supported"},
		"no port": {`{"interfaces": [
			{"name": "ens4", "mtu": 1300, "ipv4": {"enabled": true, "address": [{"ip": "198.18.251.1", "prefix-length": 24}]}},
			{"name": "br2", "type": "linux-bridge", "bridge": {"port": [{"name": "ens4"}, {"name": "ens9"}]}}]}`,
			"port ens9: there is no such interface"},
		"other type": {`{"interfaces": [{"name": "ens4", "type": "linux-bridge", "bridge": {"port": []}}]}`, "is to be a"},
	}
	good := shown()
	for name, c := range failing {
		s := state(c[0])
		do(name, func() error {
			if _, err := Apply(s); err == nil || !strings.Contains(err.Error(), c[1]) {
				t.Errorf("%s: %v, want %q", name, err, c[1])
			}
			return nil
		})
		if now := shown(); !reflect.DeepEqual(now, good) {
			t.Errorf("%s left %+v, before %+v", name, now, good)
		}
	}
	do("absent", func() error {
		_, err := Apply(state(`{"interfaces": [{"name": "br1", "type": "linux-bridge", "state": "absent"}]}`))
		return err
	})
	var undo *Change
	do("bridge again", func() (err error) { undo, err = Apply(bridge); return err })
	do("undo", func() error { return undo.Undo() })
	after := shown()
	card = after["ens4"]
	card.State = before["ens4"].State // the first bridge set it up
	after["ens4"] = card
	if !reflect.DeepEqual(after, before) {
		t.Errorf("in the end %+v, in the beginning %+v", after, before)
	}
}
