package ovirt

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/machines"
	api "github.com/okd-install/okd-install/pkg/ovirt"
	"github.com/okd-install/okd-install/pkg/plan"
	"github.com/okd-install/okd-install/pkg/wait"
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
	return remaining, errors.Join(append(errs, fmt.Errorf("destroy %s: still there: %s; run the same command again", infraID, strings.Join(names, ", ")))...)
}

type destroyer struct {
	*Provider
	infraID string
	all     bool
}

func (d *destroyer) run(ctx context.Context) []error {
	var errs []error
	note := func(err error) {
		if err != nil {
			errs = append(errs, err)
		}
	}
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

func (d *destroyer) machines(ctx context.Context) error {
	vms, err := d.clusterVMs(ctx, d.infraID, d.all)
	errs := make([]error, len(vms)+1)
	errs[len(vms)] = err
	slots := make(chan struct{}, d.Parallel)
	var wg sync.WaitGroup
	for i, vm := range vms {
		wg.Add(1)
		go func() {
			defer wg.Done()
			slots <- struct{}{}
			defer func() { <-slots }()
			event.Info(d.Events, "removing a virtual machine", "vm", vm.Name)
			errs[i] = d.removeVM(ctx, vm, d.DestroyLimit)
		}()
	}
	wg.Wait()
	return errors.Join(errs...)
}

// clusterVMs finds machines by tag, and by name and description those that a
// kill left without one.
func (p *Provider) clusterVMs(ctx context.Context, infraID string, all bool) ([]api.VM, error) {
	seen := map[string]api.VM{}
	var order []string
	add := func(vms []api.VM) {
		for _, vm := range vms {
			if _, dup := seen[vm.ID]; !dup {
				order = append(order, vm.ID)
			}
			seen[vm.ID] = vm
		}
	}
	tags := []string{BootstrapName(infraID)}
	if all {
		tags = append(tags, infraID)
	}
	for _, name := range tags {
		// Searching for a tag that does not exist is an error on some engines.
		tag, err := p.Engine.FindTag(ctx, name)
		if err != nil {
			return nil, err
		}
		if tag == nil {
			continue
		}
		vms, err := p.Engine.VMsByTag(ctx, name)
		if err != nil {
			return nil, err
		}
		add(vms)
	}
	for _, prefix := range []string{infraID + "-", ImageVMName(infraID)} {
		vms, err := p.Engine.VMsByPrefix(ctx, prefix)
		if err != nil {
			return nil, err
		}
		for _, vm := range vms {
			r := role(infraID, vm.Name)
			if r != "" && marked(infraID, vm.Description) && (all || r == "bootstrap" || r == "image") {
				add([]api.VM{vm})
			}
		}
	}
	out := make([]api.VM, 0, len(order))
	for _, id := range order {
		out = append(out, seen[id])
	}
	return out, nil
}

// removeVM stops a machine, deletes it with its disks, and waits until it is gone.
func (p *Provider) removeVM(ctx context.Context, vm api.VM, limit time.Duration) error {
	err := p.settle(ctx, limit, func(ctx context.Context) (bool, error) {
		now, err := p.Engine.GetVM(ctx, vm.ID)
		if api.Is(err, api.NotFound) {
			return true, nil
		}
		return now.Status == api.VMDown, err
	}, func(ctx context.Context) error {
		err := p.Engine.StopVM(ctx, vm)
		if e := (*api.Error)(nil); errors.As(err, &e) && e.Kind == api.Conflict {
			e.Kind = api.Locked // a machine between two states; it gets there
		}
		return err
	})
	if err != nil && !api.Is(err, api.NotFound) {
		return err
	}
	if err := p.untilVM(ctx, limit, vm); err != nil {
		return err
	}
	if err := p.settle(ctx, limit, never, func(ctx context.Context) error { return p.Engine.DeleteVM(ctx, vm) }); err != nil {
		return err
	}
	return p.untilGone(ctx, limit, "virtual machine "+vm.Name, func(ctx context.Context) error {
		_, err := p.Engine.GetVM(ctx, vm.ID)
		return err
	})
}

// untilVM waits until a machine is down or gone.
func (p *Provider) untilVM(ctx context.Context, limit time.Duration, vm api.VM) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := wait.Until(ctx, p.Clock, p.Poll, func(ctx context.Context) (bool, string, error) {
		now, err := p.Engine.GetVM(ctx, vm.ID)
		if api.Is(err, api.NotFound) {
			return true, "", nil
		}
		return err == nil && now.Status == api.VMDown, "it is " + now.Status, err
	})
	if err != nil {
		return fmt.Errorf("stop virtual machine %s: %w", vm.Name, err)
	}
	return nil
}

