package agent_test

import (
	"reflect"
	"testing"

	"github.com/okd-install/okd-install/pkg/types"
	"github.com/okd-install/okd-install/pkg/types/agent"
)

// What install-config.yaml says of hosts counts without agent-config.yaml, too.
func TestHostsOfInstallConfig(t *testing.T) {
	install := cluster(t, listed(`
    - name: a
      role: master
      bootMACAddress: 52:54:00:00:00:01
      rootDeviceHints: {deviceName: /dev/sdb}
    - name: b
      bootMACAddress: 52:54:00:00:00:03
      networkConfig:
        interfaces:
        - {name: eno1, mac-address: 52:54:00:00:00:02, ipv4: {enabled: true, address: [{ip: 198.18.0.22}]}}
        - {name: eno2, mac-address: 52:54:00:00:00:03}
        - {name: bond0}
`))
	inventory, found := agent.NewInventory(install, nil)
	if found.Failed() || !inventory.FromInstallConfig || inventory.RendezvousIP.String() != "198.18.0.22" {
		t.Fatalf("%v, %+v", found.Err(), inventory)
	}
	want := []agent.Host{
		{Hostname: "a", Role: "master", RootDeviceHints: &types.RootDeviceHints{DeviceName: "/dev/sdb"},
			Interfaces: []agent.Interface{{Name: "boot", MACAddress: "52:54:00:00:00:01"}}},
		{Hostname: "b", NetworkConfig: inventory.Hosts[1].NetworkConfig,
			Interfaces: []agent.Interface{{Name: "eno1", MACAddress: "52:54:00:00:00:02"},
				{Name: "eno2", MACAddress: "52:54:00:00:00:03"}}},
	}
	if !reflect.DeepEqual(inventory.Hosts, want) {
		t.Errorf("hosts %+v", inventory.Hosts)
	}
}

// FuzzLoad looks for files that make the installer panic, contradict itself, or break the
// form of its messages.
func FuzzLoad(f *testing.F) {
	for _, r := range rows {
		f.Add([]byte(r.config))
	}
	for _, text := range []string{
		"\x00", "&a [*a]", "hosts: &h [{networkConfig: {interfaces: [*h]}}]\n", "hosts: [null, ~]\n",
		head + "hosts: [{networkConfig: " +
			"{interfaces: [1, {ipv4: 2}, {ipv4: {address: 3}}, {ipv6: {address: [4, {ip: null}]}}]}}]\n",
	} {
		f.Add([]byte(text))
	}
	install := cluster(f, metal)
	f.Fuzz(func(t *testing.T, data []byte) {
		c, found := agent.Load(agent.File, data)
		if (c == nil) != found.Failed() {
			t.Fatalf("config %v, failed %v", c != nil, found.Failed())
		}
		checkLines(t, found)
		if c != nil {
			_, found := agent.NewInventory(install, c)
			checkLines(t, found)
		}
	})
}
