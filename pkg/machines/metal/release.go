package metal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/plan"
	"github.com/okd-install/okd-install/pkg/redfish"
	"github.com/okd-install/okd-install/pkg/types/values"
)

// Release implements machines.Booter. The host goes on running.
func (p *Provider) Release(ctx context.Context, pl plan.Plan, name string) error {
	return p.leave(ctx, pl, name, func(State) bool { return false })
}

// Withdraw implements machines.Booter.
func (p *Provider) Withdraw(ctx context.Context, pl plan.Plan, name string) error {
	return p.leave(ctx, pl, name, func(s State) bool { return s.Medium == Ours })
}

// leave releases a host, and switches it off before if that is wanted in the state that it is in.
func (p *Provider) leave(ctx context.Context, pl plan.Plan, name string, off func(State) bool) error {
	if err := checkInfraID(pl.InfraID); err != nil {
		return err
	}
	h, err := p.find(name)
	if err != nil {
		return err
	}
	return p.with(ctx, h, func(ctx context.Context) error {
		s := p.state(ctx, h, pl.InfraID)
		switch {
		case s.Err != nil:
			return s.Err
		case off(s):
			return p.destroy(ctx, h, pl.InfraID)
		}
		return p.release(ctx, h, s, pl.InfraID)
	})
}

// release takes out the medium unless it is known to be somebody else's, and clears what the host boots next.
func (p *Provider) release(ctx context.Context, h *host, s State, infraID string) error {
	bmc, err := h.session(ctx)
	if err != nil {
		return err
	}
	if s.Medium == Ours || s.Medium == Unknown {
		err := bmc.EjectMedia(ctx, func(s redfish.Slot) bool {
			is := p.kind(infraID, h, s)
			return is == Ours || is == Unknown
		})
		if err != nil {
			return err
		}
		h.inserted = false
	}
	if s.Medium == Other {
		event.Warn(p.Events, fmt.Sprintf("The medium in host %s, %s, is not this cluster's: it stays", h.Name, s.Image))
	}
	return bmc.ClearBootOverride(ctx)
}

// Destroy implements machines.Provider: it switches the hosts off, takes the media out and clears what they boot next.
// What is on their disks stays. Other stages have nothing outside of this process.
func (p *Provider) Destroy(ctx context.Context, infraID string, stage plan.Stage) ([]plan.Ref, error) {
	if err := checkInfraID(infraID); err != nil {
		return nil, err
	}
	if stage != machines.Everything && stage != plan.StageInfrastructure {
		return nil, nil
	}
	errs := p.each(ctx, func(ctx context.Context, h *host) error { return p.provedToBelong(ctx, h, infraID) })
	var proved []string // before the first is off: the nodes that prove it may be among them
	for i, h := range p.hosts {
		if h.proved != "" && (errs[i] == nil || h.bmc == nil) {
			proved = append(proved, h.proved)
		}
	}
	if p.Prove != nil && len(proved) > 0 {
		p.Prove(proved)
	}
	ended := p.each(ctx, func(ctx context.Context, h *host) error {
		if errs[slices.Index(p.hosts, h)] != nil {
			return nil
		}
		return p.destroy(ctx, h, infraID)
	})
	for i, err := range ended {
		errs[i] = cmp.Or(errs[i], err)
	}
	var left []plan.Ref
	for i, h := range p.hosts {
		if errs[i] != nil {
			left = append(left, plan.Ref{Kind: plan.KindHost, Name: h.Name, ID: h.UUID})
		}
	}
	return left, errors.Join(errs...)
}

// each does something with all hosts, and returns what became of each.
func (p *Provider) each(ctx context.Context, do func(context.Context, *host) error) []error {
	errs := make([]error, len(p.hosts))
	var ends sync.WaitGroup
	for i, h := range p.hosts {
		ends.Go(func() { errs[i] = p.with(ctx, h, func(ctx context.Context) error { return do(ctx, h) }) })
	}
	ends.Wait()
	return errs
}

// provedToBelong is belongs, also for hosts whose BMCs do not answer: when they do again, nobody may be left to ask.
func (p *Provider) provedToBelong(ctx context.Context, h *host, infraID string) error {
	s := p.state(ctx, h, infraID)
	if s.Err != nil {
		if h.UUID != "" && p.Node != nil {
			if is, err := p.Node(ctx, h.UUID); is && err == nil {
				h.proved = h.UUID
			}
		}
		return s.Err
	}
	if err := p.belongs(ctx, h, s, infraID); err != nil {
		return err
	}
	h.proved = s.UUID
	return nil
}

func (p *Provider) destroy(ctx context.Context, h *host, infraID string) error {
	s := p.state(ctx, h, infraID)
	if s.Err != nil {
		return s.Err
	}
	bmc, err := h.session(ctx)
	if err != nil {
		return err
	}
	if s.Power != redfish.Off {
		event.Info(p.Events, "powering off host "+h.Name, "host", h.Name)
	}
	if err := bmc.PowerOff(ctx, 0); err != nil {
		return err
	}
	return p.release(ctx, h, s, infraID)
}

// belongs reports, as an error, that a host that runs is not proved to be of the cluster. A session proves already that
// its system is the recorded one, if there is a record.
func (p *Provider) belongs(ctx context.Context, h *host, s State, infraID string) error {
	if s.Power == redfish.Off || s.Medium == Ours || p.TakeRunning || s.UUID != "" && slices.Contains(p.Proved, s.UUID) {
		return nil
	}
	why := "the cluster was not asked"
	if p.Node != nil && s.UUID != "" {
		switch is, err := p.Node(ctx, s.UUID); {
		case err != nil:
			why = "the cluster does not say whether it is one of its nodes: " + err.Error()
		case is:
			return nil
		default:
			why = "the cluster has no node with its UUID, " + s.UUID
		}
	}
	if p.Registered != nil {
		macs := s.MACs
		if h.BootMACAddress != "" {
			macs = append(slices.Clone(macs), values.PlainMAC(h.BootMACAddress))
		}
		switch is, err := p.Registered(ctx, macs); {
		case err != nil:
			why += "; nor does the rendezvous host: " + err.Error()
		case is:
			return nil
		default:
			why += "; and it has not registered with the rendezvous host"
		}
	}
	return exit.With(exit.Unproved, "switch the host off by hand, or run the same command with --take-running-hosts",
		fmt.Errorf("host %s (BMC %s): it is %s, and nothing shows that it belongs to cluster %s: %s",
			h.Name, h.BMC.Address, s.Power, infraID, why))
}
