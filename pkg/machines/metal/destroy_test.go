package metal

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/lab/bmc"
	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/platforms/baremetal/config"
	"github.com/okd-install/okd-install/pkg/secret"
	"github.com/okd-install/okd-install/pkg/types"
)

// Hosts are switched off only if they are proved to be the cluster's.
func TestDestroy(t *testing.T) {
	node := func(is bool, err error) func(context.Context, string) (bool, error) {
		return func(context.Context, string) (bool, error) { return is, err }
	}
	for _, tt := range []struct {
		name   string
		edit   func(*rig)
		left   string // words of the error; empty: it is off
		medium string
	}{
		{name: "a node of the cluster", edit: func(r *rig) { r.opts.Node = node(true, nil) }},
		{name: "no node", edit: func(r *rig) { r.opts.Node = node(false, nil) }, left: "no node with its UUID"},
		{name: "the cluster is silent", edit: func(r *rig) { r.opts.Node = node(true, errors.New("no route")) },
			left: "no route"},
		{name: "registered", edit: func(r *rig) {
			r.opts.Node, r.opts.Registered = node(false, nil), registered(r.opts.Hosts[0].BootMACAddress)
		}},
		{name: "not registered", edit: func(r *rig) { r.opts.Registered = registered("52:54:00:00:00:ff") },
			left: "has not registered with the rendezvous host"},
		{name: "nobody was asked", edit: func(*rig) {}, left: "was not asked"},
		{name: "starts from our medium", edit: func(*rig) {},
			medium: "https://192.0.2.1/media/x/" + infraID + "-host-0.iso"},
		{name: "another cluster's medium", edit: func(*rig) {}, left: "was not asked",
			medium: "https://192.0.2.1/media/x/other-aaaaa-host-0.iso"},
		{name: "the user decides", edit: func(r *rig) { r.opts.TakeRunning = true }},
		{name: "another machine", edit: func(r *rig) {
			r.opts.TakeRunning, r.opts.Hosts[0].UUID = true, uuid(7)
		}, left: "another machine"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, "ilo6")
			h := r.bmcs[0].Host
			h.Install()
			if tt.medium != "" {
				insert(t, h, tt.medium)
			}
			if err := h.On(t.Context()); err != nil {
				t.Fatal(err)
			}
			tt.edit(r)
			left, err := r.provider().Destroy(t.Context(), infraID, machines.Everything)
			if tt.left == "" {
				if err != nil || len(left) > 0 {
					t.Fatalf("%v, %v", left, err)
				}
				r.is(0, bmc.Off, false, "disk")
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.left) || exit.Next(err) == "" || len(left) != 1 ||
				left[0].Name != "host-0" {
				t.Errorf("%v, %v", left, err)
			}
			r.is(0, bmc.On, tt.medium != "", "disk")
		})
	}
}

// registered is a service that has one host.
func registered(mac string) func(context.Context, []string) (bool, error) {
	return func(_ context.Context, macs []string) (bool, error) { return slices.Contains(macs, mac), nil }
}

