package ovirt

import (
	"context"
	"fmt"
	"strconv"

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

func (p *Provider) observe(ctx context.Context, pl plan.Plan) ([]plan.Found, error) {
	d := &destroyer{Provider: p, infraID: pl.InfraID, all: true}
	var out []plan.Found
	for _, name := range d.tagNames() {
		tag, _, err := p.clusterTag(ctx, pl.InfraID, name)
		if err != nil {
			return nil, err
		}
		if tag != nil {
			out = append(out, plan.Found{Kind: plan.KindTag, Name: name, ID: tag.ID})
		}
	}
	templates, err := p.observeTemplates(ctx, pl)
	if err != nil {
		return nil, err
	}
	out = append(out, templates...)
	if len(templates) == 0 { // later, copies have the disk's name
		disks, err := p.imageDisks(ctx, pl.InfraID, ImageName(pl.InfraID))
		if err != nil {
			return nil, err
		}
		for _, disk := range disks {
			out = append(out, plan.Found{Kind: plan.KindDisk, Name: disk.Alias, ID: disk.ID,
				Differences: differDisk(pl, disk)})
		}
	}
	groups, err := d.clusterGroups(ctx)
	if err != nil {
		return nil, err
	}
	for _, g := range groups {
		out = append(out, plan.Found{Kind: plan.KindAffinityGroup, Name: g.Name, ID: g.ID,
			Differences: differGroup(pl, g)})
	}
	vms, err := p.clusterVMs(ctx, pl.InfraID, true)
	if err != nil {
		return nil, err
	}
	for _, vm := range vms {
		out = append(out, plan.Found{Kind: plan.KindVM, Name: vm.Name, ID: vm.ID, Differences: differVM(pl, vm)})
	}
	return out, nil
}

func (p *Provider) observeTemplates(ctx context.Context, pl plan.Plan) ([]plan.Found, error) {
	var out []plan.Found
	for _, o := range pl.Of(plan.KindTemplate) {
		t, err := p.Engine.FindTemplate(ctx, o.Name)
		if err != nil {
			return nil, err
		}
		if t == nil {
			continue
		}
		var diff diffs
		spec, _ := o.Spec.(plan.Template)
		diff.text("os type", spec.OSType, t.OSType)
		out = append(out, plan.Found{Kind: plan.KindTemplate, Name: t.Name, ID: t.ID, Differences: diff})
	}
	return out, nil
}

type diffs []plan.Difference

func (d *diffs) text(field, want, have string) {
	if want != have {
		*d = append(*d, plan.Difference{Field: field, Want: want, Have: have})
	}
}

func (d *diffs) number(field string, want, have int64) {
	d.text(field, strconv.FormatInt(want, 10), strconv.FormatInt(have, 10))
}

func differDisk(pl plan.Plan, disk api.Disk) []plan.Difference {
	o, _ := pl.Get(plan.KeyOf(plan.KindDisk, disk.Alias))
	spec, ok := o.Spec.(plan.Disk)
	if !ok {
		return nil
	}
	var d diffs
	d.text("image", imageNote(spec.Image), note(disk.Description, "image"))
	d.text("upload", complete, note(disk.Description, "upload"))
	return d
}

func differGroup(pl plan.Plan, g api.Group) []plan.Difference {
	o, _ := pl.Get(plan.KeyOf(plan.KindAffinityGroup, g.Name))
	spec, ok := o.Spec.(plan.AffinityGroup)
	if !ok {
		return nil
	}
	var d diffs
	d.number("priority", int64(spec.Priority), int64(g.Priority))
	d.text("enforcing", strconv.FormatBool(spec.Enforcing), strconv.FormatBool(g.Enforcing))
	return d
}

func differVM(pl plan.Plan, vm api.VM) []plan.Difference {
	o, _ := pl.Get(plan.KeyOf(plan.KindVM, vm.Name))
	spec, ok := o.Spec.(plan.VM)
	if !ok {
		return nil
	}
	var d diffs
	d.text("cluster", spec.ClusterID, vm.ClusterID)
	d.text("os type", spec.OSType, vm.OSType)
	if spec.InstanceTypeID == "" {
		d.number("memory MiB", spec.MemoryMiB, vm.MemoryBytes>>20)
		d.text("cpu", fmt.Sprintf("%dx%dx%d", spec.CPU.Sockets, spec.CPU.Cores, spec.CPU.Threads),
			fmt.Sprintf("%dx%dx%d", vm.Sockets, vm.Cores, vm.Threads))
	}
	d.text("type", spec.Type, vm.Type)
	if have := note(vm.Description, "ignition"); have != "" {
		d.text("ignition", "sha256:"+spec.Ignition.SHA256(), have)
	}
	return d
}

// Machines lists a cluster's machines. Addresses are what the guest agents
// report, which may be nothing.
func (p *Provider) Machines(ctx context.Context, infraID string) ([]machines.Machine, error) {
	if err := checkInfraID(infraID); err != nil {
		return nil, err
	}
	vms, err := p.clusterVMs(ctx, infraID, true)
	if err != nil {
		return nil, fmt.Errorf("list machines: %w", err)
	}
	out := make([]machines.Machine, 0, len(vms))
	for _, vm := range vms {
		m := machines.Machine{Name: vm.Name, Role: role(infraID, vm.Name), ID: vm.ID, Status: vm.Status,
			Runs: vm.Status != api.VMDown && vm.Status != api.VMImageLocked}
		m.Ran = m.Runs || vm.RanBefore
		if vm.Status == api.VMUp || vm.Status == api.VMPoweringUp {
			if m.Addresses, err = p.Engine.Addresses(ctx, vm.ID); err != nil {
				p.Log.Debug("reported devices cannot be read", "vm", vm.Name, "err", err)
			}
		}
		out = append(out, m)
	}
	return out, nil
}
