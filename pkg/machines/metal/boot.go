package metal

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/media"
	"github.com/okd-install/okd-install/pkg/plan"
	"github.com/okd-install/okd-install/pkg/redfish"
)

const (
	// bootTries is how often a host is taken from off to on, when what stopped it may pass.
	bootTries = 3
	// bootPause is for a BMC that restarts or is busy; the second is twice as long. Both are up to half as much longer.
	bootPause = 30 * time.Second
	// shutdownLimit is how long a system that somebody else has left running may take to end.
	shutdownLimit = 90 * time.Second
	fetchPoll     = 2 * time.Second
)

// Boot implements machines.Booter. It returns when the host is on and its BMC has read from the medium.
func (p *Provider) Boot(ctx context.Context, pl plan.Plan, name string, absent bool) error {
	if err := checkInfraID(pl.InfraID); err != nil {
		return err
	}
	h, err := p.find(name)
	if err != nil {
		return err
	}
	server, err := p.serve(ctx, pl)
	if err != nil {
		return fmt.Errorf("host %s: %w", name, err)
	}
	return p.with(ctx, h, func(ctx context.Context) error {
		b := booting{Provider: p, host: h, infraID: pl.InfraID, server: server, absent: absent}
		if b.reads() {
			return nil
		}
		for try := 1; ; try++ {
			err := b.once(ctx)
			if err == nil || ctx.Err() != nil || try == bootTries || !passes(err) {
				return err
			}
			event.Warn(p.Events, fmt.Sprintf("Host %s could not be started from its medium; it is tried again (%d of %d)",
				name, try+1, bootTries), "err", err)
			pause := time.Duration(try) * bootPause
			if err := p.Clock.Sleep(ctx, pause+rand.N(pause/2)); err != nil {
				return fmt.Errorf("host %s: %w", name, context.Cause(ctx))
			}
		}
	})
}

// passes reports whether the same may succeed a little later.
func passes(err error) bool {
	return errors.Is(err, errLost) ||
		redfish.Is(err, redfish.Unavailable, redfish.Busy, redfish.Unreachable, redfish.Stuck, redfish.Broken)
}

// errLost says that a medium is not in the host any more.
var errLost = errors.New("the medium has left the host")

// booting takes one host from off to on.
type booting struct {
	*Provider
	*host
	infraID string
	server  *media.Server // nil if the user serves the medium
	absent  bool
	mine    bool // this call has switched it on
}

func (b *booting) once(ctx context.Context) error {
	bmc, err := b.session(ctx)
	if err != nil {
		return err
	}
	s := b.state(ctx, b.host, b.infraID)
	if s.Err != nil {
		return s.Err
	}
	grace, err := b.may(s)
	if err != nil {
		return err
	}
	from, err := b.source(ctx, b.server, b.host, b.infraID)
	if err != nil {
		return err
	}
	say := func(what string) { event.ProgressOf(b.Events, "host "+b.Name+": "+what, "host", b.Name) }
	if s.Power != redfish.Off {
		say("powering off")
	}
	if err := bmc.PowerOff(ctx, grace); err != nil {
		return err
	}
	if s.Medium == Other {
		event.Warn(b.Events, fmt.Sprintf("The medium in host %s, %s, is taken out for that of the cluster", b.Name, s.Image))
	}
	say("inserting the medium")
	begun, err := b.insert(ctx, bmc, from)
	if err != nil {
		return err
	}
	if err := b.override(ctx, bmc); err != nil {
		return err
	}
	if err := b.starts.wait(ctx, b.Clock); err != nil {
		return fmt.Errorf("host %s: %w", b.Name, context.Cause(ctx))
	}
	// An order to switch it on that a killed run gave last may have been carried out since, without the override or with
	// it, which is used up then.
	power, err := bmc.Power(ctx)
	if err != nil {
		return err
	}
	if power != redfish.Off {
		if err := bmc.PowerOff(ctx, 0); err != nil {
			return err
		}
		if err := b.override(ctx, bmc); err != nil {
			return err
		}
	}
	say("powering on")
	if err := b.powerOn(ctx, bmc); err != nil {
		return err
	}
	b.mine = true
	say("waiting for its BMC to read the medium")
	if err := b.fetched(ctx, begun); err != nil {
		return err
	}
	b.started = true
	if b.server != nil {
		b.read = b.server.Seen(mediumName(b.infraID, b.Name)).Bytes
	}
	return nil
}

// powerOn returns when the host is on, by its BMC's word or because it loads its image: one that wipes its disk may be
// off again before its BMC, which is busy meanwhile, has said so.
func (b *booting) powerOn(ctx context.Context, bmc *redfish.BMC) error {
	if b.server == nil {
		return bmc.PowerOn(ctx)
	}
	read := func() int64 { return b.server.Seen(mediumName(b.infraID, b.Name)).Bytes }
	before := read()
	waiting, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	go func() {
		for b.Clock.Sleep(waiting, fetchPoll) == nil {
			if read()-before >= readMuch {
				stop(errLoads)
			}
		}
	}()
	err := bmc.PowerOn(waiting)
	if errors.Is(context.Cause(waiting), errLoads) {
		return nil
	}
	return err
}

