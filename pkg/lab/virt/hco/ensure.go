package hco

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/okd-install/okd-install/pkg/lab/virt/kit/control"
	"github.com/okd-install/okd-install/pkg/lab/virt/kit/object"
)

// className is the priority class of the other operators and of KubeVirt's components.
const className = "kubevirt-cluster-critical"

func priorityClass(version string) object.Object {
	return object.Object{
		"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass",
		"metadata": object.Object{"name": className, "labels": labelsOf("compute", version)},
		"value":    int64(1000000000), "globalDefault": false,
		"description": "This priority class should be used for KubeVirt core components only.",
	}
}

// priorityClass makes the class. Its value cannot be changed, so one with another value is replaced.
func (o *Operator) priorityClass(ctx context.Context) error {
	want := priorityClass(o.Release.Version)
	have, err := control.Find(ctx, o.Client, priorityClasses.Kind, "", className)
	if err != nil {
		return err
	}
	if have != nil {
		if object.Get(have.Object, "value") == want["value"] &&
			object.String(have.Object, "description") == want["description"] {
			return nil
		}
		if _, err := control.Gone(ctx, o.Client, priorityClasses.Kind, "", className); err != nil {
			return err
		}
	}
	if err := o.Client.Make(ctx, priorityClasses.Kind, "", want); err != nil {
		return fmt.Errorf("make priority class %s: %w", className, err)
	}
	return nil
}

// children brings the children to what they should be and collects what they say. Upgraded reports whether all
// have the release's versions.
func (o *Operator) children(ctx context.Context, u *unstructured.Unstructured, c Cluster, v verdict) (
	upgraded bool, err error) {
	upgraded = true
	var refs []any
	for _, x := range o.operands() {
		want, err := x.want(u.Object, c)
		if err != nil {
			return false, err
		}
		if x.owned {
			object.Set(want, "metadata.ownerReferences", object.Plain([]metav1.OwnerReference{object.Owner(u, true)}))
		}
		have, changed, err := o.ensure(ctx, u, x, want)
		if err != nil {
			return false, err
		}
		if have != nil {
			refs = append(refs, reference(have))
		}
		if have == nil || changed {
			// Its conditions are about what it was.
			upgraded = false
			continue
		}
		conditions := object.Conditions(object.List(have.Object, "status.conditions"))
		ready := v.hear(x.kind.Name, conditions)
		upgraded = upgraded && ready && object.String(have.Object, x.seen) == x.wants
	}
	templates, err := o.Release.cronTemplates(u.Object, c)
	if err != nil {
		return false, err
	}
	var list []any
	for _, t := range templates {
		list = append(list, t)
	}
	delete(object.Map(u.Object, "status"), "dataImportCronTemplates")
	if len(list) > 0 {
		object.Set(u.Object, "status.dataImportCronTemplates", list)
	}
	object.Set(u.Object, "status.relatedObjects", refs)
	return upgraded, nil
}

func reference(u *unstructured.Unstructured) object.Object {
	out := object.Object{
		"apiVersion": u.GetAPIVersion(), "kind": u.GetKind(), "name": u.GetName(),
		"uid": string(u.GetUID()), "resourceVersion": u.GetResourceVersion(),
	}
	if u.GetNamespace() != "" {
		out["namespace"] = u.GetNamespace()
	}
	return out
}

