package ovirt

import (
	"context"
	"fmt"

	"github.com/okd-install/okd-install/pkg/event"
	api "github.com/okd-install/okd-install/pkg/ovirt"
	"github.com/okd-install/okd-install/pkg/plan"
)

func (p *Provider) ensureTag(ctx context.Context, pl plan.Plan, name string) (api.Tag, error) {
	defer p.serial.lock("tag/" + name)()
	description := describe(pl.InfraID)
	if o, planned := pl.Get(plan.KeyOf(plan.KindTag, name)); planned {
		if spec, ok := o.Spec.(plan.Tag); ok {
			description = spec.Description
		}
	}
	var out api.Tag
	err := p.settle(ctx, p.Limit, func(ctx context.Context) (bool, error) {
		t, err := p.Engine.FindTag(ctx, name)
		if err != nil || t == nil {
			return false, err
		}
		out = *t
		return true, nil
	}, func(ctx context.Context) (err error) {
		out, err = p.Engine.CreateTag(ctx, name, description)
		if err == nil {
			event.Debug(p.Events, "tag created", "tag", name)
		}
		return err
	})
	return out, err
}

func (p *Provider) ensureGroup(ctx context.Context, infraID, name string, spec plan.AffinityGroup) (api.Group, error) {
	defer p.serial.lock("group/" + name)()
	var out api.Group
	err := p.settle(ctx, p.Limit, func(ctx context.Context) (bool, error) {
		g, err := p.Engine.FindGroup(ctx, spec.ClusterID, name)
		if err != nil || g == nil {
			return false, err
		}
		out = *g
		return true, nil
	}, func(ctx context.Context) (err error) {
		out, err = p.Engine.CreateGroup(ctx, api.Group{Name: name, ClusterID: spec.ClusterID,
			Description: describe(infraID, spec.Description), Priority: spec.Priority, Enforcing: spec.Enforcing})
		if err == nil {
			event.Debug(p.Events, "affinity group created", "group", name)
		}
		return err
	})
	return out, err
}

// ensureTemplate makes the template of the image machine.
func (p *Provider) ensureTemplate(ctx context.Context, pl plan.Plan, o plan.Object, spec plan.Template) error {
	var found api.Template
	err := p.settle(ctx, p.Limit, func(ctx context.Context) (bool, error) {
		t, err := p.Engine.FindTemplate(ctx, o.Name)
		switch {
		case err != nil:
			return false, err
		case t == nil && o.Existing:
			return false, fmt.Errorf("use template %s: the engine has none of this name; correct or unset the OS "+
				"image override", o.Name)
		case t == nil:
			return false, nil
		case !o.Existing && !marked(pl.InfraID, t.Description):
			return false, taken("template", o.Name, t.ID)
		case !o.Existing && t.Status == "illegal":
			return false, p.removeTemplate(ctx, *t, p.Limit)
		}
		found = *t
		return true, nil
	}, func(ctx context.Context) error {
		source, ok := pl.Get(spec.FromVM)
		if !ok {
			return fmt.Errorf("create template %s: the plan names no machine to make it of", o.Name)
		}
		vm, err := p.Engine.FindVM(ctx, source.Name)
		if err != nil {
			return err
		}
		if vm == nil {
			return fmt.Errorf("create template %s: virtual machine %s is gone; run the same command again", o.Name,
				source.Name)
		}
		event.Info(p.Events, "creating the template", "template", o.Name)
		found, err = p.Engine.CreateTemplate(ctx, vm.ID, o.Name, describe(pl.InfraID))
		return err
	})
	if err != nil {
		return err
	}
	found, err = p.Engine.WaitTemplate(ctx, found.ID, p.Limit)
	if err != nil {
		return err
	}
	return checkTemplate(found)
}

// checkTemplate refuses what would boot without its configuration.
func checkTemplate(t api.Template) error {
	if t.OSType != OSType {
		return fmt.Errorf("use template %s: its operating system type is %q; only %s hands a machine its Ignition "+
			"config, so change the type in the engine", t.Name, t.OSType, OSType)
	}
	return nil
}
