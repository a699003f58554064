package metal

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/lab/bmc"
	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/types"
)

// wiper is a host whose live system switches it off once it has wiped the disk.
type wiper struct {
	*face
	clock interface {
		Sleep(context.Context, time.Duration) error
	}
	refuses bool
}

func (w *wiper) On(ctx context.Context) error {
	if err := w.face.On(ctx); err != nil || w.refuses {
		return err
	}
	go func() {
		_ = w.clock.Sleep(context.Background(), time.Minute)
		_ = w.ForceOff(context.Background())
	}()
	return nil
}

// newWipers is a rig of hosts that were installed and are off. Those that refuse stay on.
func newWipers(t *testing.T, refuse ...bool) *rig {
	t.Helper()
	i, profiles := 0, make([]string, len(refuse))
	for i := range profiles {
		profiles[i] = "ilo6"
	}
	r := newRigOf(t, briskly, func(c *bmc.Config) {
		c.Host = &wiper{c.Host.(*face), c.Clock, refuse[i]}
		i++
	}, profiles...)
	r.opts.WipeLimit = 4 * time.Minute
	for i := range r.opts.Hosts {
		r.opts.Hosts[i].UUID, r.opts.Hosts[i].Disk = uuid(i), &agent.DiskID{Path: "/dev/sda", Serial: "S1"}
		r.bmcs[i].Host.Install()
	}
	return r
}

// Hosts are started from the medium once, and have none when they are off again. One that does not switch itself off is
// named, and does not keep the others from it.
func TestWipe(t *testing.T) {
	t.Parallel()
	r := newWipers(t, false, true, false)
	p := r.provider()
	names := []string{"host-0", "host-1"}
	left, err := p.Wipe(t.Context(), infraID, names)
	if err == nil || len(left) != 1 || left[0].Name != "of host host-1" ||
		!strings.Contains(err.Error(), "host host-1 (BMC ") || strings.Contains(err.Error(), "host-0") ||
		!strings.Contains(exit.Next(err), "console of the host") {
		t.Errorf("%v, %v, next %q", left, err, exit.Next(err))
	}
	r.is(0, bmc.Off, false, "agent")
	r.is(1, bmc.On, false, "agent")
	r.is(2, bmc.Off, false, "") // nobody asked for it
	for i := range r.bmcs {
		if r.overridden(i) {
			t.Errorf("host-%d has a boot override", i)
		}
	}
	if !r.warned("the disk of host host-0 is wiped") || r.warned("the disk of host host-1 is wiped") {
		t.Error("it says of the wrong hosts that they are wiped")
	}
	r.secretless(err)
}

// What is not proved to be the host that was installed is not started.
func TestWipeUnproved(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, want string
		edit       func(*rig)
		on         bool
	}{
		{name: "no UUID", want: "no systemUUID", edit: func(r *rig) { r.opts.Hosts[0].UUID = "" }},
		{name: "another UUID", want: "another machine", edit: func(r *rig) { r.opts.Hosts[0].UUID = uuid(7) }},
		{name: "no disk and no hints", want: "neither does the state have", edit: func(r *rig) { r.opts.Hosts[0].Disk = nil }},
		{name: "on", want: "it is On", edit: func(*rig) {}, on: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newWipers(t, true)
			tt.edit(r)
			want, started := bmc.Off, ""
			if tt.on {
				if err := r.bmcs[0].Host.On(t.Context()); err != nil {
					t.Fatal(err)
				}
				want, started = bmc.On, "disk"
			}
			left, err := r.provider().Wipe(t.Context(), infraID, []string{"host-0"})
			if err == nil || len(left) != 1 || !strings.Contains(err.Error(), tt.want) || exit.Next(err) == "" {
				t.Errorf("%v, %v", left, err)
			}
			r.is(0, want, false, started)
		})
	}
}

// An interrupted run takes the medium out; the next one goes on.
func TestWipeInterrupted(t *testing.T) {
	t.Parallel()
	r := newWipers(t, false)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for !r.warned("wipes the disk") && t.Context().Err() == nil {
			_ = r.opts.Clock.Sleep(t.Context(), time.Second)
		}
		cancel()
	}()
	if left, err := r.provider().Wipe(ctx, infraID, []string{"host-0"}); err == nil || len(left) != 1 {
		t.Errorf("%v, %v", left, err)
	}
	if r.bmcs[0].Host.Medium().Inserted {
		t.Error("the medium is still in the host")
	}
	for r.bmcs[0].Host.Power() != bmc.Off { // it goes on wiping
		if err := r.opts.Clock.Sleep(t.Context(), time.Second); err != nil {
			t.Fatal(err)
		}
	}
	p := r.provider()
	if left, err := p.Destroy(t.Context(), infraID, machines.Everything); err != nil {
		t.Fatal(left, err)
	}
	if left, err := p.Wipe(t.Context(), infraID, []string{"host-0"}); err != nil {
		t.Errorf("%v, %v", left, err)
	}
	r.is(0, bmc.Off, false, "agent")
}

func TestWrittenHosts(t *testing.T) {
	t.Parallel()
	r := newWipers(t, false)
	hints := &types.RootDeviceHints{SerialNumber: "S1"}
	r.opts.Hosts[0].RootDeviceHints, r.opts.Hosts[0].BootMACAddress = hints, strings.ToUpper(mac(0))
	got := r.provider().Written()
	if len(got) != 1 || got[0].UUID != uuid(0) || got[0].Disk.Serial != "S1" || got[0].Hints != hints ||
		len(got[0].MACs) != 1 || got[0].MACs[0] != mac(0) {
		t.Errorf("%+v", got)
	}
	what := agent.Wipe{InfraID: infraID, Hosts: got}
	if _, err := what.Encode(); err != nil {
		t.Error(err)
	}
}
