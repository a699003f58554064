package service

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/agent"
)

// found tells the service of a cluster and lets hosts report again.
func (o *office) found(st *Standing) {
	o.t.Helper()
	if err := o.Found(st); err != nil {
		o.t.Fatal(err)
	}
}

func others(ready bool) []Node {
	return []Node{
		{Name: "master-1", Ready: ready, Addresses: []string{"192.0.2.11"}},
		{Name: "master-2", Ready: ready, Addresses: []string{"192.0.2.12"}},
	}
}

func planned() []Planned {
	at := func(last byte) []netip.Addr { return []netip.Addr{netip.AddrFrom4([4]byte{192, 0, 2, last})} }
	return []Planned{
		{"first", "master", at(10)}, {"master-1", "master", at(11)}, {"master-2", "master", at(12)}, {"w", "worker", at(13)},
	}
}

// A rendezvous host that has lost its power after the cluster had taken over is installed under
// the name that the cluster expects, and nothing is bootstrapped.
func TestResumes(t *testing.T) {
	o := newOffice(t, config(3, 0, 1))
	o.register(0, 3)
	o.found(&Standing{Nodes: others(true), Planned: planned()})
	o.register(0, 3)
	o.say(agent.Ready, 0, 3)
	if got := o.told[0]; got.Action != agent.Install || got.Hostname != "first" || got.Role != "master" || got.Reboot {
		t.Errorf("the rendezvous host is told %+v", got)
	}
	if got := o.told[3]; got.Action != agent.Install || !got.Reboot || got.Hostname != "w" ||
		got.Role != "worker" {
		t.Errorf("the host that has not joined is told %+v", got)
	}
	o.say(agent.Rebooting, 3)
	o.restart()
	o.found(nil) // silence takes nothing back
	o.say(agent.Writing, 0)
	s := o.Status()
	if o.told[0].Action != agent.Install || !o.told[0].Reboot || s.Problem != nil || s.Missing != 0 {
		t.Errorf("then %+v, status %+v", o.told[0], s)
	}
}

// Nothing is written as long as it is not proved that the cluster can do without the bootstrap.
func TestStandingWithoutProof(t *testing.T) {
	for name, st := range map[string]*Standing{
		"etcd has not moved":   {Nodes: others(true), Lacks: "etcd has not left the bootstrap host"},
		"the nodes are not ok": {Nodes: others(false), Planned: planned()},
	} {
		o := newOffice(t, config(3, 0, 0))
		o.register(0)
		o.found(st)
		o.say(agent.Ready, 0)
		o.clock.Advance(time.Second)
		p := o.Status().Problem
		if o.told[0].Action != agent.Wait || p == nil || !strings.Contains(p.Message, "192.0.2.10") ||
			!strings.Contains(p.Next, "boot all hosts from the image again") {
			t.Errorf("%s: told %+v, problem %+v", name, o.told[0], p)
		}
		// All hosts are booted from the image again: no cluster is left.
		o.found(nil)
		o.register(0, 1, 2)
		if o.told[0].Action != agent.Bootstrap {
			o.say(agent.Ready, 0)
		}
		if got := o.told[0]; got.Action != agent.Bootstrap || o.Status().Problem != nil {
			t.Errorf("%s: told %+v, problem %+v", name, got, o.Status().Problem)
		}
	}
}

// A host that is a node already has booted the medium again: it is left alone.
func TestStrayed(t *testing.T) {
	o := newOffice(t, config(3, 0, 0))
	nodes := append(others(true), Node{Name: "first", Ready: false, Addresses: []string{"192.0.2.10"}})
	o.register(0, 1)
	o.found(&Standing{Nodes: nodes})
	o.register(0, 1)
	for _, i := range []int{0, 1} {
		p := o.told[i].Problem
		if o.told[i].Action != agent.Wait || p == nil || !strings.Contains(p.Message, "is node") ||
			!strings.Contains(p.Next, "remove the medium") {
			t.Errorf("host %d is told %+v, problem %+v", i, o.told[i], p)
		}
	}
	if p := o.Status().Problem; p == nil || !strings.Contains(p.Message, "booted the installation medium again") {
		t.Errorf("problem %+v", p)
	}
}

// A rendezvous host that has written its disk and boots the medium again is not written again and
// again.
func TestWrittenAlready(t *testing.T) {
	o := newOffice(t, config(3, 0, 0))
	o.register(0)
	st := &Standing{Nodes: others(true), Planned: planned(), Written: []string{"first"}}
	o.found(st)
	o.register(0)
	if p := o.told[0].Problem; o.told[0].Action != agent.Wait || p == nil || !strings.Contains(p.Message, "boot order") {
		t.Errorf("told %+v, problem %+v", o.told[0], p)
	}
	o.found(&Standing{Nodes: others(true), Planned: planned()}) // somebody wants it to be written again
	o.register(0)
	if o.told[0].Action != agent.Install {
		t.Errorf("told %+v, problem %+v", o.told[0], o.told[0].Problem)
	}
}
