package create

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/agent/check"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/handoff"
	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/phase"
	"github.com/okd-install/okd-install/pkg/phases"
)

// count is how often a call was made.
func (r *rack) count(call string) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.calls {
		if c == call {
			n++
		}
	}
	return n
}

// boots are the hosts that were started, in alphabetical order.
func (r *rack) boots() (names []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.calls {
		if name, is := strings.CutPrefix(c, "boot "); is {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func TestSelfInstalling(t *testing.T) {
	r := newRack(t)
	if err := r.create(t.Context(), Options{}); err != nil {
		t.Fatal(err)
	}
	var went []string
	for name, result := range r.results() {
		if result != phase.Done && name != phases.Virtualization.Name {
			went = append(went, name+": "+string(result))
		}
	}
	if len(went) > 0 || r.results()[phases.AgentHosts.Name] != phase.Done {
		t.Errorf("phases that are not done: %q", went)
	}
	if got := r.boots(); !slices.Equal(got, r.nodes) || !r.handedOver || !r.started {
		t.Errorf("started %q; state: started %v, handed over %v", got, r.started, r.handedOver)
	}
	if r.ids["master-1"] != "uuid-of-master-1" {
		t.Errorf("the state knows the hosts as %v", r.ids)
	}
	if len(r.disks) != 1 || len(r.disks[0]) != 3 || r.disks[0]["master-1"].Serial != "S-master-1" {
		t.Errorf("the state knows the disks as %v", r.disks)
	}
	if left := r.media(); len(left) > 0 || r.closed == 0 {
		t.Errorf("media left in %q, sessions closed %d times", left, r.closed)
	}
	// Again: nothing is started.
	if err := r.create(t.Context(), Options{}); err != nil {
		t.Fatal(err)
	}
	if got := r.boots(); len(got) > 0 || r.results()[phases.Infrastructure.Name] != phase.Already {
		t.Errorf("again: started %q, %v", got, r.results())
	}
}

// Spare hosts are left alone.
func TestSelfInstallingSpareHosts(t *testing.T) {
	r := newRack(t)
	r.hosts = append(r.hosts, &rackHost{name: "spare", on: true})
	if err := r.create(t.Context(), Options{}); err != nil {
		t.Fatal(err)
	}
	for _, call := range r.calls {
		if strings.HasSuffix(call, "spare") {
			t.Errorf("to a spare host: %s", call)
		}
	}
	if !slices.Equal(r.boots(), r.nodes) || len(r.inventory) != len(r.nodes) {
		t.Errorf("started %q, registered %v", r.boots(), r.inventory)
	}
}

// A host that does not register is started again, three times in all.
func TestSelfInstallingStartsAgain(t *testing.T) {
	for deaf, fails := range map[int]string{1: "", 2: "", 3: "host master-1 has not registered after 3 starts"} {
		r := newRack(t)
		r.hosts[1].deaf = deaf
		err := r.create(t.Context(), Options{})
		switch {
		case fails == "" && err != nil:
			t.Errorf("%d: %v", deaf, err)
		case fails != "" && (err == nil || !strings.Contains(err.Error(), fails) || exit.Next(err) == ""):
			t.Errorf("%d: %v; next %q", deaf, err, exit.Next(err))
		}
		if n := r.count("boot master-1"); n != min(deaf+1, 3) || r.count("boot master-0") != 1 {
			t.Errorf("%d: started %d times; %q", deaf, n, r.boots())
		}
		if len(r.media()) > 0 || fails != "" && r.hosts[1].on {
			t.Errorf("%d: media in %q; the host that has not come is on: %v", deaf, r.media(), r.hosts[1].on)
		}
	}
}

// Silence of the service says nothing of the hosts that it would know.
func TestSelfInstallingWithoutItsService(t *testing.T) {
	r := newRack(t)
	r.hosts[0].deaf = 5
	err := r.create(t.Context(), Options{})
	if exit.Code(err) != exit.Bootstrap || !strings.Contains(err.Error(), "host") {
		t.Fatalf("code %d, %v", exit.Code(err), err)
	}
	if r.count("boot master-0") != 3 || r.count("boot master-1") != 1 || r.count("boot master-2") != 1 {
		t.Errorf("started %q", r.boots())
	}
}

// A host that cannot be started does not keep the others from it; the next run goes on with it.
func TestSelfInstallingGoesOn(t *testing.T) {
	r := newRack(t)
	r.hosts[2].broken = errors.New("host master-2: BMC 192.0.2.12: it has no virtual CD")
	err := r.create(t.Context(), Options{})
	if exit.Code(err) != exit.Infrastructure || !strings.Contains(err.Error(), "192.0.2.12") || len(r.boots()) != 3 {
		t.Fatalf("code %d, %v; %q", exit.Code(err), err, r.boots())
	}
	r.set(func() { r.hosts[2].broken = nil })
	if err := r.create(t.Context(), Options{}); err != nil {
		t.Fatal(err)
	}
	if got := r.boots(); !slices.Equal(got, []string{"master-2"}) || len(r.media()) > 0 {
		t.Errorf("started %q, media in %q", got, r.media())
	}
}

// The world says where an interrupted run goes on.
func TestSelfInstallingInterrupted(t *testing.T) {
	for _, at := range []string{"apply image", "boot master-1", "release master-0"} {
		r := newRack(t)
		ctx, cancel := context.WithCancelCause(t.Context())
		r.during = func(call string) {
			if call == at {
				cancel(exit.ErrInterrupted)
			}
		}
		if err := r.create(ctx, Options{}); exit.Code(err) != exit.Interrupted {
			t.Errorf("%s: %v", at, err)
		}
		r.set(func() { r.during = func(string) {} })
		if r.closed == 0 {
			t.Errorf("%s: sessions are left", at)
		}
		if err := r.create(t.Context(), Options{}); err != nil {
			t.Errorf("%s: %v", at, err)
		}
		if left := r.media(); len(left) > 0 {
			t.Errorf("%s: media in %q", at, left)
		}
	}
}

// Hosts that have begun to install themselves and are silent may be a cluster.
func TestSelfInstallingWithoutProof(t *testing.T) {
	r := newRack(t)
	r.hold("etcd")
	if err := r.create(t.Context(), Options{Timeout: 30e9}); exit.Code(err) != exit.Bootstrap {
		t.Fatal(err)
	}
	r.hold("api")
	r.set(func() { r.silent = true })
	err := r.create(t.Context(), Options{})
	if exit.Code(err) != exit.Unproved || len(r.calls) > 0 || !strings.Contains(err.Error(), "have begun to install") {
		t.Fatalf("code %d, %v; calls %q", exit.Code(err), err, r.calls)
	}
	// The API answers again: nothing is started.
	r.hold()
	if err := r.create(t.Context(), Options{}); err != nil || len(r.boots()) > 0 {
		t.Errorf("%v; started %q", err, r.boots())
	}
}

// A run that was killed as soon as hosts had begun to install themselves leaves a mark: hosts that are off may be a
// cluster whose power was cut.
func TestSelfInstallingBegun(t *testing.T) {
	r := newRack(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	r.marked = func() { cancel(exit.ErrInterrupted) }
	if err := r.create(ctx, Options{}); exit.Code(err) != exit.Interrupted || !r.begunMark {
		t.Fatal(err, r.begunMark)
	}
	r.hold("api")
	r.set(func() {
		r.silent, r.marked = true, func() {}
		for _, h := range r.hosts {
			h.on = false
		}
	})
	if err := os.Remove(r.env.Path(phase.JournalName)); err != nil { // the mark is enough
		t.Fatal(err)
	}
	err := r.create(t.Context(), Options{})
	if exit.Code(err) != exit.Unproved || len(r.calls) > 0 || !strings.Contains(err.Error(), "have begun to install") {
		t.Fatalf("code %d, %v; calls %q", exit.Code(err), err, r.calls)
	}
	// The user's word decides.
	r.hold()
	r.set(func() { r.silent, r.begun, r.record = false, false, machines.Record{} })
	for _, h := range r.hosts {
		h.registered = false
	}
	if err := r.create(t.Context(), Options{HandedOver: handoff.No}); err != nil || len(r.boots()) != 3 {
		t.Errorf("%v; started %q", err, r.boots())
	}
}

// A BMC that is dead when the medium has to come out does not end the installation.
func TestSelfInstallingDeadController(t *testing.T) {
	for _, comes := range []bool{false, true} {
		r := newRack(t)
		r.hosts[1].dead = errors.New("host master-1 (BMC 192.0.2.11): no answer")
		r.during = func(call string) {
			if comes && call == "release master-1" && r.saying("checking that the medium of host master-1") {
				r.set(func() { r.hosts[1].dead = nil })
			}
		}
		if err := r.create(t.Context(), Options{}); err != nil {
			t.Fatal(err)
		}
		named := r.saying("The medium of host master-1 may still be in it: host master-1 (BMC 192.0.2.11): no answer. To do: ")
		if named == comes || !r.saying("asked again at the end") || len(r.media()) == 1 == comes {
			t.Errorf("BMC comes back %v: said %q, media in %q", comes, r.said, r.media())
		}
	}
}

// Hints that match no disk end the installation before anything is written.
func TestSelfInstallingWithoutDisk(t *testing.T) {
	r := newRack(t)
	r.hosts[2].checks = []agent.Check{{ID: check.Disk, Result: agent.Fail, Problem: agent.Problem{
		Message: "rootDeviceHints match no usable disk: /dev/sda (QEMU): serialNumber is A, not B", Next: "correct them"}}}
	err := r.create(t.Context(), Options{})
	const says = "host master-2: rootDeviceHints match no usable disk: /dev/sda"
	if exit.Code(err) == 0 || !strings.Contains(err.Error(), says) ||
		!strings.Contains(exit.Next(err), "correct rootDeviceHints") {
		t.Errorf("%v; next %q", err, exit.Next(err))
	}
	if r.begun || r.begunMark || len(r.media()) > 0 {
		t.Errorf("begun %v, media in %q", r.begun, r.media())
	}
}

// An installation whose state is lost is not begun anew beside what may run.
func TestSelfInstallingWithoutState(t *testing.T) {
	r := newRack(t)
	if err := r.create(t.Context(), Options{}); err != nil {
		t.Fatal(err)
	}
	r.set(func() { r.drawn, r.started, r.handedOver, r.record = "", false, false, machines.Record{} })
	if err := r.create(t.Context(), Options{}); exit.Code(err) != exit.Unproved || len(r.calls) > 0 {
		t.Errorf("%v; calls %q", err, r.calls)
	}
}
