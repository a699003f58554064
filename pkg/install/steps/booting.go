package steps

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/agent/check"
	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/types"
	"github.com/okd-install/okd-install/pkg/types/values"
)

const (
	// bootBudget is how long a machine may take from its start until it registers. Servers test their memory for ten
	// minutes, and controllers read media at a few MB/s.
	bootBudget = 20 * time.Minute
	// oldSystemLimit is how long a machine may show the system on its disk after its start. Checks that were made before
	// have been repeated then.
	oldSystemLimit = 2 * time.Minute
	// maxBoots is how often a machine is started before it is given up.
	maxBoots = 3
	// heardLately is how old an answer of the service may be that still tells who is absent.
	heardLately = 15 * time.Second
	// releasePause is how long a medium that could not be taken out is left alone.
	releasePause = 30 * time.Second
)

// Booting starts machines that install themselves, takes out the media of those that run from memory, and starts
// those again that do not register with the service of the rendezvous host.
type Booting struct {
	Machines []types.Machine
	// Rendezvous is the name of the machine with the service, empty if it is not known.
	Rendezvous string
	// Boot, Release and Withdraw are those of machines.Booter. They are called for several machines at once.
	Boot     func(ctx context.Context, sink event.Sink, name string, absent bool) error
	Release  func(ctx context.Context, name string) error
	Withdraw func(ctx context.Context, name string) error
	// LeaveOut asks the service to go on without workers; nil where all of them are required.
	LeaveOut func(ctx context.Context, names []string) error
	Clock    clock.Clock
	Sink     event.Sink

	work  sync.WaitGroup
	mu    sync.Mutex
	known map[string]*machine
	heard time.Time       // when the service answered last
	ready time.Time       // since when the machines that are no workers have been ready
	asked bool            // LeaveOut is under way
	stuck []types.Machine // whose medium may not be out
}

// machine is what is known of one.
type machine struct {
	boots    int
	since    time.Time // since when it could have registered
	busy     bool      // something is being done about it
	old      bool      // the system on its disk runs
	here     bool      // it has registered and is not silent
	begun    bool      // it is being installed
	released bool
	retry    time.Time // when the medium may be tried again
	failure  error     // of the last start
	lost     bool      // it is not started again
	trouble  time.Time // since when the service has a problem with it
	leftOut  bool      // the installation goes on without it
	why      string
}

func (b *Booting) of(name string) *machine {
	if b.known == nil {
		b.known = map[string]*machine{}
	}
	m := b.known[name]
	if m == nil {
		m = &machine{}
		b.known[name] = m
	}
	return m
}

// Start starts all machines that have not registered, and returns when each of them has been started or has failed.
// Workers that have failed are started again later, unless all workers have. Absent says that the service has answered,
// so that what it does not have is not being installed.
func (b *Booting) Start(ctx context.Context, sink event.Sink, absent bool) error {
	errs := make([]error, len(b.Machines))
	var starts sync.WaitGroup
	for i, m := range b.Machines {
		b.mu.Lock()
		k := b.of(m.Name)
		needed := !k.here && !k.begun
		b.mu.Unlock()
		if needed {
			starts.Go(func() { errs[i] = b.boot(ctx, sink, m.Name, absent) })
		}
	}
	starts.Wait()
	if b.LeaveOut != nil && ctx.Err() == nil {
		b.forgive(sink, errs)
	}
	return errors.Join(errs...)
}

// boot starts one machine.
func (b *Booting) boot(ctx context.Context, sink event.Sink, name string, absent bool) error {
	b.mu.Lock()
	k := b.of(name)
	k.busy, k.released, k.here, k.old = true, false, false, false
	k.boots++
	b.mu.Unlock()
	err := b.Boot(ctx, sink, name, absent)
	b.mu.Lock()
	defer b.mu.Unlock()
	k.busy, k.since, k.failure = false, b.Clock.Now(), err
	if err == nil {
		event.Info(sink, "Host "+name+" starts from its medium")
	}
	return err
}

// Seen takes in what the service says. It does not wait: media are taken out beside it, until ctx ends.
func (b *Booting) Seen(ctx context.Context, s agent.Status) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.Clock.Now()
	b.heard = now
	for _, m := range b.Machines {
		k := b.of(m.Name)
		k.leftOut = slices.Contains(s.LeftOut, m.Name)
		h := FindMachine(s, m)
		k.old = h == nil && !k.busy && runsOldSystem(s, m)
		if h == nil {
			k.here = false
			continue
		}
		k.begun = h.Stage != agent.Discovering && h.Stage != agent.Ready && h.Stage != ""
		if k.here = !h.Silent; k.here {
			k.since = now
		}
		if k.here && !k.released && !k.busy && !now.Before(k.retry) {
			k.busy = true
			b.work.Go(func() { b.release(ctx, m.Name) })
		}
	}
	b.leaveOut(ctx, s)
}