// untilGone waits until reading something says that it does not exist.
func (p *Provider) untilGone(ctx context.Context, limit time.Duration, what string, read func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := wait.Until(ctx, p.Clock, p.Poll, func(ctx context.Context) (bool, string, error) {
		err := read(ctx)
		if api.Is(err, api.NotFound) {
			return true, "", nil
		}
		return false, "the engine still has it", err
	})
	if err != nil {
		return fmt.Errorf("delete %s: %w", what, err)
	}
	return nil
}

func (d *destroyer) template(ctx context.Context) error {
	t, err := d.Engine.FindTemplate(ctx, ImageName(d.infraID))
	if err != nil || t == nil || !marked(d.infraID, t.Description) {
		return err
	}
	event.Info(d.Events, "removing the template", "template", t.Name)
	return d.removeTemplate(ctx, *t, d.DestroyLimit)
}

func (p *Provider) removeTemplate(ctx context.Context, t api.Template, limit time.Duration) error {
	if err := p.settle(ctx, limit, never, func(ctx context.Context) error { return p.Engine.DeleteTemplate(ctx, t) }); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := wait.Until(ctx, p.Clock, p.Poll, func(ctx context.Context) (bool, string, error) {
		left, err := p.Engine.FindTemplate(ctx, t.Name)
		return left == nil, "the engine still has it", err
	})
	if err != nil {
		return fmt.Errorf("delete template %s: %w", t.Name, err)
	}
	return nil
}

// disks removes disks that no machine took with it. While the template or
// machines made of it are there, their disks have the same name and stay.
func (d *destroyer) disks(ctx context.Context) error {
	loose, err := d.looseDisks(ctx)
	errs := []error{err}
	for _, disk := range loose {
		errs = append(errs, d.discardDisk(ctx, disk, d.DestroyLimit))
	}
	return errors.Join(errs...)
}

func (d *destroyer) looseDisks(ctx context.Context) ([]api.Disk, error) {
	t, err := d.Engine.FindTemplate(ctx, ImageName(d.infraID))
	if err != nil {
		return nil, err
	}
	vms, err := d.clusterVMs(ctx, d.infraID, true)
	if err != nil || t != nil || len(vms) > 0 {
		return nil, err
	}
	all, err := d.Engine.DisksByPrefix(ctx, d.infraID+"-")
	if err != nil {
		return nil, err
	}
	var out []api.Disk
	for _, disk := range all {
		if marked(d.infraID, disk.Description) {
			out = append(out, disk)
		}
	}
	return out, nil
}

func (d *destroyer) groups(ctx context.Context) error {
	groups, err := d.clusterGroups(ctx)
	errs := []error{err}
	for _, g := range groups {
		errs = append(errs, d.settle(ctx, d.DestroyLimit, never, func(ctx context.Context) error { return d.Engine.DeleteGroup(ctx, g) }))
	}
	return errors.Join(errs...)
}

func (d *destroyer) clusterGroups(ctx context.Context) ([]api.Group, error) {
	clusters, err := d.Engine.Clusters(ctx)
	if err != nil {
		return nil, err
	}
	var out []api.Group
	for _, c := range clusters {
		groups, err := d.Engine.Groups(ctx, c.ID, d.infraID+"-")
		if err != nil {
			return out, err
		}
		out = append(out, groups...)
	}
	return out, nil
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
		tag, err := d.Engine.FindTag(ctx, name)
		if err == nil && tag != nil {
			err = d.settle(ctx, d.DestroyLimit, never, func(ctx context.Context) error { return d.Engine.DeleteTag(ctx, *tag) })
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
		t, err := d.Engine.FindTemplate(ctx, ImageName(d.infraID))
		if err != nil {
			return out, err
		}
		if t != nil && marked(d.infraID, t.Description) {
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
		tag, err := d.Engine.FindTag(ctx, name)
		if err != nil {
			return out, err
		}
		if tag != nil {
			out = append(out, plan.Ref{Kind: plan.KindTag, Name: tag.Name, ID: tag.ID})
		}
	}
	return out, nil
}