// ensure makes a child, or writes it if it is not what it should be.
func (o *Operator) ensure(ctx context.Context, hc *unstructured.Unstructured, x operand, want object.Object) (
	have *unstructured.Unstructured, changed bool, err error) {
	w := &unstructured.Unstructured{Object: want}
	ref := x.kind.Ref(w.GetNamespace(), w.GetName())
	what := x.kind.Name + " " + w.GetName()
	if have, err = control.Find(ctx, o.Client, x.kind.Kind, w.GetNamespace(), w.GetName()); err != nil {
		return nil, false, err
	}
	asked, _ := object.Plain(want["spec"]).(map[string]any)
	if have == nil {
		made := w.DeepCopy()
		if err := o.Client.Create(ctx, x.kind.Kind, w.GetNamespace(), made); err != nil {
			return nil, false, fmt.Errorf("create %s: %w", ref, err)
		}
		o.settle(x, asked, made)
		return nil, true, o.say(ctx, hc, "Normal", "Created", "Created "+what)
	}
	same := reflect.DeepEqual(o.settled[x.kind.Name].asked, asked)
	is, _ := object.Plain(have.Object["spec"]).(map[string]any)
	fine := same && reflect.DeepEqual(o.settled[x.kind.Name].got, is) || reflect.DeepEqual(asked, is)
	if fine && !merge(have, w) {
		return have, false, nil
	}
	next := have.DeepCopy()
	merge(next, w)
	next.Object["spec"] = want["spec"]
	if err := o.Client.Update(ctx, ref, "", next); err != nil {
		return nil, false, fmt.Errorf("update %s: %w", ref, err)
	}
	version := have.GetResourceVersion()
	if have, err = control.Find(ctx, o.Client, x.kind.Kind, w.GetNamespace(), w.GetName()); err != nil || have == nil {
		return have, true, err
	}
	o.settle(x, asked, have)
	if have.GetResourceVersion() == version {
		return have, false, nil // the server has put in its own defaults only
	}
	if hc.GetGeneration() == o.generation && same {
		return have, true, o.say(ctx, hc, "Warning", "Overwritten", "Overwritten "+what)
	}
	return have, true, o.say(ctx, hc, "Normal", "Updated", "Updated "+what)
}

// settle remembers what the server made of a spec.
func (o *Operator) settle(x operand, asked object.Object, got *unstructured.Unstructured) {
	is, _ := object.Plain(got.Object["spec"]).(map[string]any)
	o.settled[x.kind.Name] = settled{asked, is}
}

// merge gives an object the labels and annotations of another one, and reports whether it lacked any. The
// annotation of a gate is also taken away.
func merge(to, from *unstructured.Unstructured) bool {
	changed := false
	labels, annotations := to.GetLabels(), to.GetAnnotations()
	put := func(m *map[string]string, more map[string]string) {
		for k, v := range more {
			if have, ok := (*m)[k]; !ok || have != v {
				if *m == nil {
					*m = map[string]string{}
				}
				(*m)[k], changed = v, true
			}
		}
	}
	put(&labels, from.GetLabels())
	put(&annotations, from.GetAnnotations())
	_, has := annotations[evenParity]
	if _, wants := from.GetAnnotations()[evenParity]; has && !wants {
		delete(annotations, evenParity)
		changed = true
	}
	if changed {
		to.SetLabels(labels)
		to.SetAnnotations(annotations)
	}
	return changed
}

// remove takes away the children; the workloads' operators last and only if they let go.
func (o *Operator) remove(ctx context.Context, u *unstructured.Unstructured) (time.Duration, error) {
	if !slices.Contains(u.GetFinalizers(), finalizer) {
		return 0, nil
	}
	for _, step := range [][]struct {
		kind            control.Kind
		namespace, name string
		reason, part    string
	}{
		{{NetworkAddons, "", "cluster", "ErrHCOUninstall", "dependent components"},
			{SSPs, Namespace, "ssp-" + Name, "ErrHCOUninstall", "dependent components"}},
		{{KubeVirts, Namespace, "kubevirt-" + Name, "ErrVirtUninstall", "virt component"}},
		{{CDIs, "", "cdi-" + Name, "ErrCDIUninstall", "CDI component"}},
	} {
		waiting := false
		for _, x := range step {
			gone, err := control.Gone(ctx, o.Client, x.kind.Kind, x.namespace, x.name)
			if err != nil {
				message := "The uninstall request failed on " + x.part + ": " + err.Error()
				return 0, errors.Join(err, o.say(ctx, u, "Warning", x.reason, message))
			}
			waiting = waiting || !gone
		}
		if waiting {
			return time.Second, nil
		}
	}
	object.Finalizer(u, finalizer, false)
	o.settled = map[string]settled{}
	return 0, o.metadata(ctx, u)
}
