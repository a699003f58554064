package ovirt

import (
	"context"
	"fmt"

	"github.com/okd-install/okd-install/pkg/event"
	api "github.com/okd-install/okd-install/pkg/ovirt"
	"github.com/okd-install/okd-install/pkg/plan"
)

func (p *Provider) ensureTag(ctx context.Context, pl plan.Plan, name string) (api.Tag, error) {
	p.tags.Lock()
	defer p.tags.Unlock()
	return ensure(ctx, p, func(ctx context.Context) (*api.Tag, error) {
		return p.Engine.FindTag(ctx, name)
	}, func(ctx context.Context) (api.Tag, error) {
		description := describe(pl.InfraID)
		if spec, planned := specOf[plan.Tag](pl, plan.KindTag, name); planned {
			description = spec.Description
		}
		event.Debug(p.Events, "creating a tag", "tag", name)
		return p.Engine.CreateTag(ctx, name, description)
	})
}

// specOf is the spec of an object, if the plan has it.
func specOf[S plan.Spec](pl plan.Plan, kind plan.Kind, name string) (S, bool) {
	o, _ := pl.Get(plan.KeyOf(kind, name))
	spec, ok := o.Spec.(S)
	return spec, ok
}

func (p *Provider) ensureGroup(ctx context.Context, infraID, name string, spec plan.AffinityGroup) error {
	_, err := ensure(ctx, p, func(ctx context.Context) (*api.Group, error) {
		return p.Engine.FindGroup(ctx, spec.ClusterID, name)
	}, func(ctx context.Context) (api.Group, error) {
		event.Debug(p.Events, "creating an affinity group", "group", name)
		return p.Engine.CreateGroup(ctx, api.Group{Name: name, ClusterID: spec.ClusterID,
			Description: describe(infraID, spec.Description), Priority: spec.Priority, Enforcing: spec.Enforcing})
	})
	return err
}

// ensureTemplate makes the template of the image machine.
func (p *Provider) ensureTemplate(ctx context.Context, pl plan.Plan, o plan.Object, spec plan.Template) error {
	found, err := ensure(ctx, p, func(ctx context.Context) (*api.Template, error) {
		t, err := p.Engine.FindTemplate(ctx, o.Name)
		switch {
		case err != nil:
			return nil, err
		case t == nil && o.Existing:
			return nil, fmt.Errorf("use template %s: the engine has none of this name; correct or unset the OS "+
				"image override", o.Name)
		case t == nil || o.Existing:
			return t, nil
		case !marked(pl.InfraID, t.Description):
			return nil, taken("template", o.Name, t.ID)
		case t.Status == api.Illegal:
			return nil, p.removeTemplate(ctx, *t, p.Limit)
		}
		return t, nil
	}, func(ctx context.Context) (api.Template, error) {
		source, _ := pl.Get(spec.FromVM)
		vm, err := p.Engine.FindVM(ctx, source.Name)
		if err != nil {
			return api.Template{}, err
		}
		if vm == nil {
			return api.Template{}, vanished("create template "+o.Name, "virtual machine "+source.Name)
		}
		event.Info(p.Events, "creating the template", "template", o.Name)
		return p.Engine.CreateTemplate(ctx, vm.ID, o.Name, describe(pl.InfraID))
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
