package ovirt

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/machines"
	api "github.com/okd-install/okd-install/pkg/ovirt"
	"github.com/okd-install/okd-install/pkg/plan"
	"github.com/okd-install/okd-install/pkg/platforms/ovirt/config"
)

// ensureVM adopts a machine or creates it, once its tags are there.
func (p *Provider) ensureVM(
	ctx context.Context, pl plan.Plan, o plan.Object, spec plan.VM,
) (vm api.VM, tags []api.Tag, err error) {
	for _, name := range o.Tags {
		tag, err := p.ensureTag(ctx, pl, name)
		if err != nil {
			return vm, tags, err
		}
		tags = append(tags, tag)
	}
	ctx, cancel := context.WithTimeout(ctx, p.Limit)
	defer cancel()
	s := settling{Provider: p}
	for {
		found, err := p.adopt(ctx, pl.InfraID, o, spec)
		if found != nil {
			vm = *found
		}
		if ended, err := s.looked(found != nil, err); ended {
			return vm, tags, err
		}
		create, err := p.vmSpec(ctx, pl.InfraID, o.Name, spec)
		if err == nil {
			event.Info(p.Events, "creating a virtual machine", "vm", o.Name)
			vm, err = p.Engine.CreateVM(ctx, create)
		}
		if ended, err := s.acted(ctx, err); ended {
			return vm, tags, err
		}
	}
}

// finishVM tags and equips a machine, puts it into its groups, and only then starts
// it. Every step looks first, so it goes on wherever an earlier run ended.
func (p *Provider) finishVM(ctx context.Context, pl plan.Plan, spec plan.VM, vm api.VM, tags []api.Tag) error {
	vm, err := p.prepare(ctx, pl.InfraID, spec, vm, tags)
	if err != nil || !spec.Start {
		return err
	}
	if spec.Role == machines.Bootstrap {
		// First the record: a bootstrap host that may have run and is gone, or
		// down, is what tells a cluster that may live from one that cannot.
		if err := p.begin(ctx, pl); err != nil {
			return err
		}
	}
	return p.start(ctx, vm, p.Engine.StartVM)
}

// prepare does all that comes before the start.
func (p *Provider) prepare(
	ctx context.Context, infraID string, spec plan.VM, vm api.VM, tags []api.Tag,
) (api.VM, error) {
	// Tag at once: the tag is how a destroy finds the machine.
	if err := p.tag(ctx, vm, tags); err != nil {
		return vm, err
	}
	vm, err := p.settled(ctx, vm)
	if err != nil {
		return vm, err
	}
	if vm.Status == api.VMDown {
		if err := p.equip(ctx, infraID, vm, spec); err != nil {
			return vm, err
		}
	}
	return vm, p.join(ctx, vm, spec)
}

// adopt returns the machine if the cluster has it already. One that waits for its
// first start with an old Ignition config is removed.
func (p *Provider) adopt(ctx context.Context, infraID string, o plan.Object, spec plan.VM) (*api.VM, error) {
	found, err := p.Engine.FindVM(ctx, o.Name)
	if err != nil || found == nil {
		return nil, err
	}
	ours, err := p.owns(ctx, infraID, *found, o.Tags)
	switch {
	case err != nil:
		return nil, err
	case !ours, spec.Medium != "" && !joined(infraID, *found):
		return nil, taken("virtual machine", o.Name, found.ID)
	case stale(*found, spec):
		event.Info(p.Events, "replacing a virtual machine that never ran and has an old Ignition config", "vm", o.Name)
		_, err := p.removeVM(ctx, infraID, *found, p.Limit)
		return nil, err
	}
	return found, nil
}

// owns reports whether a machine is the cluster's, by its description or, for
// machines that other tools made, by its tag.
func (p *Provider) owns(ctx context.Context, infraID string, vm api.VM, tags []string) (bool, error) {
	if marked(infraID, vm.Description) {
		return true, nil
	}
	have, err := p.Engine.VMTags(ctx, vm.ID)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(have, func(t string) bool { return slices.Contains(tags, t) }), nil
}

// stale reports whether a machine never ran and has an old Ignition config.
func stale(vm api.VM, spec plan.VM) bool {
	have := note(vm.Description, "ignition")
	return vm.Status == api.VMDown && !vm.RanBefore && have != "" && have != "sha256:"+spec.Ignition.SHA256()
}

