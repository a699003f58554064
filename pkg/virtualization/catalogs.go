package virtualization

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/virtualization/manifests"
)

const (
	marketplace = manifests.Marketplace
	versionHub  = "config.openshift.io/v1"
	community   = "community-operators"
	// hubNote keeps what OperatorHub was before we changed it, for removal.
	hubNote = "virtualization.okd-install.io/sources"
)

// defaults are the catalogs that the marketplace makes.
var defaults = []string{"redhat-operators", "certified-operators", "redhat-marketplace", community}

// mendCatalogs sees to it that there is a catalog for each Subscription. OKD releases have shipped with OCP's default
// catalogs, whose images need a login that OKD does not have: then a catalog of our own takes the place of
// community-operators, and those that cannot be pulled are switched off, because one of them keeps everything from
// being resolved.
func (d *Deployer) mendCatalogs(ctx context.Context, w *world) (string, error) {
	for _, sub := range w.of(groupOLM, "Subscription") {
		if sub.text("spec", "sourceNamespace") != marketplace || sub.text("spec", "source") != community ||
			w.brings(marketplace, community) {
			continue
		}
		missing, err := d.mendCatalog(ctx, w)
		if err != nil || missing != "" {
			return missing, err
		}
		break
	}
	return "", w.redirected(ctx)
}

// brings reports whether a catalog is among the manifests.
func (w *world) brings(namespace, name string) bool {
	return slices.ContainsFunc(w.of(groupOLM, "CatalogSource"), func(o object) bool {
		return o.namespace() == namespace && o.name() == name
	})
}

func (d *Deployer) mendCatalog(ctx context.Context, w *world) (string, error) {
	own, err := w.read(ctx, versionOLM, "CatalogSource", marketplace, manifests.AddedCatalogName)
	if err != nil {
		return "", err
	}
	if own == nil || !owned(own) {
		needed, missing, err := d.needsOwn(ctx, w, community)
		if err != nil || !needed {
			return missing, err
		}
		if d.Catalog.Name() == "" {
			return "", stuckFor(decided, fixCatalog, "it cannot be used, and no other one is known: %s", missing)
		}
	}
	if d.Catalog.Name() == "" {
		return "", nil // an earlier run knew one
	}
	catalog := copied(d.Catalog.Object)
	done, err := d.apply(ctx, w, catalog)
	if missing, err := answer(catalog, err); err != nil || missing != "" {
		return missing, err
	}
	if done == made {
		event.Warn(d.Sink, fmt.Sprintf("Catalog %s of the cluster cannot be used; %s with image %s takes its place",
			community, catalog, catalog.text("spec", "image")))
	}
	return "", d.disableBroken(ctx, w) // one that is broken keeps everything from being resolved
}

// needsOwn reports whether a default catalog cannot be used; missing says that this is not known yet.
func (d *Deployer) needsOwn(ctx context.Context, w *world, name string) (needed bool, missing string, err error) {
	c, err := w.read(ctx, versionOLM, "CatalogSource", marketplace, name)
	if err != nil {
		return false, "", err
	}
	if c == nil {
		if off, err := w.switchedOff(ctx, name); err != nil || off {
			return off, "", err
		}
		return d.lasts(name), "CatalogSource " + marketplace + "/" + name + " does not exist", nil
	}
	missing, err = catalogReady(ctx, w, c)
	switch {
	case isStuck(err):
		return d.lasts(name), c.String() + ": " + err.Error(), nil
	case err != nil:
		return false, "", err
	case missing != "":
		missing = c.String() + ": " + missing
	}
	delete(d.broken, name)
	return false, missing, nil
}

// lasts reports whether a catalog has been seen broken for a while, each time until it was seen well.
func (d *Deployer) lasts(name string) bool {
	now := d.Clock.Now()
	if _, known := d.broken[name]; !known {
		d.broken[name] = now
	}
	return now.Sub(d.broken[name]) >= briefly
}

