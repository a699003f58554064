package virtualization

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/kube"
)

// outcome is what became of an object that was to be applied.
type outcome int

const (
	unchanged outcome = iota
	made
	changed
	postponed // its kind comes with a later step
)

// unknownKind is how long a kind may be missing that nothing brings: CRDs take a moment to be served.
const unknownKind = time.Minute

// put applies an object as soon as the cluster takes it. While the kind of the object is missing, what was applied
// before is what holds it up. An object of a late kind is postponed if early is set and its kind is missing, or the
// webhook of its kind does not answer yet.
func (d *Deployer) put(
	ctx context.Context, w *world, step string, o object, applied []object, early bool,
) (done outcome, err error) {
	late := early && kindOf(o).late
	err = d.until(ctx, step, d.limit(step), func(ctx context.Context) (string, error) {
		if _, err := w.ref(ctx, o); noKind(err) {
			if late {
				done = postponed
				return "", nil
			}
			return d.kindMissing(ctx, w, o, applied, err)
		}
		missing, err := w.accepts(ctx, o)
		if err != nil || missing != "" {
			return missing, err
		}
		done, err = d.apply(ctx, w, o)
		switch silent := err != nil && webhookTrouble(err) != ""; {
		case silent && late:
			done = postponed
			return "", nil
		case silent:
			return d.behindWebhook(ctx, w, o, applied, err)
		}
		return answer(o, err)
	})
	switch done {
	case made:
		event.Debug(d.Sink, "made "+o.String())
	case changed:
		event.Info(d.Sink, "Changed "+o.String())
	}
	return done, err
}

// behindWebhook says that a webhook does not answer, and what keeps the operators from running that serve it.
func (d *Deployer) behindWebhook(
	ctx context.Context, w *world, o object, applied []object, trouble error,
) (string, error) {
	text, err := answer(o, trouble)
	if err != nil {
		return "", err
	}
	missing, err := d.holdups(ctx, w, applied, settled)
	if err != nil {
		return "", within(text, err)
	}
	if missing != "" {
		text += "; " + missing
	}
	return text, nil
}

// kindMissing says what keeps the kind of an object from being served.
func (d *Deployer) kindMissing(ctx context.Context, w *world, o object, applied []object, none error) (string, error) {
	for _, l := range []level{enough, settled} {
		missing, err := d.holdups(ctx, w, applied, l)
		if err != nil || missing != "" {
			return missing, err
		}
	}
	return "", stuckFor(unknownKind, "deploy what brings the kind first, or take the object out of the manifests",
		"%s cannot be applied: %w, and nothing that was applied brings it", o, none)
}

// accepts says what must be there before an object can be applied: the definition of its kind must be established,
// because it may be served before objects of it can be kept, and there may be more to the kind.
func (w *world) accepts(ctx context.Context, o object) (string, error) {
	ref, err := w.ref(ctx, o)
	if err != nil {
		return "", err
	}
	if strings.Contains(ref.Kind.Group, ".") {
		crd, err := w.read(ctx, versionCRD, "CustomResourceDefinition", "", ref.Kind.Plural+"."+ref.Kind.Group)
		if err != nil {
			return "", err
		}
		if crd != nil && !crd.condition("Established").is("True") {
			return crd.String() + ": " + crd.condition("Established").String(), nil
		}
	}
	live, err := w.live(ctx, o)
	if err != nil {
		return "", err
	}
	if at := live.text("metadata", "deletionTimestamp"); at != "" {
		return going(live, at), nil
	}
	if before := kindOf(o).before; before != nil {
		missing, err := before(ctx, w, o)
		if err != nil {
			return "", within(o.String()+" is not applied yet", err)
		}
		if missing != "" {
			return o.String() + " is not applied yet: " + missing, nil
		}
	}
	return "", nil
}

// owned reports whether an object in the cluster is ours: it carries our label, and it was our field manager that put
// it there, which happens only when the object is made.
func owned(live object) bool {
	return live.text("metadata", "labels", Label) == Manager &&
		kube.Applied(live, Manager).Has("metadata", "labels", Label)
}