func (p *Provider) vmSpec(ctx context.Context, infraID, name string, spec plan.VM) (api.VMSpec, error) {
	out := api.VMSpec{
		Name: name, ClusterID: spec.ClusterID, Type: spec.Type, OSType: spec.OSType,
		InstanceTypeID: spec.InstanceTypeID,
		Sockets:        int64(spec.CPU.Sockets), Cores: int64(spec.CPU.Cores), Threads: int64(spec.CPU.Threads),
		MemoryBytes: spec.MemoryMiB << 20, HugepagesKiB: spec.HugepagesKiB, Clone: spec.Clone && spec.Template != "",
		Script: spec.Ignition.Bytes(), Description: describe(infraID, spec.Role), Drive: spec.Medium != "",
	}
	if spec.Medium != "" {
		out.Description = describe(infraID, spec.Role, joins)
	}
	if !spec.Ignition.IsZero() {
		out.Description = describe(infraID, spec.Role, "ignition sha256:"+spec.Ignition.SHA256())
	}
	if spec.AutoPinning {
		hosts, err := p.Engine.Hosts(ctx, spec.ClusterID)
		if err != nil {
			return out, err
		}
		for _, h := range hosts {
			out.PinToHosts = append(out.PinToHosts, h.ID)
		}
	}
	if spec.Template == "" {
		return out, nil
	}
	t, err := p.Engine.FindTemplate(ctx, spec.Template)
	if err != nil {
		return out, err
	}
	if t == nil {
		return out, vanished("create virtual machine "+name, "template "+spec.Template)
	}
	if err := checkTemplate(*t); err != nil {
		return out, err
	}
	out.TemplateID = t.ID
	if spec.Sparse == nil && spec.Format == "" {
		return out, nil
	}
	disks, err := p.Engine.TemplateDisks(ctx, t.ID)
	for _, d := range disks {
		out.Disks = append(out.Disks, api.DiskOverride{DiskID: d.DiskID, StorageDomainID: spec.StorageDomainID,
			Format: spec.Format, Sparse: spec.Sparse})
	}
	return out, err
}

func (p *Provider) tag(ctx context.Context, vm api.VM, tags []api.Tag) error {
	for _, t := range tags {
		if err := p.settle(ctx, p.Limit, func(ctx context.Context) (bool, error) {
			have, err := p.Engine.VMTags(ctx, vm.ID)
			return slices.Contains(have, t.Name), err
		}, func(ctx context.Context) error { return p.Engine.TagVM(ctx, vm, t) }); err != nil {
			return err
		}
	}
	return nil
}

// settled waits until the engine has made a machine's disks.
func (p *Provider) settled(ctx context.Context, vm api.VM) (api.VM, error) {
	op := "create virtual machine " + vm.Name
	err := p.until(ctx, p.Limit, op, func(ctx context.Context) (bool, string, error) {
		now, err := p.Engine.GetVM(ctx, vm.ID)
		if err != nil {
			return false, "", err
		}
		vm = now
		return vm.Status != api.VMImageLocked, "the engine is copying its disks", nil
	})
	return vm, err
}

// equip adds what a machine lacks when it has been created: network card, disks.
func (p *Provider) equip(ctx context.Context, infraID string, vm api.VM, spec plan.VM) error {
	if err := p.network(ctx, vm, spec); err != nil {
		return err
	}
	if err := p.disks(ctx, infraID, vm, spec); err != nil {
		return err
	}
	if spec.Type == config.VMTypeHighPerformance {
		headless := func(ctx context.Context) error { return p.Engine.RemoveGraphicsConsoles(ctx, vm) }
		if err := p.repeat(ctx, p.Limit, headless); err != nil {
			return err
		}
	}
	if spec.AutoPinning {
		return p.repeat(ctx, p.Limit, func(ctx context.Context) error { return p.Engine.AutoPin(ctx, vm) })
	}
	return nil
}

func (p *Provider) network(ctx context.Context, vm api.VM, spec plan.VM) error {
	return p.settle(ctx, p.Limit, func(ctx context.Context) (bool, error) {
		return p.Engine.HasNIC(ctx, vm.ID)
	}, func(ctx context.Context) error {
		profile, err := p.profile(ctx, spec)
		if err != nil {
			return err
		}
		return p.Engine.AddNIC(ctx, vm.ID, "nic1", profile, spec.MAC)
	})
}

