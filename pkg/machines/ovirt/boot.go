package ovirt

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	api "github.com/okd-install/okd-install/pkg/ovirt"
	"github.com/okd-install/okd-install/pkg/plan"
)

// Boot implements machines.Booter for machines that install themselves from a medium. One that is missing is made. It
// boots its disk if that has a system, so that nothing is installed twice; only one that has run before is started from
// the medium in any case, for one run.
func (p *Provider) Boot(ctx context.Context, pl plan.Plan, name string, absent bool) error {
	o, spec, err := selfInstalling(pl, name)
	if err != nil {
		return err
	}
	return p.boot(ctx, pl, o, spec, absent)
}

// selfInstalling is the machine of a plan that becomes a node of that name.
func selfInstalling(pl plan.Plan, node string) (plan.Object, plan.VM, error) {
	if err := checkInfraID(pl.InfraID); err != nil {
		return plan.Object{}, plan.VM{}, err
	}
	name := JoinedName(pl.InfraID, node)
	o, _ := pl.Get(plan.KeyOf(plan.KindVM, name))
	spec, planned := o.Spec.(plan.VM)
	if !planned || spec.Medium == "" {
		return o, spec, fmt.Errorf("virtual machine %s is none of the plan's that are started from a medium", name)
	}
	return o, spec, nil
}

func (p *Provider) boot(ctx context.Context, pl plan.Plan, o plan.Object, spec plan.VM, absent bool) error {
	p.media.begin()
	defer p.media.end()
	medium, ok := pl.Get(spec.Medium)
	of, isMedium := medium.Spec.(plan.Medium)
	if !ok || !isMedium {
		return fmt.Errorf("start virtual machine %s: the plan has no medium %s", o.Name, spec.Medium)
	}
	vm, tags, err := p.ensureVM(ctx, pl, o, spec)
	if err != nil {
		return err
	}
	if vm, err = p.prepare(ctx, pl.InfraID, spec, vm, tags); err != nil {
		return err
	}
	if err := p.mayStop(ctx, pl.InfraID, vm, absent); err != nil {
		return err
	}
	disk, err := p.ensureMedium(ctx, pl.InfraID, of)
	if err != nil {
		return err
	}
	if vm.Status != api.VMDown {
		event.ProgressOf(p.Events, "virtual machine "+vm.Name+": powering off", "vm", vm.Name)
		if err := p.stopVM(ctx, vm, p.Limit); err != nil {
			return err
		}
	}
	if err := p.insert(ctx, pl.InfraID, vm, disk); err != nil {
		return err
	}
	return p.start(ctx, vm, func(ctx context.Context, vm api.VM) error {
		if !vm.RanBefore {
			return p.Engine.StartVM(ctx, vm)
		}
		return p.Engine.StartFromDrive(ctx, vm, disk.ID)
	})
}

// mayStop reports, as an error, that nothing proves that the power of a machine may be cut.
func (p *Provider) mayStop(ctx context.Context, infraID string, vm api.VM, absent bool) error {
	if vm.Status == api.VMDown {
		return nil
	}
	drive, err := p.Engine.GetDrive(ctx, vm)
	if err != nil {
		return err
	}
	disks, err := p.mediaDisks(ctx, infraID)
	if err != nil {
		return err
	}
	if absent || p.TakeRunning || ours(drive.Now, disks) {
		return nil
	}
	return exit.With(exit.Unproved, "shut the machine down in the engine if nobody needs what runs on it, or run the "+
		"same command with --take-running-hosts", fmt.Errorf("virtual machine %s is %s without the cluster's medium, and "+
		"nothing shows that it is not in use", vm.Name, vm.Status))
}

// insert puts the medium into the drive for the next start.
func (p *Provider) insert(ctx context.Context, infraID string, vm api.VM, disk api.Disk) error {
	return p.settle(ctx, p.Limit, func(ctx context.Context) (bool, error) {
		drive, err := p.Engine.GetDrive(ctx, vm)
		return has(drive.Next, disk), err
	}, func(ctx context.Context) error { return p.Engine.Insert(ctx, vm, disk.ID) })
}

// has reports whether what is in a drive is a disk. For a machine that runs some engines give the path on the
// hypervisor, of which the disk's ID is a part.
func has(drive string, d api.Disk) bool { return d.ID != "" && strings.Contains(drive, d.ID) }

func ours(drive string, disks []api.Disk) bool {
	return slices.ContainsFunc(disks, func(d api.Disk) bool { return has(drive, d) })
}