// apply brings an object into the cluster, unless it is there as it is written. Objects that somebody else has made get
// our fields without our label, and only those that nobody else has set to something else.
func (d *Deployer) apply(ctx context.Context, w *world, o object) (outcome, error) {
	live, err := w.live(ctx, o)
	if err != nil {
		return unchanged, err
	}
	ref, err := w.ref(ctx, o)
	if err != nil {
		return unchanged, err
	}
	how := kube.Applying{Owner: Manager, Force: true}
	want := copied(o)
	if live == nil {
		return made, d.API.Merge(ctx, ref, how, want, nil)
	}
	if !owned(live) {
		how.Force = false
		unmark(want)
	}
	var would object
	dry := how
	dry.DryRun = true
	err = d.API.Merge(ctx, ref, dry, want, &would)
	switch {
	case err != nil && strings.Contains(err.Error(), "does not support dry run"):
	case err != nil:
		return unchanged, err
	case reflect.DeepEqual(comparable(live), comparable(would)):
		return unchanged, nil
	}
	return changed, d.API.Merge(ctx, ref, how, want, nil)
}

// unmark takes our label off an object that is to be applied.
func unmark(o object) {
	labels := o.part("metadata", "labels")
	delete(labels, Label)
	if len(labels) == 0 {
		delete(o.part("metadata"), "labels")
	}
}

// comparable is an object without what the API server counts and dates.
func comparable(o object) object {
	c := copied(o)
	meta := c.part("metadata")
	for _, counted := range []string{"resourceVersion", "generation"} {
		delete(meta, counted)
	}
	for _, entry := range c.list("metadata", "managedFields") {
		delete(entry, "time")
	}
	return c
}

// copied is a deep copy with the types that JSON has.
func copied(o object) object {
	raw, err := json.Marshal(o)
	if err != nil {
		return object{} // it came from JSON
	}
	var out object
	if err := json.Unmarshal(raw, &out); err != nil {
		return object{}
	}
	return out
}

// answer sorts the API's answers to a write: what passes, what does not, and what is no answer.
func answer(o object, err error) (missing string, _ error) {
	what := o.String() + " is not accepted yet: "
	switch {
	case err == nil:
		return "", nil
	case webhookTrouble(err) != "":
		return what + webhookTrouble(err), nil
	case !kube.Answered(err):
		return "", err
	case kube.NotFound(err), strings.Contains(err.Error(), "being terminated"):
		return what + kube.Cause(err), nil
	case apierrors.IsConflict(err) && strings.Contains(err.Error(), "conflict with "):
		return "", stuckFor(decided, "leave the fields to whoever has set them by taking them out of the manifest, or "+
			"change them in the cluster", "%s exists, was not made by this installer, and others have set the same fields: "+
			"%s", o, kube.Cause(err))
	case apierrors.IsConflict(err), apierrors.IsInvalid(err), apierrors.IsBadRequest(err), apierrors.IsForbidden(err),
		apierrors.IsRequestEntityTooLargeError(err), apierrors.IsMethodNotSupported(err):
		return refused(o, err)
	case strings.Contains(err.Error(), "field not declared in schema"): // an InternalError, of all things
		return refused(o, err)
	}
	return "", err
}

func refused(o object, err error) (missing string, _ error) {
	return "", stuckFor(briefly, "correct the manifest, or virtualization.yaml; then run the same command again",
		"the cluster refuses %s: %s", o, kube.Cause(err))
}

// approve approves the InstallPlan of a Subscription that we made, if it is the first: what it would change must not be
// installed yet. Later plans are the user's.
func (d *Deployer) approve(ctx context.Context, w *world, sub object) error {
	name := sub.text("status", "installPlanRef", "name")
	if name == "" || !owned(sub) {
		return nil
	}
	plan, err := w.read(ctx, versionOLM, "InstallPlan", sub.namespace(), name)
	if err != nil || plan == nil || plan.text("status", "phase") != "RequiresApproval" {
		return err
	}
	if approved, _ := plan.get("spec", "approved").(bool); approved {
		return nil
	}
	all, err := w.all(ctx, versionOLM, "Subscription", sub.namespace(), "")
	if err != nil {
		return err
	}
	for _, csv := range plan.texts("spec", "clusterServiceVersionNames") {
		for _, other := range all {
			if installed := other.text("status", "installedCSV"); installed != "" && installed != csv &&
				other.text("status", "currentCSV") == csv {
				return stuckFor(briefly, "approve the InstallPlan yourself if that is wanted",
					"%s would also replace %s, which is installed, by %s", plan, installed, csv)
			}
		}
	}
	event.Info(d.Sink, fmt.Sprintf("Approving %s: %s", plan,
		strings.Join(plan.texts("spec", "clusterServiceVersionNames"), ", ")))
	ref, err := w.ref(ctx, plan)
	if err != nil {
		return err
	}
	if err := d.API.Patch(ctx, ref, "", object{"spec": object{"approved": true}}); err != nil {
		if kube.Answered(err) && apierrors.IsForbidden(err) {
			return exit.With(exit.Install, "use the kubeconfig of an administrator", err)
		}
		return err
	}
	return nil
}
