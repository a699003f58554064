package link

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	s, err := Parse([]byte(`{"interfaces": [
		{"name": "br1", "type": "linux-bridge", "state": "up", "ipv4": {"enabled": false}, "ipv6": {"enabled": false},
		 "bridge": {"options": {"stp": {"enabled": false}}, "port": [{"name": "ens4.20"}]}},
		{"name": "ens4.20", "type": "vlan", "vlan": {"base-iface": "ens4", "id": 20}},
		{"name": "ens4", "type": "ethernet", "mtu": 9000},
		{"name": "br0", "type": "linux-bridge", "state": "absent"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, i := range s.sorted() {
		names = append(names, i.Name)
	}
	// What a bridge is built on has to be there before it.
	if got := strings.Join(names, " "); got != "br0 ens4 ens4.20 br1" {
		t.Errorf("order %s", got)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, c := range [][2]string{
		{`{"interfaces": [{"name": "br-vms", "type": "ovs-bridge", "bridge": {"port": []}}]}`, "Open vSwitch"},
		{`{"ovn": {"bridge-mappings": []}}`, `unknown field "ovn"`},
		{`{"interfaces": [{"name": "ens4", "type": "ethernet", "ipv4": {"enabled": true, "dhcp": true}}]}`, "DHCP"},
		{`{"interfaces": [{"name": "ens4"}, {"name": "ens4"}]}`, "twice"},
		{`{"interfaces": [{"name": "a-name-that-is-too-long"}]}`, "15 characters"},
		{`{"interfaces": [{"name": "d", "type": "dummy"}]}`, "not supported"},
		{`{"interfaces": [{"name": "br1", "type": "linux-bridge"}]}`, "need each other"},
		{`{"interfaces": [{"name": "v", "type": "vlan", "vlan": {"base-iface": "e", "id": 5000}}]}`, "4094"},
		{`{"interfaces": [{"name": "e", "ipv4":
			{"enabled": true, "address": [{"ip": "fd00::1", "prefix-length": 64}]}}]}`, "family"},
		{`{"interfaces": [{"name": "b", "type": "linux-bridge", "bridge": {"port": [{"name": "e", "vlan": {}}]}}]}`, "VLAN"},
		{`[]`, "desired state"},
	} {
		if _, err := Parse([]byte(c[0])); err == nil || !strings.Contains(err.Error(), c[1]) {
			t.Errorf("%s: %v, want %q", c[0], err, c[1])
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"interfaces": [{"name": "br1", "type": "linux-bridge", "bridge": {"port": [{"name": "ens4"}]}}]}`))
	f.Add([]byte(`{"interfaces": [{"name": "b", "type": "bond", "link-aggregation": {"mode": "1", "port": ["e"]}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Parse(data)
		if err != nil {
			return
		}
		for _, i := range s.sorted() {
			// apply follows these pointers by type.
			if i.State == up && (i.Type == linuxBridge) != (i.Bridge != nil) {
				t.Errorf("%+v", i)
			}
		}
	})
}
