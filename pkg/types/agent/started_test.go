package agent_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/types/agent"
)

// Hosts that the installer starts are those of install-config.yaml that have a role.
func TestStartedInventory(t *testing.T) {
	install := cluster(t, listed(`
    - {name: a, bootMACAddress: 52:54:00:00:00:01}
    - {name: b, role: master, bootMACAddress: 52:54:00:00:00:02`+static("198.18.0.22")+`}
    - {name: c, bootMACAddress: 52:54:00:00:00:03, rootDeviceHints: {deviceName: /dev/sdb}}
    - {name: d, role: worker, bootMACAddress: 52:54:00:00:00:04}
    - {name: e, bootMACAddress: 52:54:00:00:00:05}
`))
	roles := map[string]string{"a": "worker", "b": "master", "c": "master", "e": "arbiter"} // d is a spare one
	for _, tt := range []struct{ name, config, hosts, fails string }{
		{name: "without agent-config.yaml", hosts: "a worker, b master, c master, e arbiter; 198.18.0.22"},
		{name: "a network and a disk", config: "hosts:\n" +
			"- {interfaces: [{name: eth0, macAddress: 52:54:00:00:00:03}]" + static("198.18.0.23") +
			", rootDeviceHints: {deviceName: /dev/vda}}\n",
			hosts: "a worker, b master, c master 198.18.0.23 /dev/vda, e arbiter; 198.18.0.22"},
		{name: "the rendezvous host", config: "rendezvousIP: 198.18.0.23\nhosts:\n" + host("3", static("198.18.0.23")),
			hosts: "a worker, b master, c master 198.18.0.23 /dev/sdb, e arbiter; 198.18.0.23"},
		{name: "another host", config: "hosts:\n" + host("1", "") + host("9", ""),
			fails: "agent-config.yaml:4:4: hosts[1].interfaces"},
		{name: "another name", config: "hosts:\n" + host("1", ", hostname: z"),
			fails: "agent-config.yaml:3:73: hosts[0].hostname"},
		{name: "another role", config: "hosts:\n" + host("1", ", role: master"),
			fails: "agent-config.yaml:3:69: hosts[0].role"},
		{name: "a worker cannot bootstrap", config: "rendezvousIP: 198.18.0.21\nhosts:\n" + host("1", static("198.18.0.21")),
			fails: "agent-config.yaml:2:15: rendezvousIP"},
		{name: "an arbiter cannot bootstrap", config: "rendezvousIP: 198.18.0.24\nhosts:\n" + host("5", static("198.18.0.24")),
			fails: "agent-config.yaml:2:15: rendezvousIP: Forbidden: hosts[3] (e) has this address and role arbiter"},
		{name: "two hosts with one address", config: "hosts:\n" + host("1", static("198.18.0.22")),
			fails: "install-config.yaml"},
		{name: "a spare host", config: "hosts:\n" + host("4", ""),
			hosts: "a worker, b master, c master, e arbiter; 198.18.0.22"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var c *agent.Config
			if tt.config != "" {
				loaded, found := agent.Load(agent.File, []byte(head+tt.config))
				if c = loaded; c == nil {
					t.Fatal(found.Err())
				}
			}
			inv, found := agent.StartedInventory(install, c, roles)
			if found.Failed() || tt.fails != "" {
				if lines := strings.Join(found.Lines(false), "\n"); tt.fails == "" || !strings.HasPrefix(lines, tt.fails) {
					t.Fatalf("got %s\nwant %s", lines, tt.fails)
				}
				return
			}
			var hosts []string
			for _, h := range inv.Hosts {
				text := h.Hostname + " " + h.Role
				if ip := agent.FirstAddress(h.NetworkConfig); ip.IsValid() && h.Hostname != "b" {
					text += " " + ip.String() + " " + h.RootDeviceHints.DeviceName
				}
				hosts = append(hosts, text)
			}
			if got := fmt.Sprintf("%s; %s", strings.Join(hosts, ", "), inv.RendezvousIP); got != tt.hosts {
				t.Errorf("got %s, want %s", got, tt.hosts)
			}
			warned := strings.Contains(fmt.Sprint(found.Lines(true)), "is a spare one")
			if warned != (tt.name == "a spare host") {
				t.Errorf("warnings %q", found.Lines(true))
			}
		})
	}
}
