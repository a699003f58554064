// Package virtualization deploys the manifests of the virtualization stack to a cluster, waits for what they bring,
// says what holds it up, and takes it away again. It keeps no state: everything is seen in the cluster, so a run goes
// on where an earlier one was stopped, wherever that was.
package virtualization

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/virtualization/manifests"
)

// Objects are marked with the label, which only our field manager may have set.
const (
	Label   = manifests.Label
	Manager = manifests.Manager
)

// Deployer deploys manifests to a cluster.
type Deployer struct {
	kube.Watcher
	Manifests []manifests.Manifest
	// Catalog takes the place of the cluster's community-operators if that one cannot be used. Without a name there is
	// none.
	Catalog manifests.Manifest
	// Limit is how long each step may take, whatever the progress. Zero is the step's own.
	Limit time.Duration

	broken map[string]time.Time // default catalogs that cannot be used, since when
}

// Steps without manifests of their own.
const (
	stepCheck    = "check"
	stepProfiles = "storage-profiles"
	stepImages   = "images"
	stepComplete = "complete"
)

// limit is how long a step may take. The budget of the phase ends what makes no progress long before.
func (d *Deployer) limit(step string) time.Duration {
	if d.Limit > 0 {
		return d.Limit
	}
	switch step {
	case manifests.StepCatalog:
		return 10 * time.Minute
	case manifests.StepHyperConverged, stepImages:
		return time.Hour
	}
	return 30 * time.Minute
}

// Deploy applies the manifests that are not in the cluster as they are written, and waits until everything works.
func (d *Deployer) Deploy(ctx context.Context) error {
	w := d.world()
	d.broken = map[string]time.Time{}
	if err := d.until(ctx, stepCheck, d.limit(stepCheck), func(ctx context.Context) (string, error) {
		return d.check(ctx, w)
	}); err != nil {
		return err
	}
	const catalogs = manifests.StepCatalog
	if err := d.until(ctx, catalogs, d.limit(catalogs), func(ctx context.Context) (string, error) {
		return d.mendCatalogs(ctx, w)
	}); err != nil {
		return err
	}
	applied, err := d.applyAll(ctx, w)
	if err != nil {
		return err
	}
	return d.finish(ctx, w, applied)
}

// applyAll applies the objects step by step. Those of late kinds that the cluster does not take are left for
// HyperConverged's step. Storage becomes ready while the next step's objects do.
func (d *Deployer) applyAll(ctx context.Context, w *world) (applied []object, err error) {
	var late []object
	awaited := 0 // of what was applied
	counts := map[outcome]int{}
	steps := d.steps()
	for i, step := range steps {
		early := i < slices.Index(steps, manifests.StepHyperConverged)
		queue := d.of(w, step)
		if !early {
			queue, late = append(queue, late...), nil
		}
		event.Info(d.Sink, fmt.Sprintf("Virtualization, step %s: %d objects", step, len(queue)))
		for _, o := range queue {
			put, err := d.put(ctx, w, step, o, applied, early)
			if err != nil {
				return nil, err
			}
			if put == postponed {
				late = append(late, o)
				continue
			}
			counts[put]++
			applied = append(applied, o)
		}
		if step == manifests.StepStorage && slices.Contains(steps[i:], manifests.StepHyperConverged) {
			continue
		}
		wait := applied[awaited:]
		if err := d.until(ctx, step, d.limit(step), func(ctx context.Context) (string, error) {
			return d.holdups(ctx, w, wait, enough)
		}); err != nil {
			return nil, err
		}
		awaited = len(applied)
	}
	event.Info(d.Sink, fmt.Sprintf("Virtualization: %d objects made, %d changed, %d as they are written",
		counts[made], counts[changed], counts[unchanged]))
	return applied, nil
}

