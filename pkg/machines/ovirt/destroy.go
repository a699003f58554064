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
	d := &destroyer{Provider: p, infraID: infraID, all: stage == machines.Everything}
	errs := d.run(ctx)
	d.sayKept()
	remaining, err := d.remaining(ctx)
	if err != nil {
		return remaining, errors.Join(append(errs, fmt.Errorf("look for what is left of %s: %w", infraID, err))...)
	}
	if len(remaining) == 0 {
		return nil, nil // whatever failed on the way, it is gone
	}
	names := make([]string, 0, len(remaining))
	for _, r := range remaining {
		names = append(names, string(r.Kind)+" "+r.Name)
	}
	return remaining, errors.Join(append(errs, fmt.Errorf("destroy %s: still there: %s; run the same command again",
		infraID, strings.Join(names, ", ")))...)
}

type destroyer struct {
	*Provider
	infraID string
	all     bool

	// groups are proved to be the cluster's while its machines are in them.
	proved map[string]bool
	mu     sync.Mutex
	kept   []string // disks of others that were detached
}

func (d *destroyer) run(ctx context.Context) []error {
	var errs []error
	note := func(err error) {
		if err != nil {
			errs = append(errs, err)
		}
	}
	note(d.survey(ctx))
	// An open transfer keeps its disk locked, and with it the machine.
	note(d.transfers(ctx))
	note(d.machines(ctx))
	if d.all {
		note(d.template(ctx))
	}
	note(d.disks(ctx))
	if d.all {
		note(d.groups(ctx))
	}
	// Tags go last, and only when nothing carries them any more: without its tag
	// a machine would not be found by the next destroy.
	note(d.tags(ctx))
	return errs
}

// survey names what looks like a part of the cluster and stays, and remembers
// which groups hold nothing but its machines as long as these are there.
func (d *destroyer) survey(ctx context.Context) error {
	vms, odd, err := d.findVMs(ctx, d.infraID, d.all)
	if err != nil {
		return err
	}
	add := func(s *stranger) {
		if s != nil {
			odd = append(odd, *s)
		}
	}
	for _, name := range d.tagNames() {
		_, s, err := d.clusterTag(ctx, d.infraID, name)
		if err != nil {
			return err
		}
		add(s)
	}
	d.proved = map[string]bool{}
	if d.all {
		_, s, err := d.clusterTemplate(ctx, d.infraID)
		if err != nil {
			return err
		}
		add(s)
		groups, more, err := d.Provider.clusterGroups(ctx, d.infraID, vms)
		if err != nil {
			return err
		}
		odd = append(odd, more...)
		for _, g := range groups {
			d.proved[g.ID] = true
		}
	}
	for _, s := range odd {
		event.Warn(d.Events, "leaving "+s.what+" alone: "+s.why)
	}
	return nil
}

// sayKept sums up which disks of others are left.
func (d *destroyer) sayKept() {
	if len(d.kept) == 0 {
		return
	}
	slices.Sort(d.kept)
	event.Info(d.Events, "detached, and left in the engine, since this installer did not make them: "+
		strings.Join(d.kept, ", "))
}

func (d *destroyer) transfers(ctx context.Context) error {
	disks, err := d.imageDisks(ctx, d.infraID, ImageName(d.infraID))
	if err != nil {
		return err
	}
	ids := make([]string, 0, len(disks))
	for _, disk := range disks {
		ids = append(ids, disk.ID)
	}
	transfers, err := d.Engine.Transfers(ctx, ids...)
	errs := []error{err}
	for _, t := range transfers {
		if t.Open() {
			errs = append(errs, d.Engine.CancelTransfer(ctx, t, d.DestroyLimit))
		}
	}
	return errors.Join(errs...)
}

// machines switches all machines off before it removes the first: as long as
// one of them runs, the cluster's storage driver may attach disks to others.
func (d *destroyer) machines(ctx context.Context) error {
	vms, err := d.clusterVMs(ctx, d.infraID, d.all)
	stopped := d.parallel(vms, func(vm api.VM) error { return d.stopVM(ctx, vm, d.DestroyLimit) })
	removed := d.parallel(vms, func(vm api.VM) error {
		if stopped[vm.ID] != nil {
			return stopped[vm.ID]
		}
		event.Info(d.Events, "removing a virtual machine", "vm", vm.Name)
		kept, err := d.removeVM(ctx, d.infraID, vm, d.DestroyLimit)
		d.mu.Lock()
		defer d.mu.Unlock()
		for _, disk := range kept {
			d.kept = append(d.kept, fmt.Sprintf("%s (%s) of %s", disk.Alias, disk.ID, vm.Name))
		}
		return err
	})
	errs := []error{err}
	for _, vm := range vms {
		errs = append(errs, removed[vm.ID])
	}
	return errors.Join(errs...)
}

// parallel does work for all machines, and returns how it ended by their IDs.
func (d *destroyer) parallel(vms []api.VM, work func(api.VM) error) map[string]error {
	out := map[string]error{}
	slots := make(chan struct{}, d.Parallel)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, vm := range vms {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			err := work(vm)
			mu.Lock()
			defer mu.Unlock()
			out[vm.ID] = err
		})
	}
	wg.Wait()
	return out
}

