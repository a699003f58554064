package steps

import (
	"context"
	"sync"
	"time"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/types"
)

// lastLimit bounds the last look at controllers that did not answer before.
const lastLimit = 2 * time.Minute

// Finish makes sure that no machine has a medium any more. A controller that does not say so does not end the
// installation: the machine runs from memory, and starts from its disk next unless its firmware prefers media. It is
// asked again at the end.
func (b *Booting) Finish(ctx context.Context, sink event.Sink) error {
	b.work.Wait()
	errs := b.releaseAll(ctx, sink, b.Machines)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	b.stuck = nil
	for i, m := range b.Machines {
		if errs[i] != nil {
			b.stuck = append(b.stuck, m)
			event.Warn(sink, "It is not known whether the medium of host "+m.Name+" is out; its BMC is asked again at the end",
				"err", errs[i])
		}
	}
	return nil
}

// Last asks the controllers again that did not answer, once the machines are nodes. It names those with which
// somebody has to look after the medium by hand.
func (b *Booting) Last(ctx context.Context, sink event.Sink) {
	ctx, cancel := context.WithTimeout(ctx, lastLimit)
	defer cancel()
	for i, err := range b.releaseAll(ctx, sink, b.stuck) {
		if err == nil {
			continue
		}
		next := "in the web interface of its BMC, take the virtual medium out, and clear the boot override, before the " +
			"host is started again"
		if more := exit.Next(err); more != "" {
			next += "; " + more
		}
		event.Warn(sink, "The medium of host "+b.stuck[i].Name+" may still be in it: "+err.Error()+". To do: "+next)
	}
}

// takeBackLimit bounds TakeBack. What takes longest is a host whose power is stuck.
const takeBackLimit = 3 * time.Minute

// TakeBack is for an installation that has failed, also when ctx has ended: machines that have not registered are
// switched off if they have a medium of ours, and no machine keeps one. It names those with which that did not work.
func (b *Booting) TakeBack(ctx context.Context, sink event.Sink) {
	b.work.Wait()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), takeBackLimit)
	defer cancel()
	errs := make([]error, len(b.Machines))
	var ends sync.WaitGroup
	for i, m := range b.Machines {
		b.mu.Lock()
		k := *b.of(m.Name)
		b.mu.Unlock()
		if k.released {
			continue
		}
		take := b.Withdraw
		if k.here || k.begun {
			take = b.Release
		}
		event.ProgressOf(sink, "making sure that host "+m.Name+" keeps no medium")
		ends.Go(func() { errs[i] = take(ctx, m.Name) })
	}
	ends.Wait()
	for i, err := range errs {
		if err == nil {
			continue
		}
		say := event.Debug // the failure itself is about it
		b.mu.Lock()
		if b.of(b.Machines[i].Name).boots > 0 {
			say = event.Warn
		}
		b.mu.Unlock()
		say(sink, "Whether host "+b.Machines[i].Name+" still has the medium in it is not known", "err", err)
	}
}

func (b *Booting) releaseAll(ctx context.Context, sink event.Sink, list []types.Machine) []error {
	errs := make([]error, len(list))
	var releases sync.WaitGroup
	for i, m := range list {
		event.ProgressOf(sink, "checking that the medium of host "+m.Name+" is out")
		releases.Go(func() { errs[i] = b.Release(ctx, m.Name) })
	}
	releases.Wait()
	return errs
}

// Wait waits for what is done beside the phases.
func (b *Booting) Wait() { b.work.Wait() }
