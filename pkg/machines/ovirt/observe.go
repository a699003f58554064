package ovirt

import (
	"context"
	"fmt"

	"github.com/okd-install/okd-install/pkg/machines"
	api "github.com/okd-install/okd-install/pkg/ovirt"
	"github.com/okd-install/okd-install/pkg/plan"
)

// Diff compares the plan with what the engine has.
func (p *Provider) Diff(ctx context.Context, pl plan.Plan) (plan.Diff, error) {
	if err := checkInfraID(pl.InfraID); err != nil {
		return plan.Diff{}, err
	}
	found, err := p.observe(ctx, pl)
	if err != nil {
		return plan.Diff{}, fmt.Errorf("compare plan with the engine: %w", err)
	}
	return plan.Compare(pl, found), nil
}

// observe finds what the cluster has, and how it differs from the plan.
func (p *Provider) observe(ctx context.Context, pl plan.Plan) ([]plan.Found, error) {
	var out []plan.Found
	add := func(kind plan.Kind, name, id string, d diffs) {
		out = append(out, plan.Found{Kind: kind, Name: name, ID: id, Differences: d})
	}
	found, err := p.look(ctx, pl.InfraID, true)
	if err != nil {
		return nil, err
	}
	for _, tag := range found.tags {
		add(plan.KindTag, tag.Name, tag.ID, nil)
	}
	templates := 0
	for _, o := range pl.Of(plan.KindTemplate) {
		t, err := p.Engine.FindTemplate(ctx, o.Name)
		if err != nil {
			return nil, err
		}
		if t == nil {
			continue
		}
		templates++
		var d diffs
		spec, _ := o.Spec.(plan.Template)
		d.compare("os type", spec.OSType, t.OSType)
		add(plan.KindTemplate, t.Name, t.ID, d)
	}
	if templates == 0 { // later, copies have the disk's name
		disks, err := p.imageDisks(ctx, pl.InfraID)
		if err != nil {
			return nil, err
		}
		for _, disk := range disks {
			add(plan.KindDisk, disk.Alias, disk.ID, differDisk(pl, disk))
		}
	}
	for _, g := range found.groups {
		add(plan.KindAffinityGroup, g.Name, g.ID, differGroup(pl, g))
	}
	for _, vm := range found.vms {
		if _, planned := pl.Get(plan.KeyOf(plan.KindVM, vm.Name)); !planned && joined(pl.InfraID, vm) {
			continue // it came later, and belongs to the cluster
		}
		add(plan.KindVM, vm.Name, vm.ID, differVM(pl, vm))
	}
	return out, nil
}

type diffs []plan.Difference

func (d *diffs) compare(field string, want, have any) {
	if want != have {
		*d = append(*d, plan.Difference{Field: field, Want: fmt.Sprint(want), Have: fmt.Sprint(have)})
	}
}

func differDisk(pl plan.Plan, disk api.Disk) (d diffs) {
	if spec, ok := specOf[plan.Disk](pl, plan.KindDisk, disk.Alias); ok {
		d.compare("image", imageNote(spec.Image), note(disk.Description, "image"))
		d.compare("upload", complete, note(disk.Description, "upload"))
	}
	return d
}

func differGroup(pl plan.Plan, g api.Group) (d diffs) {
	if spec, ok := specOf[plan.AffinityGroup](pl, plan.KindAffinityGroup, g.Name); ok {
		d.compare("priority", spec.Priority, g.Priority)
		d.compare("enforcing", spec.Enforcing, g.Enforcing)
	}
	return d
}

func differVM(pl plan.Plan, vm api.VM) (d diffs) {
	spec, ok := specOf[plan.VM](pl, plan.KindVM, vm.Name)
	if !ok {
		return nil
	}
	d.compare("cluster", spec.ClusterID, vm.ClusterID)
	d.compare("os type", spec.OSType, vm.OSType)
	if spec.InstanceTypeID == "" {
		d.compare("memory MiB", spec.MemoryMiB, vm.MemoryBytes>>20)
		d.compare("cpu", fmt.Sprintf("%dx%dx%d", spec.CPU.Sockets, spec.CPU.Cores, spec.CPU.Threads),
			fmt.Sprintf("%dx%dx%d", vm.Sockets, vm.Cores, vm.Threads))
	}
	d.compare("type", spec.Type, vm.Type)
	if have := note(vm.Description, "ignition"); have != "" {
		d.compare("ignition", "sha256:"+spec.Ignition.SHA256(), have)
	}
	return d
}

// Machines lists a cluster's machines. Addresses are what the guest agents
// report, which may be nothing.
func (p *Provider) Machines(ctx context.Context, infraID string) ([]machines.Machine, error) {
	if err := checkInfraID(infraID); err != nil {
		return nil, err
	}
	vms, err := p.clusterVMs(ctx, infraID)
	if err != nil {
		return nil, fmt.Errorf("list machines: %w", err)
	}
	out := make([]machines.Machine, 0, len(vms))
	for _, vm := range vms {
		m := machineOf(infraID, vm)
		if vm.Status == api.VMUp || vm.Status == api.VMPoweringUp {
			if m.Addresses, err = p.Engine.Addresses(ctx, vm.ID); err != nil {
				p.Log.Debug("reported devices cannot be read", "vm", vm.Name, "err", err)
			}
		}
		out = append(out, m)
	}
	return out, nil
}

func machineOf(infraID string, vm api.VM) machines.Machine {
	m := machines.Machine{Name: vm.Name, Role: roleOf(infraID, vm), ID: vm.ID, Status: vm.Status,
		Runs: vm.Status != api.VMDown && vm.Status != api.VMImageLocked}
	m.Ran = m.Runs || vm.RanBefore
	return m
}
