package metal

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/plan"
	"github.com/okd-install/okd-install/pkg/redfish"
)

// Apply implements machines.Provider. The stage of the image is done when the medium can be read, that of the
// infrastructure when all hosts have been started from it; one that fails does not keep the others from it.
func (p *Provider) Apply(ctx context.Context, pl plan.Plan, stage plan.Stage) error {
	if err := pl.Validate(); err != nil {
		return err
	}
	if err := checkInfraID(pl.InfraID); err != nil {
		return err
	}
	switch stage {
	case plan.StageImage:
		if _, err := p.serve(ctx, pl); err != nil {
			return fmt.Errorf("apply stage %s: %w", stage, err)
		}
	case plan.StageInfrastructure:
		hosts := pl.Of(plan.KindHost)
		errs := make([]error, len(hosts))
		var starts sync.WaitGroup
		for i, o := range hosts {
			starts.Go(func() { errs[i] = p.Boot(ctx, pl, o.Name, false) })
		}
		starts.Wait()
		return errors.Join(errs...)
	}
	return nil
}

// Diff implements machines.Provider. A host that runs counts as made, whatever runs on it: the preflight asks why.
func (p *Provider) Diff(ctx context.Context, pl plan.Plan) (plan.Diff, error) {
	if err := checkInfraID(pl.InfraID); err != nil {
		return plan.Diff{}, err
	}
	states := p.States(ctx, pl.InfraID)
	var found []plan.Found
	var errs []error
	for _, s := range states {
		if s.Err != nil {
			errs = append(errs, s.Err)
			continue
		}
		if !s.On() {
			continue
		}
		f := plan.Found{Kind: plan.KindHost, Name: s.Name, ID: s.UUID}
		if s.Medium == Other {
			f.Differences = []plan.Difference{{Field: "medium", Want: "none, or the cluster's", Have: s.Image}}
		}
		found = append(found, f)
	}
	if len(errs) > 0 {
		return plan.Diff{}, fmt.Errorf("compare plan with the hosts: %w", errors.Join(errs...))
	}
	if len(found) == len(states) && len(found) > 0 { // the medium has done its work
		for _, o := range pl.Of(plan.KindMedium) {
			found = append(found, plan.Found{Kind: o.Kind, Name: o.Name})
		}
	}
	return plan.Compare(pl, found), nil
}

// Machines implements machines.Provider.
func (p *Provider) Machines(ctx context.Context, infraID string) ([]machines.Machine, error) {
	if err := checkInfraID(infraID); err != nil {
		return nil, err
	}
	var out []machines.Machine
	var errs []error
	for i, s := range p.States(ctx, infraID) {
		if s.Err != nil {
			errs = append(errs, s.Err)
			continue
		}
		out = append(out, machines.Machine{Name: s.Name, Role: p.hosts[i].Role, ID: s.UUID,
			Status: status(s.Power), Runs: s.On(), Ran: s.On()})
	}
	if len(errs) > 0 {
		return out, fmt.Errorf("list machines: %w", errors.Join(errs...))
	}
	return out, nil
}

// status is the word for a power state.
func status(s redfish.PowerState) string {
	switch s {
	case redfish.On:
		return "on"
	case redfish.Off:
		return "off"
	}
	return "between on and off"
}

// Recorded implements machines.Provider. BMCs keep no records; how far a cluster is, the installation's state knows.
func (p *Provider) Recorded(_ context.Context, infraID string) (machines.Record, error) {
	return machines.Record{InfraID: infraID, Progress: machines.ByHand}, nil
}

// Record implements machines.Provider, and keeps nothing.
func (p *Provider) Record(context.Context, machines.Record) error { return nil }

// Clusters implements machines.Provider: none are known.
func (p *Provider) Clusters(context.Context) ([]machines.Record, error) { return nil, nil }
