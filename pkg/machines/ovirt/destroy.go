package ovirt

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/machines"
	api "github.com/okd-install/okd-install/pkg/ovirt"
	"github.com/okd-install/okd-install/pkg/plan"
)

// Destroy removes the bootstrap stage, with what is left of the image stage
// that only served to make the template, or everything. What cannot be removed
// does not keep the rest from being removed.
func (p *Provider) Destroy(ctx context.Context, infraID string, stage plan.Stage) ([]plan.Ref, error) {
	if err := checkInfraID(infraID); err != nil {
		return nil, fmt.Errorf("destroy: %w", err)
	}
	if stage != plan.StageBootstrap && stage != machines.Everything {
		return nil, fmt.Errorf("destroy: stage %q cannot be destroyed alone", stage)
	}
	d := &destroyer{Provider: p, infraID: infraID, all: stage == machines.Everything, proved: map[string]bool{}}
	failed := d.run(ctx)
	if len(d.kept) > 0 {
		slices.Sort(d.kept)
		event.Info(d.Events, "detached, and left in the engine, since this installer did not make them: "+
			strings.Join(d.kept, ", "))
	}
	found, err := d.look(ctx)
	remaining := found.refs()
	if err != nil {
		return remaining, errors.Join(failed, fmt.Errorf("look for what is left of %s: %w", infraID, err))
	}
	if len(remaining) == 0 {
		return nil, nil // whatever failed on the way, it is gone
	}
	return remaining, fmt.Errorf("destroy %s: %w", infraID, machines.Remaining(remaining, failed))
}

type destroyer struct {
	*Provider
	infraID string
	all     bool
	proved  map[string]bool // IDs of groups that were the cluster's while its machines were in them
	kept    []string        // disks of others that were detached
}

// look adds the groups that were the cluster's while its machines were there.
func (d *destroyer) look(ctx context.Context) (owned, error) {
	found, err := d.Provider.look(ctx, d.infraID, d.all)
	for _, s := range found.odd {
		if d.proved[s.group.ID] {
			found.groups = append(found.groups, s.group)
		}
	}
	return found, err
}

// run removes what can be removed, and names what only looks like the cluster's.
func (d *destroyer) run(ctx context.Context) error {
	found, err := d.look(ctx)
	errs := []error{err}
	for _, s := range found.odd {
		event.Warn(d.Events, "leaving "+s.what+" alone: "+s.why)
	}
	for _, g := range found.groups {
		d.proved[g.ID] = true
	}
	// An open transfer keeps its disk locked, and with it the machine.
	images, err := d.imageDisks(ctx, d.infraID)
	errs = append(errs, err, d.cancelTransfers(ctx, d.DestroyLimit, images...), d.machines(ctx, found.vms))
	if t := found.template; t != nil {
		event.Info(d.Events, "removing the template", "template", t.Name)
		errs = append(errs, d.removeTemplate(ctx, *t, d.DestroyLimit))
	}
	// Only now can the disks be told that no machine took with it.
	found, err = d.look(ctx)
	errs = append(errs, err)
	for _, disk := range found.disks {
		errs = append(errs, d.discardDisk(ctx, d.infraID, disk, d.DestroyLimit))
	}
	for _, g := range found.groups {
		errs = append(errs, d.repeat(ctx, d.DestroyLimit,
			func(ctx context.Context) error { return d.Engine.DeleteGroup(ctx, g) }))
	}
	// Tags go last, and only when nothing carries them any more: without its tag
	// a machine would not be found by the next destroy.
	if err != nil || len(found.vms) > 0 {
		return errors.Join(errs...)
	}
	for _, tag := range found.tags {
		errs = append(errs, d.repeat(ctx, d.DestroyLimit,
			func(ctx context.Context) error { return d.Engine.DeleteTag(ctx, tag) }))
	}
	return errors.Join(errs...)
}

// machines switches all machines off before it removes the first: as long as
// one of them runs, the cluster's storage driver may attach disks to others.
func (d *destroyer) machines(ctx context.Context, vms []api.VM) error {
	stopped := d.parallel(vms, func(_ int, vm api.VM) error { return d.stopVM(ctx, vm, d.DestroyLimit) })
	kept := make([][]api.Disk, len(vms))
	removed := d.parallel(vms, func(i int, vm api.VM) (err error) {
		if stopped[i] != nil {
			return stopped[i]
		}
		event.Info(d.Events, "removing a virtual machine", "vm", vm.Name)
		kept[i], err = d.removeVM(ctx, d.infraID, vm, d.DestroyLimit)
		return err
	})
	for i, vm := range vms {
		for _, disk := range kept[i] {
			d.kept = append(d.kept, fmt.Sprintf("%s (%s) of %s", disk.Alias, disk.ID, vm.Name))
		}
	}
	return errors.Join(removed...)
}

// parallel does work for all machines, and returns how it ended for each.
func (d *destroyer) parallel(vms []api.VM, work func(i int, vm api.VM) error) []error {
	errs := make([]error, len(vms))
	slots := make(chan struct{}, d.Parallel)
	var running sync.WaitGroup
	for i, vm := range vms {
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			errs[i] = work(i, vm)
		})
	}
	running.Wait()
	return errs
}

// refs names what is owned.
func (o owned) refs() []plan.Ref {
	var out []plan.Ref
	add := func(kind plan.Kind, name, id string) { out = append(out, plan.Ref{Kind: kind, Name: name, ID: id}) }
	for _, vm := range o.vms {
		add(plan.KindVM, vm.Name, vm.ID)
	}
	if t := o.template; t != nil {
		add(plan.KindTemplate, t.Name, t.ID)
	}
	for _, disk := range o.disks {
		add(plan.KindDisk, disk.Alias, disk.ID)
	}
	for _, g := range o.groups {
		add(plan.KindAffinityGroup, g.Name, g.ID)
	}
	for _, tag := range o.tags {
		add(plan.KindTag, tag.Name, tag.ID)
	}
	return out
}
