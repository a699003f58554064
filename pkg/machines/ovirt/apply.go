package ovirt

import (
	"context"
	"errors"
	"fmt"
	"sync"

	api "github.com/okd-install/okd-install/pkg/ovirt"
	"github.com/okd-install/okd-install/pkg/plan"
)

// Apply makes one stage of the plan true. Objects are worked on in the plan's order,
// each after those that it needs. After a failure no more are begun, and what is
// under way is brought to its end.
func (p *Provider) Apply(ctx context.Context, pl plan.Plan, stage plan.Stage) error {
	if err := pl.Validate(); err != nil {
		return err
	}
	if err := checkInfraID(pl.InfraID); err != nil {
		return err
	}
	objects := pl.In(stage)
	there := map[plan.Key]chan struct{}{} // closed once the object exists
	for _, o := range objects {
		there[o.Key] = make(chan struct{})
	}
	going, stop := context.WithCancel(ctx)
	defer stop()
	errs := make([]error, len(objects))
	slots := make(chan struct{}, p.Parallel)
	var running sync.WaitGroup
	for i, o := range objects {
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			if !await(going, o.Needs, there) {
				return
			}
			served, err := p.made(ctx, pl, o.Until)
			switch spec, isVM := o.Spec.(plan.VM); {
			case err != nil, served:
			case isVM && spec.Medium != "":
				err = p.boot(ctx, pl, o, spec, false)
			case isVM:
				var vm api.VM
				var tags []api.Tag
				if vm, tags, err = p.ensureVM(ctx, pl, o, spec); err == nil {
					err = p.finishVM(ctx, pl, spec, vm, tags)
				}
			default:
				err = p.ensure(ctx, pl, o)
			}
			if errs[i] = err; err != nil {
				stop()
				return
			}
			close(there[o.Key])
		})
	}
	running.Wait()
	err := errors.Join(errs...)
	if err == nil {
		err = context.Cause(ctx) // which may have kept some from being begun
	}
	if err != nil {
		return fmt.Errorf("apply stage %s: %w", stage, err)
	}
	return nil
}

// await waits for what an object needs, and reports whether it may be begun.
func await(going context.Context, needs []plan.Key, there map[plan.Key]chan struct{}) bool {
	for _, key := range needs {
		made, ofStage := there[key]
		if !ofStage {
			continue // an earlier stage has made it
		}
		select {
		case <-made:
		case <-going.Done():
			return false
		}
	}
	return going.Err() == nil
}

// made reports whether the object that others are only needed for is there. While it
// is being made they must stay untouched, so existence is enough. One that the
// engine failed to make is removed with its disks, which have the image's name.
func (p *Provider) made(ctx context.Context, pl plan.Plan, key plan.Key) (bool, error) {
	o, planned := pl.Get(key)
	if !planned || o.Kind != plan.KindTemplate {
		return false, nil
	}
	t, err := p.Engine.FindTemplate(ctx, o.Name)
	if err != nil || t == nil || !marked(pl.InfraID, t.Description) {
		return false, err
	}
	if t.Status != api.Illegal {
		return true, nil
	}
	return false, p.removeTemplate(ctx, *t, p.Limit)
}

// ensure creates or adopts an object that is not a machine.
func (p *Provider) ensure(ctx context.Context, pl plan.Plan, o plan.Object) error {
	switch spec := o.Spec.(type) {
	case plan.Tag:
		_, err := p.ensureTag(ctx, pl, o.Name)
		return err
	case plan.Disk:
		return p.ensureImageDisk(ctx, pl.InfraID, o.Name, spec)
	case plan.Template:
		return p.ensureTemplate(ctx, pl, o, spec)
	case plan.AffinityGroup:
		return p.ensureGroup(ctx, pl.InfraID, o.Name, spec)
	case plan.Medium:
		_, err := p.ensureMedium(ctx, pl.InfraID, spec)
		return err
	}
	return fmt.Errorf("create %s: oVirt has no such objects", o.Key)
}
