package service

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/agent"
)

// joining is the config of hosts that become nodes of a cluster.
func joining(hosts ...agent.Host) *agent.Config {
	c := config(0, 0, 1)
	c.Rendezvous, c.Hosts = netip.MustParseAddr("127.0.0.1"), hosts
	c.Join = &agent.Join{Image: "image", Nodes: []agent.Peer{
		{ID: "uid", Hostname: "old-0", Role: "master", Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.99")}},
	}}
	return c
}

// A host gets its role and name from the file, writes its disk when it is ready, and reboots.
func TestJoin(t *testing.T) {
	o := newOffice(t, joining(
		agent.Host{Hostname: "worker-7", Role: "worker", MACs: []string{mac(0)}},
		agent.Host{Hostname: "worker-8", Role: "worker", MACs: []string{mac(1)}},
	))
	o.say(agent.Discovering, 0)
	got := o.told[0]
	if got.Action != agent.Wait || got.Hostname != "worker-7" || got.Role != "worker" || got.Problem != nil {
		t.Errorf("first order %+v", got)
	}
	if len(got.Peers) != 1 || got.Peers[0].Hostname != "old-0" {
		t.Errorf("peers %+v", got.Peers)
	}
	if s := o.Status(); s.Missing != 0 || len(s.MissingNames) != 0 || s.Problem != nil || s.Hosts[0].Rendezvous {
		t.Errorf("status %+v", s)
	}
	o.say(agent.Ready, 0)
	if got := o.told[0]; got.Action != agent.Install || got.Hostname != "worker-7" {
		t.Errorf("order %+v", got)
	}
	o.restart()
	o.say(agent.Writing, 0)
	o.say(agent.Written, 0)
	if got := o.told[0]; got.Action != agent.Install || !got.Reboot {
		t.Errorf("order %+v, waits for %q", got, o.Status().Waiting)
	}
	o.say(agent.Rebooting, 0)
	if s := o.Status(); s.Waiting != "" {
		t.Errorf("waits for %q", s.Waiting)
	}
}

// A host that must not be written is told why.
func TestJoinRefused(t *testing.T) {
	for _, tt := range []struct {
		name, own, want string
		settings        agent.Host
	}{
		{"a machine that is not listed", "", "lists no host with a MAC address of this machine",
			agent.Host{Hostname: "worker-7", MACs: []string{mac(9)}}},
		{"a name that a node has", "", "a node called old-0 already", agent.Host{Hostname: "old-0", MACs: []string{mac(0)}}},
		{"its own name is that of a node", "old-0", "a node called old-0 already", agent.Host{MACs: []string{mac(0)}}},
		{"no name", "localhost", "has no name of its own", agent.Host{MACs: []string{mac(0)}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := newOffice(t, joining(tt.settings))
			for range 3 {
				r := o.report(0, agent.Ready)
				r.Role, r.Inventory.Hostname = "worker", tt.own
				if got := o.send(0, r); got.Action != agent.Wait {
					t.Fatalf("order %+v", got)
				}
				o.clock.Advance(time.Minute)
			}
			s := o.Status()
			if s.Problem == nil || !strings.Contains(s.Problem.Message, tt.want) ||
				!strings.Contains(s.Problem.Next, "nodes-config.yaml") {
				t.Errorf("problem %+v", s.Problem)
			}
		})
	}
}
