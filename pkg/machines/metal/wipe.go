package metal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/plan"
	"github.com/okd-install/okd-install/pkg/redfish"
	"github.com/okd-install/okd-install/pkg/types/values"
)

const (
	offPoll = 10 * time.Second
	// endLimit bounds taking out the medium of a host after an interruption.
	endLimit = time.Minute
)

// Written implements machines.Wiper.
func (r *Rack) Written() []agent.WipeHost {
	var out []agent.WipeHost
	for _, h := range r.hosts {
		w := agent.WipeHost{Name: h.Name, UUID: h.UUID, Disk: h.Disk, Hints: h.RootDeviceHints}
		if h.BootMACAddress != "" {
			w.MACs = []string{values.PlainMAC(h.BootMACAddress)}
		}
		out = append(out, w)
	}
	return out
}

// Wipe implements machines.Wiper. Hosts do not affect each other.
func (p *Provider) Wipe(ctx context.Context, infraID string, names []string) ([]plan.Ref, error) {
	if err := checkInfraID(infraID); err != nil {
		return nil, err
	}
	errs := make([]error, len(p.hosts))
	var wipes sync.WaitGroup
	for i, h := range p.hosts {
		if slices.Contains(names, h.Name) {
			wipes.Go(func() { errs[i] = p.wipe(ctx, h, infraID) })
		}
	}
	wipes.Wait()
	var left []plan.Ref
	for i, h := range p.hosts {
		if errs[i] != nil {
			left = append(left, plan.Ref{Kind: plan.KindDisk, Name: "of host " + h.Name, ID: h.UUID})
		}
	}
	return left, errors.Join(errs...)
}

// wipe starts a host from the medium that wipes it, and waits until it has switched itself off. The medium is taken out
// whatever the end.
func (p *Provider) wipe(ctx context.Context, h *host, infraID string) error {
	if err := p.with(ctx, h, func(ctx context.Context) error { return p.mayWipe(ctx, h, infraID) }); err != nil {
		return err
	}
	pl := plan.Plan{InfraID: infraID}
	err := p.Boot(ctx, pl, h.Name, false)
	if err == nil {
		event.Info(p.Events, "host "+h.Name+" wipes the disk that it was installed to", "host", h.Name)
		err = p.goesOff(ctx, h)
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), endLimit)
	defer cancel()
	if err = errors.Join(err, p.Release(end, pl, h.Name)); err == nil {
		event.Info(p.Events, "the disk of host "+h.Name+" is wiped", "host", h.Name)
	}
	return err
}

// mayWipe reports, as an error, that a host is not proved to be the one that was installed. That its disk was, it finds
// out itself.
func (p *Provider) mayWipe(ctx context.Context, h *host, infraID string) error {
	s := p.state(ctx, h, infraID)
	unproved := func(next, why string, args ...any) error {
		return exit.With(exit.Unproved, next, fmt.Errorf("host %s (BMC %s): its disks were not wiped: %s", h.Name,
			h.BMC.Address, fmt.Sprintf(why, args...)))
	}
	const byHand = "wipe its disk by hand, and run the same command without --wipe-disks"
	switch {
	case s.Err != nil:
		return s.Err
	case s.Power != redfish.Off:
		return unproved("switch the host off, and run the same command again", "it is %s", s.Power)
	case h.UUID == "":
		return unproved(byHand, "metadata.json has no systemUUID of it, so that nothing shows that it is the same machine")
	case !strings.EqualFold(s.UUID, h.UUID):
		return unproved(byHand, "its BMC says that the UUID of its system is %q, and that of metadata.json is %s", s.UUID,
			h.UUID)
	case h.Disk == nil && h.RootDeviceHints == nil:
		return unproved(byHand, "neither does the state have the disk that it was installed to, nor are rootDeviceHints of "+
			"it known")
	}
	return nil
}

// goesOff waits until the host has switched itself off, which it does only when its disk is wiped. A controller that
// does not answer, or says so only once, proves nothing.
func (p *Provider) goesOff(ctx context.Context, h *host) error {
	end, off := p.Clock.Now().Add(p.WipeLimit), 0
	var last error
	for {
		err := p.with(ctx, h, func(ctx context.Context) error {
			bmc, err := h.session(ctx)
			if err != nil {
				return err
			}
			now, err := bmc.Status(ctx)
			if err != nil {
				return err
			}
			if off++; now.Power != redfish.Off {
				off = 0
			}
			return nil
		})
		if last = err; off == 2 {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("host %s: %w", h.Name, context.Cause(ctx))
		}
		if !p.Clock.Now().Before(end) {
			why := fmt.Errorf("host %s (BMC %s): it was started to wipe its disk, and has not switched itself off after %s",
				h.Name, h.BMC.Address, p.WipeLimit)
			if last != nil {
				why = fmt.Errorf("%w; its BMC does not answer: %w", why, last)
			}
			return exit.With(exit.Infrastructure, "look at the console of the host, which says what it does or why it "+
				"refuses; then switch it off and run the same command again, or wipe its disk by hand", why)
		}
		if err := p.Clock.Sleep(ctx, offPoll); err != nil {
			return fmt.Errorf("host %s: %w", h.Name, context.Cause(ctx))
		}
	}
}
