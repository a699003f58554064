package ovirt

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/okd-install/okd-install/pkg/event"
	api "github.com/okd-install/okd-install/pkg/ovirt"
)

// removeVM stops a machine, takes out the disks that are not the installer's, and
// deletes it with the others. It returns the disks that it took out, which stay.
func (p *Provider) removeVM(ctx context.Context, infraID string, vm api.VM, limit time.Duration) ([]api.Disk, error) {
	if err := p.stopVM(ctx, vm, limit); err != nil {
		return nil, err
	}
	kept, err := p.spareDisks(ctx, infraID, vm, limit)
	if err != nil {
		return kept, err
	}
	return kept, remove(ctx, p, limit, "virtual machine "+vm.Name, vm, vm.ID, p.Engine.DeleteVM, p.Engine.GetVM)
}

// stopVM cuts a machine's power and waits until it is down, or gone.
func (p *Provider) stopVM(ctx context.Context, vm api.VM, limit time.Duration) error {
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
	op := "stop virtual machine " + vm.Name
	return p.until(ctx, limit, op, func(ctx context.Context) (bool, string, error) {
		now, err := p.Engine.GetVM(ctx, vm.ID)
		if api.Is(err, api.NotFound) {
			return true, "", nil
		}
		return err == nil && now.Status == api.VMDown, "it is " + now.Status, err
	})
}

// spareDisks detaches what somebody else put into a machine: deleting the
// machine would delete it. It looks until it finds nothing more to detach.
func (p *Provider) spareDisks(ctx context.Context, infraID string, vm api.VM, limit time.Duration) ([]api.Disk, error) {
	var kept []api.Disk
	for {
		foreign, err := p.foreignDisks(ctx, infraID, vm)
		if err != nil || len(foreign) == 0 {
			return kept, err
		}
		for _, d := range foreign {
			if err := p.detach(ctx, vm, d, limit); err != nil {
				return kept, fmt.Errorf("virtual machine %s stays, since deleting it would delete disk %s (%s), "+
					"which this installer did not make and cannot detach: %w", vm.Name, d.Alias, d.ID, err)
			}
			event.Info(p.Events, fmt.Sprintf("disk %s (%s) of virtual machine %s was not made by this installer: "+
				"detached, it stays", d.Alias, d.ID, vm.Name))
			kept = append(kept, d)
		}
	}
}

// foreignDisks returns the disks in a machine that are to be kept.
func (p *Provider) foreignDisks(ctx context.Context, infraID string, vm api.VM) ([]api.Disk, error) {
	attached, err := p.Engine.Attachments(ctx, vm.ID)
	if api.Is(err, api.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []api.Disk
	for _, a := range attached {
		d, err := p.Engine.GetDisk(ctx, a.DiskID)
		if api.Is(err, api.NotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		made, err := p.madeDisk(ctx, infraID, vm, a, d)
		if err != nil {
			return nil, err
		}
		// A shared disk may be in other machines; the order to delete does not reach it.
		if !made && (!p.DeleteForeignDisks || d.Shareable) {
			out = append(out, d)
		}
	}
	return out, nil
}

func (p *Provider) detach(ctx context.Context, vm api.VM, d api.Disk, limit time.Duration) error {
	gone := func(ctx context.Context) (bool, error) {
		attached, err := p.Engine.Attachments(ctx, vm.ID)
		in := slices.ContainsFunc(attached, func(a api.Attachment) bool { return a.DiskID == d.ID })
		return err == nil && !in, err
	}
	return p.settle(ctx, limit, gone, func(ctx context.Context) error { return p.Engine.DetachDisk(ctx, vm, d) })
}

func (p *Provider) removeTemplate(ctx context.Context, t api.Template, limit time.Duration) error {
	return remove(ctx, p, limit, "template "+t.Name, t, t.ID, p.Engine.DeleteTemplate, p.Engine.GetTemplate)
}