// Withdraw implements machines.Booter. The machine stays for the next run, or for nodes remove.
func (p *Provider) Withdraw(ctx context.Context, pl plan.Plan, name string) error {
	return p.Release(ctx, pl, name)
}

// Release implements machines.Booter. When no machine of the plan needs the ISO image any more, it is removed.
func (p *Provider) Release(ctx context.Context, pl plan.Plan, name string) error {
	o, _, err := selfInstalling(pl, name)
	if err != nil {
		return err
	}
	vm, err := p.Engine.FindVM(ctx, o.Name)
	if err != nil {
		return err
	}
	if vm != nil && joined(pl.InfraID, *vm) {
		if err := p.eject(ctx, pl.InfraID, *vm); err != nil {
			return err
		}
	}
	for _, other := range pl.Of(plan.KindVM) {
		if other.Name == o.Name {
			continue
		}
		// One that has run and has a medium keeps it from being removed, as others' do.
		if vm, err := p.Engine.FindVM(ctx, other.Name); err != nil || vm == nil || vm.Status == api.VMDown && !vm.RanBefore {
			return err
		}
	}
	return p.sweep(ctx, pl.InfraID)
}

// eject takes the cluster's media out of a drive, also for the next start, at which the engine would look for a disk
// that is gone.
func (p *Provider) eject(ctx context.Context, infraID string, vm api.VM) error {
	disks, err := p.mediaDisks(ctx, infraID)
	if err != nil {
		return err
	}
	next := func(ctx context.Context) (bool, error) {
		drive, err := p.Engine.GetDrive(ctx, vm)
		return err == nil && !ours(drive.Next, disks), err
	}
	if err := p.settle(ctx, p.Limit, next, func(ctx context.Context) error {
		return p.Engine.Insert(ctx, vm, "")
	}); err != nil {
		return err
	}
	var left string
	err = p.settle(ctx, p.Limit, func(ctx context.Context) (bool, error) {
		drive, err := p.Engine.GetDrive(ctx, vm)
		left = drive.Now
		return err == nil && !ours(left, disks), err
	}, func(ctx context.Context) error { return p.Engine.Eject(ctx, vm) })
	if err == nil && left != "" && !ours(left, disks) {
		event.Warn(p.Events, fmt.Sprintf("The medium in the drive of virtual machine %s, %s, is not this cluster's: it stays",
			vm.Name, left))
	}
	return err
}

// Close implements machines.Booter. The login is the engine's to end.
func (p *Provider) Close(context.Context) error { return nil }

// attachEmpty gives a machine the disk that it installs itself to.
func (p *Provider) attachEmpty(ctx context.Context, infraID string, vm api.VM, spec plan.VM) error {
	return p.settle(ctx, p.Limit, func(ctx context.Context) (bool, error) {
		attached, err := p.Engine.Attachments(ctx, vm.ID)
		return slices.ContainsFunc(attached, func(a api.Attachment) bool { return a.Bootable }), err
	}, func(ctx context.Context) error {
		disk, err := p.emptyDisk(ctx, infraID, vm, spec)
		if err != nil {
			return err
		}
		return p.Engine.AttachDisk(ctx, vm.ID, disk.ID)
	})
}

// emptyDisk adopts the disk that an earlier run has made for a machine and not attached, or makes one.
func (p *Provider) emptyDisk(ctx context.Context, infraID string, vm api.VM, spec plan.VM) (api.Disk, error) {
	want := api.DiskSpec{
		Alias: vm.Name, Description: describe(infraID, "disk of "+vm.Name), StorageDomainID: spec.StorageDomainID,
		Format: "cow", Sparse: true, Bytes: spec.DiskGiB << 30,
	}
	if spec.Format != "" {
		want.Format = spec.Format
	}
	if spec.Sparse != nil {
		want.Sparse = *spec.Sparse
	}
	disk, err := ensure(ctx, p, func(ctx context.Context) (*api.Disk, error) {
		disks, err := p.Engine.DisksByAlias(ctx, want.Alias)
		if err != nil || len(disks) == 0 {
			return nil, err
		}
		used, err := p.Engine.AttachedDisks(ctx)
		i := slices.IndexFunc(disks, func(d api.Disk) bool {
			_, in := used[d.ID]
			return !in && d.Description == want.Description
		})
		if err != nil || i < 0 {
			return nil, err
		}
		return &disks[i], nil
	}, func(ctx context.Context) (api.Disk, error) { return p.Engine.CreateDisk(ctx, want) })
	if err != nil {
		return disk, err
	}
	return p.Engine.WaitDisk(ctx, disk.ID, p.Limit)
}