var errLoads = errors.New("the host loads its image")

// override makes the host start from its medium once. One that was started so and has not registered may have firmware
// that ignores that: it starts from the medium until it is released, which is when it has registered.
func (b *booting) override(ctx context.Context, bmc *redfish.BMC) error {
	if !b.started || !b.absent {
		return bmc.BootOnceFromMedia(ctx, b.mode())
	}
	event.Warn(b.Events, fmt.Sprintf("Host %s was started from its medium and has not registered. In case its firmware "+
		"ignores boot overrides for one boot, it gets one that stays until it has", b.Name))
	return bmc.BootFromMedia(ctx, b.mode())
}

const (
	// readLately and readMuch tell a host that loads its image from one whose system looks into the drive now and then.
	readLately = time.Minute
	readMuch   = 8 << 20
)

// reads reports whether a host that was started is still loading its image, which takes the virtual drives of some BMCs
// longer than a host may take to register. Starting it anew would begin that anew.
func (b *booting) reads() bool {
	if b.server == nil || !b.started {
		return false
	}
	seen := b.server.Seen(mediumName(b.infraID, b.Name))
	since := seen.Bytes - b.read
	b.read = seen.Bytes
	if since < readMuch || b.Clock.Now().Sub(seen.Last) > readLately {
		return false
	}
	event.Info(b.Events, fmt.Sprintf("Host %s is still loading its image, %d MiB so far, and is left alone", b.Name,
		seen.Bytes>>20), "host", b.Name)
	return true
}

// may reports, as an error, that nothing proves that the host may be switched off, and how long it has to end.
func (b *booting) may(s State) (grace time.Duration, err error) {
	switch {
	case s.Power == redfish.Off, s.Medium == Ours, b.absent, b.mine:
		return 0, nil
	case b.TakeRunning:
		return shutdownLimit, nil
	}
	return 0, runs(b.host, s)
}

// runs says that a host is on, and that nobody knows what for.
func runs(h *host, s State) error {
	what := "it is " + string(s.Power) + ", and nothing shows that it is not in use"
	if s.Medium == Other {
		what += "; the medium in it, " + s.Image + ", is not this cluster's"
	}
	return exit.With(exit.Unproved, "switch the host off if nobody needs what runs on it, or run the same command with "+
		"--take-running-hosts", fmt.Errorf("host %s (BMC %s): %s", h.Name, h.BMC.Address, what))
}

// insert inserts the medium, and returns when it began.
func (b *booting) insert(ctx context.Context, bmc *redfish.BMC, from string) (time.Time, error) {
	begun := b.Clock.Now()
	b.inserted = false
	_, err := bmc.InsertMedia(ctx, from)
	switch {
	case err == nil:
		b.inserted = true
		return begun, nil
	case ctx.Err() != nil || !b.choosesScheme(),
		!redfish.Is(err, redfish.Refused, redfish.NoMedium, redfish.Unsupported):
		return time.Time{}, err
	}
	_, at, addrErr := b.listenFor(ctx, b.host)
	if addrErr != nil {
		return time.Time{}, errors.Join(err, addrErr)
	}
	// That it does not take HTTPS is one reason of several.
	next := exit.Next(err) + ". If the BMC takes no HTTPS: " + plainStep(at)
	return time.Time{}, exit.With(exit.Infrastructure, next, err)
}

// fetched waits until the BMC has read from the medium. One that the user serves is only known to be in the host.
func (b *booting) fetched(ctx context.Context, begun time.Time) error {
	end := b.Clock.Now().Add(b.FetchLimit)
	for {
		s := b.state(ctx, b.host, b.infraID)
		switch {
		case s.Err != nil:
			return s.Err
		case s.Medium != Ours:
			return exit.With(exit.Infrastructure, "look at the event log of the BMC, and close remote consoles that use "+
				"virtual media", fmt.Errorf("host %s (BMC %s): %w: it has %s now", b.Name, b.BMC.Address, errLost, s.Medium))
		case b.server == nil, !b.server.Seen(mediumName(b.infraID, b.Name)).Last.Before(begun):
			return nil
		}
		if !b.Clock.Now().Before(end) {
			return exit.With(exit.Infrastructure, "check that the BMC reaches this machine: addresses, routes, firewalls; "+
				"--media-address names another address", fmt.Errorf("host %s (BMC %s): it is on, and its BMC has read "+
				"nothing of the medium after %s", b.Name, b.BMC.Address, b.FetchLimit))
		}
		if err := b.Clock.Sleep(ctx, fetchPoll); err != nil {
			return fmt.Errorf("host %s: %w", b.Name, context.Cause(ctx))
		}
	}
}