// finish waits for what becomes ready only after everything has been applied.
func (d *Deployer) finish(ctx context.Context, w *world, applied []object) error {
	for _, last := range []struct {
		step string
		look look
	}{
		{stepProfiles, w.profiles},
		{stepImages, w.images},
		{stepComplete, func(ctx context.Context) (string, error) { return d.holdups(ctx, w, applied, settled) }},
	} {
		if err := d.until(ctx, last.step, d.limit(last.step), last.look); err != nil {
			return err
		}
	}
	var unknown []string
	err := d.until(ctx, stepProfiles, d.limit(stepProfiles), func(ctx context.Context) (_ string, err error) {
		unknown, err = w.unknownClasses(ctx)
		return "", err
	})
	for _, name := range unknown {
		event.Warn(d.Sink, "CDI does not know the driver of StorageClass "+name+": disks there must state their access and "+
			"volume modes, or set storage.profile in virtualization.yaml")
	}
	return err
}

// world is the cluster with what is deployed to it.
func (d *Deployer) world() *world {
	w := &world{api: d.API}
	for _, m := range d.Manifests {
		w.objects = append(w.objects, copied(m.Object))
	}
	return w
}

// steps are those that have manifests, in their order.
func (d *Deployer) steps() (out []string) {
	for _, m := range d.Manifests {
		if !slices.Contains(out, m.Step) {
			out = append(out, m.Step)
		}
	}
	return out
}

// of are the objects of a step.
func (d *Deployer) of(w *world, step string) (out []object) {
	for i, m := range d.Manifests {
		if m.Step == step {
			out = append(out, w.objects[i])
		}
	}
	return out
}

// check refuses, before anything is changed, what cannot end well.
func (d *Deployer) check(ctx context.Context, w *world) (string, error) {
	if len(w.of(groupOLM, "Subscription")) > 0 {
		served, err := w.served(ctx, versionOLM, "Subscription")
		if err != nil {
			return "", err
		}
		if !served {
			return "", stuckFor(briefly, "enable the capabilities OperatorLifecycleManager and marketplace of the cluster; "+
				"then run the same command again", "the cluster has no lifecycle manager of operators (%s, kind "+
				"Subscription)", versionOLM)
		}
	}
	for _, g := range w.of(groupOLM, "OperatorGroup") {
		if text, err := onlyOperatorGroup(ctx, w, g); err != nil || text != "" {
			return text, err
		}
	}
	if err := w.another(ctx); err != nil {
		return "", err
	}
	if text, err := w.defaultClass(ctx); err != nil || text != "" {
		return text, err
	}
	return "", w.emulated(ctx)
}

// level is how much is wanted of objects.
type level bool

const (
	enough  level = false // for the next step to begin
	settled level = true  // for the end
)

// holdups says which of the objects are not there yet, or not as they should be.
func (d *Deployer) holdups(ctx context.Context, w *world, list []object, l level) (string, error) {
	var waits []string
	for _, o := range list {
		live, err := w.live(ctx, o)
		if err != nil {
			return "", err
		}
		if live == nil {
			waits = append(waits, o.String()+" is not there any more")
			continue
		}
		if err := d.help(ctx, w, live); err != nil {
			return "", err
		}
		judge := kindOf(o).enough
		if l == settled {
			judge = kindOf(o).settled
		}
		text, err := judge(ctx, w, live)
		if err != nil {
			return "", within(o.String(), err)
		}
		if text != "" {
			waits = append(waits, o.String()+": "+text)
		}
	}
	return some(waits), nil
}

// help does what an operator would do by hand while objects are awaited.
func (d *Deployer) help(ctx context.Context, w *world, live object) error {
	if live.group() != groupOLM || live.kind() != "Subscription" || live.text("status", "installedCSV") != "" {
		return nil
	}
	if live.condition("ResolutionFailed").is("True") || live.condition("CatalogSourcesUnhealthy").is("True") {
		if err := d.disableBroken(ctx, w); err != nil {
			return err
		}
	}
	return d.approve(ctx, w, live)
}
