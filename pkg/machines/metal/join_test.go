package metal

import (
	"context"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/lab/bmc"
	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/plan"
	"github.com/okd-install/okd-install/pkg/types/agent"
)

// joining is the first host of a rig as nodes-config.yaml has it.
func (r *rig) joining(uuid string) machines.Joining {
	h := r.opts.Hosts[0]
	return machines.Joining{InfraID: infraID, BMCVerifyCA: string(r.opts.CA), Machines: []machines.JoiningMachine{{
		UUID: uuid, Host: agent.NodeHost{
			Hostname: h.Name, Role: "worker", Interfaces: []agent.Interface{{MACAddress: h.BootMACAddress}},
			BMC: &agent.BMC{Address: h.BMC.Address, Username: h.BMC.Username, Password: h.BMC.Password},
		},
	}}}
}

func (r *rig) joiner(j machines.Joining, node func(context.Context, string) (bool, error)) machines.Joiner {
	r.t.Helper()
	connect, err := Joins().Connect(r.t.Context(), machines.Access{
		Clock: r.opts.Clock, Sink: event.Discard, Media: r.opts.Media, Node: node,
	}, j)
	if err != nil {
		r.t.Fatal(err)
	}
	file := r.provider().Fetch
	out := connect(event.Discard, file)
	r.t.Cleanup(func() { _ = out.Close(context.Background()) })
	return out
}

// A host of nodes-config.yaml is started from the image, and switched off when its node leaves.
func TestJoins(t *testing.T) {
	r := newRig(t, "ilo5")
	j := r.joining("")
	p, err := Joins().Plan(j, plan.Image{})
	if err != nil {
		t.Fatal(err)
	}
	is := func(_ context.Context, id string) (bool, error) { return strings.EqualFold(id, uuid(0)), nil }
	b := r.joiner(j, is)
	if m, err := b.Look(t.Context(), p, "host-0"); err != nil || m.ID != uuid(0) || m.Runs {
		t.Fatalf("%+v, %v", m, err)
	}
	if err := b.Boot(t.Context(), p, "host-0", false); err != nil {
		t.Fatal(err)
	}
	r.is(0, bmc.On, true, "agent")
	if err := b.Release(t.Context(), p, "host-0"); err != nil {
		t.Fatal(err)
	}
	r.is(0, bmc.On, false, "agent")
	if known, err := r.joiner(r.joining(uuid(0)), is).Remove(t.Context(), infraID, "host-0"); err != nil || !known {
		t.Fatal(known, err)
	}
	r.is(0, bmc.Off, false, "agent")
}

// A machine that is not that of the node is left alone, whatever its BMC's address.
func TestJoinsRemovesNothingElse(t *testing.T) {
	no := func(context.Context, string) (bool, error) { return false, nil }
	for _, tt := range []struct{ name, uuid, want string }{
		{"another machine", uuid(5), "another machine"},
		{"no node", uuid(0), "no node with its UUID"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, "ilo5")
			if err := r.bmcs[0].Host.On(t.Context()); err != nil {
				t.Fatal(err)
			}
			known, err := r.joiner(r.joining(tt.uuid), no).Remove(t.Context(), infraID, "host-0")
			if !known || err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, %v", known, err)
			}
			if r.bmcs[0].Host.Power() != bmc.On {
				t.Error("it was switched off")
			}
		})
	}
	r := newRig(t, "ilo5")
	if known, err := r.joiner(r.joining(""), no).Remove(t.Context(), infraID, "host-9"); known || err != nil {
		t.Errorf("%v, %v", known, err)
	}
}

// Hosts of the installation are known as far as their BMCs can be logged in to.
func TestJoinsKnown(t *testing.T) {
	meta := []byte(`{"hosts": [{"name": "worker-0", "bmcAddress": "redfish-virtualmedia://192.0.2.1", "username": "u"},
		{"name": "worker-1", "bmcAddress": "redfish-virtualmedia://192.0.2.2", "username": "u"}]}`)
	logins := []byte(`redfish-virtualmedia://192.0.2.2: {username: v, password: p}`)
	known, err := Joins().Known(machines.Access{Metadata: meta, Login: logins})
	if err != nil {
		t.Fatal(err)
	}
	if len(known) != 1 || known[0].Hostname != "worker-1" || known[0].BMC.Username != "v" ||
		known[0].BMC.Password.Reveal() != "p" {
		t.Errorf("got %+v", known)
	}
}