// FindMachine is what the service says of a machine, nil if it does not have it.
func FindMachine(s agent.Status, m types.Machine) *agent.HostStatus {
	for i, h := range s.Hosts {
		own := func(mac string) bool { return values.PlainMAC(mac) == values.PlainMAC(m.MAC) }
		if slices.ContainsFunc(h.MACs, own) {
			return &s.Hosts[i]
		}
	}
	return nil
}

// runsOldSystem reports whether another host has found out that a machine which has not registered answers for a
// virtual address: it was a node of a cluster with the same addresses, and has started from its disk instead of its
// medium.
func runsOldSystem(s agent.Status, m types.Machine) bool {
	if m.MAC == "" {
		return false
	}
	for _, h := range s.Hosts {
		for _, c := range h.Checks {
			if c.ID == check.VIPs && c.Blocks() && strings.Contains(c.Message, values.PlainMAC(m.MAC)) {
				return true
			}
		}
	}
	return false
}

func (b *Booting) release(ctx context.Context, name string) {
	err := b.Release(ctx, name)
	b.mu.Lock()
	defer b.mu.Unlock()
	k := b.of(name)
	k.busy, k.released, k.retry = false, err == nil, b.Clock.Now().Add(releasePause)
	if err != nil && ctx.Err() == nil {
		event.Warn(b.Sink, "The medium of host "+name+" could not be taken out; it is tried again", "err", err)
	} else if err == nil {
		event.Debug(b.Sink, "the medium of host "+name+" is out")
	}
}

// Again starts machines again that have not registered in time, without waiting for them. Silence of the service says
// nothing of other machines than its own. The error names those that are given up, once nothing is under way.
func (b *Booting) Again(ctx context.Context, sink event.Sink) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	now, waits := b.Clock.Now(), false
	answered := !b.heard.IsZero() && now.Sub(b.heard) < heardLately
	var lost []string
	for _, m := range b.Machines {
		k := b.of(m.Name)
		if k.leftOut {
			continue
		}
		if k.since.IsZero() {
			k.since = now
		}
		overdue := !k.here && !k.begun && (answered || m.Name == b.Rendezvous) &&
			(k.failure != nil || now.Sub(k.since) > bootBudget || k.old && now.Sub(k.since) > oldSystemLimit)
		switch {
		case k.busy:
			waits = true
		case !overdue:
			waits = waits || !k.here && !k.begun
			k.lost = false
		case k.boots < maxBoots:
			waits = true
			k.busy = true
			event.ProgressOf(sink, fmt.Sprintf("starting host %s again, %d of %d", m.Name, k.boots+1, maxBoots))
			event.Warn(sink, fmt.Sprintf("Host %s %s; it is started again (%d of %d)", m.Name, k.instead(), k.boots+1,
				maxBoots))
			b.work.Go(func() { b.bootAgain(ctx, m.Name, answered) })
		default:
			k.lost = true
			if waits = waits || b.leaves(m); !b.leaves(m) {
				lost = append(lost, k.given(m.Name))
			}
		}
	}
	if len(lost) == 0 || waits {
		return nil
	}
	return exit.New("look at the console of the host, which its BMC shows: whether it starts from the virtual medium, "+
		"and what its agent says; then run the same command again", "%s", strings.Join(lost, "; "))
}

func (b *Booting) bootAgain(ctx context.Context, name string, absent bool) {
	if err := b.boot(ctx, b.Sink, name, absent); err != nil && ctx.Err() == nil {
		event.Warn(b.Sink, "Host "+name+" could not be started", "err", err)
	}
}

// instead is what a machine does instead of registering.
func (k *machine) instead() string {
	if k.old {
		return "has started the system on its disk, which holds a virtual address, instead of its medium"
	}
	return "has not registered"
}

// given says why a machine is given up.
func (k *machine) given(name string) string {
	text := fmt.Sprintf("host %s has not registered after %d starts from its medium", name, k.boots)
	if k.old {
		text += ": its firmware starts the system on its disk, which holds a virtual address"
	}
	if k.failure != nil {
		text += ": " + k.failure.Error()
	}
	return text
}