func (d *destroyer) template(ctx context.Context) error {
	t, _, err := d.clusterTemplate(ctx, d.infraID)
	if err != nil || t == nil {
		return err
	}
	event.Info(d.Events, "removing the template", "template", t.Name)
	return d.removeTemplate(ctx, *t, d.DestroyLimit)
}

// disks removes disks that no machine took with it. While the template or
// machines made of it are there, their disks have the same name and stay.
func (d *destroyer) disks(ctx context.Context) error {
	loose, err := d.looseDisks(ctx)
	errs := []error{err}
	for _, disk := range loose {
		errs = append(errs, d.discardDisk(ctx, d.infraID, disk, d.DestroyLimit))
	}
	return errors.Join(errs...)
}

// looseDisks returns disks of the cluster that are in no machine, be it the
// cluster's or another one that was made of its template.
func (d *destroyer) looseDisks(ctx context.Context) ([]api.Disk, error) {
	t, _, err := d.clusterTemplate(ctx, d.infraID)
	if err != nil {
		return nil, err
	}
	vms, err := d.clusterVMs(ctx, d.infraID, true)
	if err != nil || t != nil || len(vms) > 0 {
		return nil, err
	}
	proposed, err := d.Engine.DisksByPrefix(ctx, d.infraID+"-")
	if err != nil || len(proposed) == 0 {
		return nil, err
	}
	used, err := d.Engine.AttachedDisks(ctx)
	if err != nil {
		return nil, err
	}
	var out []api.Disk
	for _, one := range proposed {
		if _, in := used[one.ID]; in {
			continue
		}
		disk, _, err := d.clusterDisk(ctx, d.infraID, one.ID)
		if err != nil {
			return out, err
		}
		if disk != nil {
			out = append(out, *disk)
		}
	}
	return out, nil
}

func (d *destroyer) groups(ctx context.Context) error {
	groups, err := d.clusterGroups(ctx)
	errs := []error{err}
	for _, g := range groups {
		errs = append(errs, d.settle(ctx, d.DestroyLimit, never,
			func(ctx context.Context) error { return d.Engine.DeleteGroup(ctx, g) }))
	}
	return errors.Join(errs...)
}

// clusterGroups adds the groups that were the cluster's while its machines were there.
func (d *destroyer) clusterGroups(ctx context.Context) ([]api.Group, error) {
	vms, err := d.clusterVMs(ctx, d.infraID, true)
	if err != nil {
		return nil, err
	}
	ours, odd, err := d.Provider.clusterGroups(ctx, d.infraID, vms)
	for _, s := range odd {
		if d.proved[s.group.ID] {
			ours = append(ours, s.group)
		}
	}
	return ours, err
}

func (d *destroyer) tagNames() []string {
	if d.all {
		return []string{BootstrapName(d.infraID), d.infraID}
	}
	return []string{BootstrapName(d.infraID)}
}

func (d *destroyer) tags(ctx context.Context) error {
	vms, err := d.clusterVMs(ctx, d.infraID, d.all)
	if err != nil {
		return err
	}
	if len(vms) > 0 {
		return nil
	}
	var errs []error
	for _, name := range d.tagNames() {
		tag, _, err := d.clusterTag(ctx, d.infraID, name)
		if err == nil && tag != nil {
			err = d.settle(ctx, d.DestroyLimit, never,
				func(ctx context.Context) error { return d.Engine.DeleteTag(ctx, *tag) })
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// remaining lists what is left, the way the next destroy would find it.
func (d *destroyer) remaining(ctx context.Context) ([]plan.Ref, error) {
	var out []plan.Ref
	vms, err := d.clusterVMs(ctx, d.infraID, d.all)
	if err != nil {
		return out, err
	}
	for _, vm := range vms {
		out = append(out, plan.Ref{Kind: plan.KindVM, Name: vm.Name, ID: vm.ID})
	}
	if d.all {
		t, _, err := d.clusterTemplate(ctx, d.infraID)
		if err != nil {
			return out, err
		}
		if t != nil {
			out = append(out, plan.Ref{Kind: plan.KindTemplate, Name: t.Name, ID: t.ID})
		}
	}
	disks, err := d.looseDisks(ctx)
	if err != nil {
		return out, err
	}
	for _, disk := range disks {
		out = append(out, plan.Ref{Kind: plan.KindDisk, Name: disk.Alias, ID: disk.ID})
	}
	if d.all {
		groups, err := d.clusterGroups(ctx)
		if err != nil {
			return out, err
		}
		for _, g := range groups {
			out = append(out, plan.Ref{Kind: plan.KindAffinityGroup, Name: g.Name, ID: g.ID})
		}
	}
	for _, name := range d.tagNames() {
		tag, _, err := d.clusterTag(ctx, d.infraID, name)
		if err != nil {
			return out, err
		}
		if tag != nil {
			out = append(out, plan.Ref{Kind: plan.KindTag, Name: tag.Name, ID: tag.ID})
		}
	}
	return out, nil
}