func (p *Provider) disks(ctx context.Context, infraID string, vm api.VM, spec plan.VM) error {
	if spec.Disk != "" {
		if err := p.attachImage(ctx, infraID, vm); err != nil {
			return err
		}
	}
	if spec.Medium != "" {
		if err := p.attachEmpty(ctx, infraID, vm, spec); err != nil {
			return err
		}
	}
	attached, err := p.Engine.Attachments(ctx, vm.ID)
	if err != nil {
		return err
	}
	for _, a := range attached {
		disk, err := p.Engine.WaitDisk(ctx, a.DiskID, p.Limit)
		if err != nil {
			return err
		}
		if !a.Bootable {
			continue
		}
		if spec.Template != "" { // what is made of the image says so already
			if err := p.markDisk(ctx, disk, describe(infraID, "disk of "+vm.Name)); err != nil {
				return err
			}
		}
		want := spec.DiskGiB << 30
		if disk.Bytes >= want {
			continue
		}
		if err := p.settle(ctx, p.Limit, func(ctx context.Context) (bool, error) {
			d, err := p.Engine.GetDisk(ctx, disk.ID)
			return d.Bytes >= want, err
		}, func(ctx context.Context) error { return p.Engine.ResizeDisk(ctx, disk.ID, want) }); err != nil {
			return err
		}
		if _, err := p.Engine.WaitDisk(ctx, disk.ID, p.Limit); err != nil {
			return err
		}
	}
	return nil
}

// markDisk makes a machine's disk known as one that goes with the machine.
func (p *Provider) markDisk(ctx context.Context, disk api.Disk, mark string) error {
	return p.settle(ctx, p.Limit, func(ctx context.Context) (bool, error) {
		d, err := p.Engine.GetDisk(ctx, disk.ID)
		return d.Description == mark, err
	}, func(ctx context.Context) error { return p.Engine.DescribeDisk(ctx, disk.ID, mark) })
}

// attachImage puts the uploaded disk into the machine that becomes the template.
func (p *Provider) attachImage(ctx context.Context, infraID string, vm api.VM) error {
	return p.settle(ctx, p.Limit, func(ctx context.Context) (bool, error) {
		attached, err := p.Engine.Attachments(ctx, vm.ID)
		return len(attached) > 0, err
	}, func(ctx context.Context) error {
		disks, err := p.uploadedDisks(ctx, infraID)
		if err != nil {
			return err
		}
		for _, d := range disks {
			if note(d.Description, "upload") == complete {
				return p.Engine.AttachDisk(ctx, vm.ID, d.ID)
			}
		}
		return vanished("create virtual machine "+vm.Name, "disk "+ImageName(infraID))
	})
}

func (p *Provider) join(ctx context.Context, vm api.VM, spec plan.VM) error {
	for _, name := range spec.AffinityGroups {
		group, err := p.Engine.FindGroup(ctx, spec.ClusterID, name)
		if err != nil {
			return err
		}
		if group == nil {
			return vanished("add virtual machine "+vm.Name+" to affinity group "+name, "the group")
		}
		look := func(ctx context.Context) (bool, error) {
			now, err := p.Engine.GetGroup(ctx, *group)
			return slices.Contains(now.VMs, vm.ID), err
		}
		join := func(ctx context.Context) error { return p.Engine.JoinGroup(ctx, *group, vm) }
		err = p.settle(ctx, p.Limit, look, join)
		if api.Is(err, api.Broken) {
			if in, lerr := look(ctx); lerr == nil && in {
				err = nil
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// startLimit bounds the time from the order to start until the guest runs.
const startLimit = 5 * time.Minute

func (p *Provider) start(ctx context.Context, vm api.VM, order func(context.Context, api.VM) error) error {
	running := func(status string) bool { return status != api.VMDown && status != "powering_down" }
	err := p.settle(ctx, p.Limit, func(ctx context.Context) (bool, error) {
		now, err := p.Engine.GetVM(ctx, vm.ID)
		if err == nil {
			vm = now
		}
		return running(now.Status), err
	}, func(ctx context.Context) error {
		event.Info(p.Events, "starting a virtual machine", "vm", vm.Name)
		return order(ctx, vm)
	})
	if err != nil {
		return err
	}
	launched := false
	op := "start virtual machine " + vm.Name
	return p.until(ctx, startLimit, op, func(ctx context.Context) (bool, string, error) {
		now, err := p.Engine.GetVM(ctx, vm.ID)
		if err != nil {
			return false, "", err
		}
		switch now.Status {
		case api.VMUp, api.VMPoweringUp:
			return true, "", nil
		case api.VMDown:
			if launched {
				return false, "", errors.New("it went down again; see its events in the engine")
			}
		default:
			launched = true
		}
		return false, "virtual machine " + vm.Name + " is " + now.Status, nil
	})
}