// What is there of a run that was killed goes: medium and override of a host that is off.
func TestDestroyOff(t *testing.T) {
	t.Parallel()
	for _, profile := range []string{"ilo6", "idrac10", "ami", "x11"} {
		r := newRig(t, profile)
		p := r.provider()
		bmcs, err := p.hosts[0].session(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		server, err := p.serve(t.Context(), r.plan())
		if err != nil {
			t.Fatal(err)
		}
		b := booting{Provider: p, host: p.hosts[0], infraID: infraID, server: server}
		from, err := b.source(t.Context(), server, b.host, infraID)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.insert(t.Context(), bmcs, from); err != nil {
			t.Fatal(err)
		}
		if err := bmcs.BootOnceFromMedia(t.Context(), b.mode()); err != nil || !r.overridden(0) {
			t.Fatal(err)
		}
		r.is(0, bmc.Off, true, "")
		if left, err := r.provider().Destroy(t.Context(), infraID, machines.Everything); err != nil || len(left) > 0 {
			t.Fatalf("%v, %v", left, err)
		}
		r.is(0, bmc.Off, false, "")
		if r.overridden(0) {
			t.Error(profile + ": the override is left")
		}
	}
}

// One BMC that is not reached is named, and the others' hosts are switched off.
func TestDestroyWithout(t *testing.T) {
	t.Parallel()
	r := newRig(t, "ilo6", "x13")
	r.opts.TakeRunning = true
	for i := range r.bmcs {
		if err := r.bmcs[i].Host.On(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	r.breaks(0, "bmc-off")
	left, err := r.provider().Destroy(t.Context(), infraID, machines.Everything)
	if err == nil || len(left) != 1 || left[0].Name != "host-0" || !strings.Contains(err.Error(), "host-0") {
		t.Errorf("%v, %v", left, err)
	}
	r.is(1, bmc.Off, false, "nothing")
}

// Somebody's medium stays, and is named.
func TestReleaseForeign(t *testing.T) {
	t.Parallel()
	r := newRig(t, "ilo6")
	insert(t, r.bmcs[0].Host, "https://192.0.2.1/other.iso")
	if err := r.provider().Release(t.Context(), r.plan(), "host-0"); err != nil {
		t.Fatal(err)
	}
	r.is(0, bmc.Off, true, "")
	if !r.warned("host-0", "other.iso", "stays") {
		t.Errorf("%v", r.said)
	}
}

// The hosts are found with what metadata.json and a file with logins have.
func TestHostsOfMetadata(t *testing.T) {
	t.Parallel()
	r := newRig(t, "ilo6")
	at := r.opts.Hosts[0].BMC.Address
	raw, err := json.Marshal(Metadata{BMCVerifyCA: string(r.opts.CA), Hosts: []Recorded{
		{Name: "host-0", BMCAddress: at, Username: "admin", SystemUUID: uuid(0)}}})
	if err != nil || strings.Contains(string(raw), "calvin") {
		t.Fatal(string(raw), err)
	}
	var hidden []secret.String
	connection, err := Connect(t.Context(), machines.Access{
		Clock: r.opts.Clock, Sink: event.Discard, Metadata: raw,
		Login: []byte(`"` + at + `": {username: admin, password: calvin-and-hobbes}`),
		Hide:  func(s ...secret.String) { hidden = append(hidden, s...) },
	})
	if err != nil {
		t.Fatal(err)
	}
	p := connection(nil, nil).(*Provider)
	if left, err := p.Destroy(t.Context(), infraID, machines.Everything); err != nil || len(left) > 0 {
		t.Errorf("%v, %v", left, err)
	}
	if len(hidden) != 1 || hidden[0].Reveal() != "calvin-and-hobbes" {
		t.Error("the password is not hidden")
	}
	if err := p.Close(t.Context()); err != nil || r.sessions(0) > 0 {
		t.Errorf("%v; %d sessions", err, r.sessions(0))
	}
}

// What is wrong with a host is said of its place in install-config.yaml, where others may have no BMC.
func TestPlaceOfHost(t *testing.T) {
	t.Parallel()
	c := &types.InstallConfig{Platform: types.Platform{Settings: &config.Platform{Hosts: []config.Host{
		{Name: "spare"}, {Name: "host-0", BMC: config.BMC{Address: "redfish-virtualmedia://192.0.2.1"}},
	}}}}
	hosts, _, err := hostsOf(machines.Access{Config: c})
	if err != nil || len(hosts) != 1 || hosts[0].Index != 1 {
		t.Errorf("%+v, %v", hosts, err)
	}
}

func FuzzParseLogins(f *testing.F) {
	for _, seed := range []string{"", "a: {username: u, password: p}", "a: b", "a: {username: u}", "- a", "a: {x: 1}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := ParseLogins(b)
		for address, l := range got {
			if err != nil || l.Username == "" || l.Password.IsZero() {
				t.Errorf("%q: %+v, %v", address, l, err)
			}
		}
	})
}

// What proves that hosts belong to the cluster is kept before the first is switched off, also of hosts whose BMCs do
// not answer: with it a later run switches off those that are left.
func TestDestroyGoesOn(t *testing.T) {
	t.Parallel()
	r := newRig(t, "ilo6", "ilo6")
	for i := range r.bmcs {
		r.bmcs[i].Host.Install()
		if err := r.bmcs[i].Host.On(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.opts.Hosts[i].UUID = uuid(i)
	}
	var kept []string
	r.opts.Prove = func(ids []string) {
		if kept == nil && r.bmcs[0].Host.Power() != bmc.On {
			t.Error("a host was switched off before what is proved was kept")
		}
		kept = ids
	}
	r.opts.Node = func(context.Context, string) (bool, error) {
		if r.bmcs[0].Host.Power() != bmc.On {
			return false, errors.New("the API does not answer")
		}
		return true, nil
	}
	login := r.opts.Hosts[1].BMC.Password
	r.opts.Hosts[1].BMC.Password = secret.New("wrong")
	left, err := r.provider().Destroy(t.Context(), infraID, machines.Everything)
	if err == nil || len(left) != 1 || left[0].Name != "host-1" || len(kept) != 2 {
		t.Fatalf("left %v, kept %q: %v", left, kept, err)
	}
	r.is(0, bmc.Off, false, "disk")
	r.opts.Hosts[1].BMC.Password, r.opts.Proved = login, kept
	if left, err := r.provider().Destroy(t.Context(), infraID, machines.Everything); err != nil {
		t.Fatalf("left %v: %v", left, err)
	}
	r.is(1, bmc.Off, false, "disk")
}

// A host that does not come up is taken back; one that has no medium of ours goes on running.
func TestWithdraw(t *testing.T) {
	t.Parallel()
	r := newRig(t, "ilo6", "ilo6")
	insert(t, r.bmcs[0].Host, "https://192.0.2.1/media/x/"+infraID+"-host-0.iso")
	for i := range r.bmcs {
		r.bmcs[i].Host.Install()
		if err := r.bmcs[i].Host.On(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := r.provider().Withdraw(t.Context(), r.plan(), r.opts.Hosts[i].Name); err != nil {
			t.Fatal(err)
		}
	}
	r.is(0, bmc.Off, false, "disk")
	r.is(1, bmc.On, false, "disk")
}
