package steps

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/types"
)

// What keeps the cluster waiting is left out if it is a worker: the cluster comes up without it, and it can be added
// later.
const (
	// workerPatience is how long workers are waited for when all other machines are ready, and how long one may be silent
	// while it is installed.
	workerPatience = 10 * time.Minute
	// troublePatience is how long a worker may have a problem that the service names. It is shorter than that after which
	// the installation ends.
	troublePatience = 20 * time.Second
)

// leaves reports whether the installation can go on without a machine: a worker, unless it has the service, or is the
// last one.
func (b *Booting) leaves(m types.Machine) bool {
	if b.LeaveOut == nil || m.Role != types.WorkerPool || m.Name == b.Rendezvous {
		return false
	}
	for _, other := range b.Machines {
		if k := b.of(other.Name); other.Role == types.WorkerPool && other.Name != m.Name && !k.leftOut && !k.lost {
			return true
		}
	}
	return false
}

// forgive takes the errors of workers away and says them, if there are others.
func (b *Booting) forgive(sink event.Sink, errs []error) {
	workers, failed := 0, 0
	for i, m := range b.Machines {
		if m.Role == types.WorkerPool && m.Name != b.Rendezvous {
			workers++
			if errs[i] != nil {
				failed++
			}
		}
	}
	for i, m := range b.Machines {
		if errs[i] != nil && failed < workers && m.Role == types.WorkerPool && m.Name != b.Rendezvous {
			event.Warn(sink, "Worker "+m.Name+" could not be started; it is tried again", "err", errs[i])
			errs[i] = nil
		}
	}
}

// leaveOut leaves workers out that keep the cluster waiting. The caller has the lock.
func (b *Booting) leaveOut(ctx context.Context, s agent.Status) {
	if b.LeaveOut == nil {
		return
	}
	now := b.Clock.Now()
	if !b.othersReady(s) {
		b.ready = time.Time{}
	} else if b.ready.IsZero() {
		b.ready = now
	}
	late := !b.ready.IsZero() && now.Sub(b.ready) > workerPatience
	var names, absent []string
	left := 0
	for _, m := range b.Machines {
		k, h := b.of(m.Name), FindMachine(s, m)
		if m.Role != types.WorkerPool || m.Name == b.Rendezvous || k.leftOut {
			continue
		}
		if why := k.keepsWaiting(m.Name, h, s.Time, late, now); why != "" {
			k.why = why
			if names = append(names, m.Name); h == nil && !k.begun {
				absent = append(absent, m.Name)
			}
		} else {
			left++
		}
	}
	if len(names) == 0 || left == 0 || b.asked {
		return
	}
	b.asked = true
	b.work.Go(func() {
		err := b.LeaveOut(ctx, names)
		if err != nil && ctx.Err() == nil {
			event.Warn(b.Sink, "The installation does not go on without workers "+strings.Join(names, ", "), "err", err)
		}
		b.mu.Lock()
		b.asked = false
		for _, name := range names {
			if k := b.of(name); err == nil {
				k.leftOut = true
				event.Warn(b.Sink, fmt.Sprintf("The installation goes on without worker %s: %s", name, k.why))
			}
		}
		b.mu.Unlock()
		if err == nil {
			b.withdraw(ctx, absent)
		}
	})
}

// withdraw switches machines off that have never registered. What they have started instead of their media may be a
// node of an older cluster, with addresses that this one needs.
func (b *Booting) withdraw(ctx context.Context, names []string) {
	for _, name := range names {
		b.work.Go(func() {
			err := b.Withdraw(ctx, name)
			b.mu.Lock()
			defer b.mu.Unlock()
			b.of(name).released = err == nil
			if err != nil && ctx.Err() == nil {
				event.Warn(b.Sink, "Host "+name+" could not be switched off. Do that by hand, because it may run an older system",
					"err", err)
			}
		})
	}
}

// othersReady reports whether all machines but the workers are ready, or past that.
func (b *Booting) othersReady(s agent.Status) bool {
	for _, m := range b.Machines {
		if m.Role == types.WorkerPool && m.Name != b.Rendezvous {
			continue
		}
		h := FindMachine(s, m)
		if h == nil || h.Silent || h.Stage == agent.Discovering || h.Stage == agent.Failed || h.Stage == "" {
			return false
		}
	}
	return true
}

// keepsWaiting is why a worker is not waited for any more, empty if it is. Late: all other machines have been ready for
// long enough. H is what the service said of it at a time of its own clock, nil if it does not have it.
func (k *machine) keepsWaiting(name string, h *agent.HostStatus, said time.Time, late bool, now time.Time) string {
	troubled := h != nil && h.Problem != nil
	if !troubled {
		k.trouble = time.Time{}
	} else if k.trouble.IsZero() {
		k.trouble = now
	}
	waits := h != nil && (h.Stage == agent.Discovering || h.Stage == "")
	switch {
	case h == nil && k.lost:
		return k.given(name)
	case h == nil && late && k.failure != nil:
		return "it could not be started: " + k.failure.Error()
	case h == nil && late:
		return "it has not registered"
	case troubled && now.Sub(k.trouble) > troublePatience:
		return h.Problem.Message
	case troubled || h == nil:
		return ""
	case h.Silent && late && said.Sub(h.LastHeard) > workerPatience:
		return "it was heard last at " + h.LastHeard.UTC().Format(time.RFC3339)
	case waits && late:
		for _, c := range h.Checks {
			if c.Blocks() {
				return fmt.Sprintf("check %s: %s", c.ID, c.Message)
			}
		}
		return "it is not ready"
	}
	return ""
}

// Why is what a machine was left out for, empty if it is not known.
func (b *Booting) Why(name string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.of(name).why
}