// switchedOff reports whether the cluster's settings leave a default catalog out.
func (w *world) switchedOff(ctx context.Context, name string) (bool, error) {
	hub, err := w.read(ctx, versionHub, "OperatorHub", "", "cluster")
	if err != nil || hub == nil {
		return hub == nil, err
	}
	for _, s := range hub.list("spec", "sources") {
		if s.text("name") == name {
			off, _ := s.get("disabled").(bool)
			return off, nil
		}
	}
	all, _ := hub.get("spec", "disableAllDefaultSources").(bool)
	return all, nil
}

// note is what OperatorHub was, and what we have made of it.
type note struct {
	Before []object `json:"before"`
	Set    []object `json:"set"`
}

// disableBroken switches off the default catalogs whose image has been seen not to be pullable for a while.
func (d *Deployer) disableBroken(ctx context.Context, w *world) error {
	hub, err := w.read(ctx, versionHub, "OperatorHub", "", "cluster")
	if err != nil || hub == nil {
		return err
	}
	list, err := w.all(ctx, versionOLM, "CatalogSource", marketplace, "")
	if err != nil {
		return err
	}
	var off []string
	for _, c := range list {
		if !slices.Contains(defaults, c.name()) {
			continue
		}
		switch _, err := catalogReady(ctx, w, c); {
		case err == nil:
			delete(d.broken, c.name())
		case !isStuck(err):
			return err
		case d.lasts(c.name()):
			off = append(off, c.name())
			event.Warn(d.Sink, fmt.Sprintf("Switching catalog %s of the cluster off in OperatorHub: %s", c.name(), err))
		}
	}
	if len(off) == 0 {
		return nil
	}
	return d.switchOff(ctx, w, hub, off)
}

func (d *Deployer) switchOff(ctx context.Context, w *world, hub object, off []string) error {
	before := hub.list("spec", "sources")
	set := slices.DeleteFunc(slices.Clone(before), func(s object) bool { return slices.Contains(off, s.text("name")) })
	for _, name := range off {
		set = append(set, object{"name": name, "disabled": true})
	}
	kept := note{before, set}
	if old, err := readNote(hub); err != nil {
		return err
	} else if old != nil {
		kept.Before = old.Before
	}
	text, err := json.Marshal(kept)
	if err != nil {
		return err
	}
	ref, err := w.ref(ctx, hub)
	if err != nil {
		return err
	}
	return d.API.Patch(ctx, ref, "", object{
		"metadata": object{"annotations": object{hubNote: string(text)},
			"resourceVersion": hub.text("metadata", "resourceVersion")},
		"spec": object{"sources": set},
	})
}

// readNote is our note in OperatorHub, nil if there is none.
func readNote(hub object) (*note, error) {
	text := hub.text("metadata", "annotations", hubNote)
	if text == "" {
		return nil, nil //nolint:nilnil // absence is an answer
	}
	var n note
	if err := json.Unmarshal([]byte(text), &n); err != nil {
		return nil, stuckFor(decided, "take the annotation off, and set spec.sources as it should be",
			"OperatorHub cluster has an annotation %s that is not ours: %w", hubNote, err)
	}
	return &n, nil
}

// restoreHub makes OperatorHub what it was before we changed it, unless somebody else has changed it since.
func (d *Deployer) restoreHub(ctx context.Context, w *world) (string, error) {
	hub, err := w.read(ctx, versionHub, "OperatorHub", "", "cluster")
	if err != nil || hub == nil {
		return "", err
	}
	kept, err := readNote(hub)
	if err != nil || kept == nil {
		return "", err
	}
	change := object{"metadata": object{
		"annotations": object{hubNote: nil}, "resourceVersion": hub.text("metadata", "resourceVersion")}}
	if now := hub.list("spec", "sources"); reflect.DeepEqual(now, kept.Set) {
		change["spec"] = object{"sources": nil}
		if len(kept.Before) > 0 {
			change["spec"] = object{"sources": kept.Before}
		}
	} else {
		event.Warn(d.Sink, "OperatorHub cluster was changed by somebody else; its sources stay as they are")
	}
	ref, err := w.ref(ctx, hub)
	if err != nil {
		return "", err
	}
	err = d.API.Patch(ctx, ref, "", change)
	if err != nil && kube.Answered(err) && strings.Contains(err.Error(), "modified") {
		return "OperatorHub cluster is being changed", nil
	}
	return "", err
}
