package ssp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	cdiv1 "kubevirt.io/containerized-data-importer-api/pkg/apis/core/v1beta1"
	sdk "kubevirt.io/controller-lifecycle-operator-sdk/api"

	conditionsv1 "github.com/openshift/custom-resource-status/conditions/v1"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/lab/virt/kit/control"
	"github.com/okd-install/okd-install/pkg/lab/virt/kit/object"
)

const (
	// Images is the namespace of golden images.
	Images = "kubevirt-os-images"

	finalizer  = "ssp.kubevirt.io/finalizer"
	ownerLabel = "app.kubernetes.io/managed-by"
	owner      = "ssp-operator"
	dictArchs  = "ssp.kubevirt.io/dict.architectures"
	cronLabel  = "cdi.kubevirt.io/dataImportCron"
)

var (
	ssps        = kube.Kind{Group: "ssp.kubevirt.io", Version: "v1beta3", Plural: "ssps"}
	dataSources = kube.Kind{Group: "cdi.kubevirt.io", Version: "v1beta1", Plural: "datasources"}
	crons       = kube.Kind{Group: "cdi.kubevirt.io", Version: "v1beta1", Plural: "dataimportcrons"}
)

// required are the kinds without which the operator does nothing.
var required = []string{"datasources.cdi.kubevirt.io", "dataimportcrons.cdi.kubevirt.io"}

// sources are the DataSources that templates of VMs use. Most have nothing to offer until somebody brings an image.
var sources = []string{
	"centos-stream9", "centos-stream10", "fedora", "opensuse", "rhel7", "rhel8", "rhel9", "rhel10", "ubuntu",
	"win10", "win11", "win2k16", "win2k19", "win2k22", "win2k25",
}

// Operator keeps what an SSP asks for.
type Operator struct {
	Client  *api.Client
	Clock   clock.Clock
	Log     *slog.Logger
	Version string

	applier control.Applier
}

// Run works until ctx ends.
func (o *Operator) Run(ctx context.Context) error {
	return control.Controller{
		Name: owner, Client: o.Client, Clock: o.Clock, Log: o.Log, Round: o.Round,
		Kinds: []kube.Kind{ssps, control.Definitions},
	}.Run(ctx)
}

// resync is the time after which changes of what the operator made are seen.
const resync = 15 * time.Second

// Round looks at everything once.
func (o *Operator) Round(ctx context.Context) (time.Duration, error) {
	all, err := control.All[SSP](ctx, o.Client, ssps, "")
	if err != nil || len(all) == 0 {
		return 0, err
	}
	s := &all[0] // a webhook refuses more
	before := s.Status
	before.Conditions = slices.Clone(before.Conditions)
	if s.DeletionTimestamp != nil {
		return o.remove(ctx, s)
	}
	if s.Status.Phase == sdk.PhaseEmpty {
		if object.Finalizer(s, finalizer, true) {
			patch := map[string]any{"metadata": map[string]any{"finalizers": s.Finalizers}}
			if err := o.Client.Patch(ctx, ssps.Ref(s.Namespace, s.Name), "", patch); err != nil {
				return 0, fmt.Errorf("add finalizer: %w", err)
			}
		}
		s.Status.Phase = sdk.PhaseDeploying
	}
	missing, err := o.missing(ctx)
	if err != nil {
		return 0, err
	}
	var failure error
	switch {
	case len(missing) > 0:
		o.say(s, "Required CRDs are missing: "+strings.Join(missing, ", "))
	default:
		if failure = o.apply(ctx, s); failure != nil {
			if control.Conflict(failure) || ctx.Err() != nil {
				return 0, failure
			}
			o.say(s, "Error: "+failure.Error())
			break
		}
		now := o.Clock.Now()
		control.Set(&s.Status.Conditions, conditionsv1.ConditionAvailable, true, "Available",
			"All SSP resources are available", now)
		control.Set(&s.Status.Conditions, conditionsv1.ConditionProgressing, false, "Progressing",
			"No SSP resources are progressing", now)
		control.Set(&s.Status.Conditions, conditionsv1.ConditionDegraded, false, "Degraded",
			"No SSP resources are degraded", now)
		s.Status.Phase = sdk.PhaseDeployed
	}
	control.Versions(&s.Status.Status, o.Version, s.Status.Phase == sdk.PhaseDeployed)
	s.Status.ObservedGeneration = s.Generation
	if err := o.write(ctx, before, s); err != nil {
		return 0, err
	}
	return resync, failure
}

// say marks the SSP as being worked on, with what holds it up.
func (o *Operator) say(s *SSP, message string) {
	now := o.Clock.Now()
	control.Set(&s.Status.Conditions, conditionsv1.ConditionAvailable, false, "Available", message, now)
	control.Set(&s.Status.Conditions, conditionsv1.ConditionProgressing, true, "Progressing", message, now)
	control.Set(&s.Status.Conditions, conditionsv1.ConditionDegraded, true, "Degraded", message, now)
	s.Status.Phase = sdk.PhaseDeploying
}

func (o *Operator) write(ctx context.Context, before Status, s *SSP) error {
	if reflect.DeepEqual(before, s.Status) {
		return nil
	}
	patch := map[string]any{"status": s.Status}
	if err := o.Client.Patch(ctx, ssps.Ref(s.Namespace, s.Name), "status", patch); err != nil {
		return fmt.Errorf("write status of SSP %s: %w", s.Name, err)
	}
	return nil
}

func (o *Operator) missing(ctx context.Context) ([]string, error) {
	var out []string
	for _, name := range required {
		u, err := control.Find(ctx, o.Client, control.Definitions, "", name)
		if err != nil {
			return nil, err
		}
		if u == nil {
			out = append(out, name)
		}
	}
	return out, nil
}

// apply makes what the SSP asks for.
func (o *Operator) apply(ctx context.Context, s *SSP) error {
	namespace := s.Spec.CommonTemplates.Namespace
	ns, err := control.Find(ctx, o.Client, api.Namespaces, "", namespace)
	if err != nil {
		return err
	}
	if ns == nil {
		return fmt.Errorf("namespaces %q not found", namespace)
	}
	if err := o.applier.Apply(ctx, o.Client, o.Clock, shared()...); err != nil {
		return err
	}
	want, err := wanted(s.Spec)
	if err != nil {
		return err
	}
	if err := o.dataSources(ctx, want); err != nil {
		return err
	}
	return o.crons(ctx, want)
}

// wanted are the crons of the templates. With several architectures there is one per architecture.
func wanted(s Spec) ([]cdiv1.DataImportCron, error) {
	var out []cdiv1.DataImportCron
	multi := s.EnableMultipleArchitectures != nil && *s.EnableMultipleArchitectures
	if multi && s.Cluster == nil {
		return nil, errors.New(".spec.cluster needs to be non-nil, if multi-architecture is enabled")
	}
	for _, t := range s.CommonTemplates.DataImportCronTemplates {
		c := cdiv1.DataImportCron{
			TypeMeta: metav1.TypeMeta{APIVersion: "cdi.kubevirt.io/v1beta1", Kind: "DataImportCron"},
			ObjectMeta: metav1.ObjectMeta{
				Name: t.Name, Namespace: t.Namespace, Labels: labels(t.Labels), Annotations: map[string]string{},
			},
			Spec: *t.Spec.DeepCopy(),
		}
		if c.Namespace == "" {
			c.Namespace = Images
		}
		for k, v := range t.Annotations {
			if k != dictArchs {
				c.Annotations[k] = v
			}
		}
		archs := t.Annotations[dictArchs]
		if !multi || archs == "" {
			out = append(out, c)
			continue
		}
		for _, a := range strings.Split(archs, ",") {
			if !slices.Contains(s.Cluster.WorkloadArchitectures, a) {
				continue
			}
			one := *c.DeepCopy()
			one.Name += "-" + a
			one.Labels["template.kubevirt.io/architecture"] = a
			one.Labels["cdi.kubevirt.io/storage.import.datasource-name"] = c.Spec.ManagedDataSource
			one.Spec.ManagedDataSource += "-" + a
			if src := one.Spec.Template.Spec.Source; src != nil && src.Registry != nil {
				src.Registry.Platform = &cdiv1.PlatformOptions{Architecture: a}
			}
			out = append(out, one)
		}
	}
	return out, nil
}

func labels(own map[string]string) map[string]string {
	out := map[string]string{
		ownerLabel: owner, "app.kubernetes.io/name": "data-sources", "app.kubernetes.io/component": "storage",
		"app.kubernetes.io/part-of": "hyperconverged-cluster",
	}
	for k, v := range own {
		out[k] = v
	}
	return out
}

// dataSources makes the sources that are missing. One that a cron manages is the cron's.
func (o *Operator) dataSources(ctx context.Context, crons []cdiv1.DataImportCron) error {
	all, err := control.All[cdiv1.DataSource](ctx, o.Client, dataSources, Images)
	if err != nil {
		return err
	}
	for _, name := range sources {
		var have *cdiv1.DataSource
		if i := slices.IndexFunc(all, func(d cdiv1.DataSource) bool { return d.Name == name }); i >= 0 {
			have = &all[i]
		}
		managed := slices.ContainsFunc(crons, func(c cdiv1.DataImportCron) bool {
			return c.Namespace == Images && c.Spec.ManagedDataSource == name
		})
		if have != nil && (managed || have.Labels[cronLabel] == "") {
			continue
		}
		own := cdiv1.DataSourceSource{PVC: &cdiv1.DataVolumeSourcePVC{Namespace: Images, Name: name}}
		if have == nil {
			d := &cdiv1.DataSource{
				TypeMeta:   metav1.TypeMeta{APIVersion: "cdi.kubevirt.io/v1beta1", Kind: "DataSource"},
				ObjectMeta: metav1.ObjectMeta{Namespace: Images, Name: name, Labels: labels(nil)},
				Spec:       cdiv1.DataSourceSpec{Source: own},
			}
			if err := o.Client.Make(ctx, dataSources, Images, d); err != nil {
				return err
			}
			continue
		}
		// Its cron is gone: it points to the claim of its name again.
		patch := map[string]any{
			"metadata": map[string]any{"labels": map[string]any{cronLabel: nil}},
			"spec":     map[string]any{"source": map[string]any{"snapshot": nil, "pvc": own.PVC}},
		}
		if err := o.Client.Patch(ctx, dataSources.Ref(Images, name), "", patch); err != nil {
			return fmt.Errorf("restore DataSource %s: %w", name, err)
		}
	}
	return nil
}

// crons makes the wanted ones, corrects those that differ, and removes those that nobody asks for any more.
func (o *Operator) crons(ctx context.Context, want []cdiv1.DataImportCron) error {
	have, err := control.All[cdiv1.DataImportCron](ctx, o.Client, crons, "")
	if err != nil {
		return err
	}
	for _, h := range have {
		if h.Labels[ownerLabel] != owner || h.DeletionTimestamp != nil {
			continue
		}
		if !slices.ContainsFunc(want, func(w cdiv1.DataImportCron) bool { return same(w, h) }) {
			if _, err := control.Gone(ctx, o.Client, crons, h.Namespace, h.Name); err != nil {
				return err
			}
		}
	}
	for _, w := range want {
		// An image that the user put in the place of the source is not written over.
		taken, err := o.taken(ctx, w)
		if err != nil {
			return err
		}
		if taken {
			continue
		}
		i := slices.IndexFunc(have, func(h cdiv1.DataImportCron) bool { return same(w, h) })
		switch {
		case i < 0:
			if err := o.Client.Make(ctx, crons, w.Namespace, &w); err != nil {
				return err
			}
		case !control.Same(have[i].Spec, w.Spec):
			n := have[i].DeepCopy()
			n.TypeMeta, n.Spec = w.TypeMeta, w.Spec
			if err := o.Client.Update(ctx, crons.Ref(w.Namespace, w.Name), "", n); err != nil {
				return fmt.Errorf("update DataImportCron %s: %w", w.Name, err)
			}
		}
	}
	return nil
}

func same(a, b cdiv1.DataImportCron) bool { return a.Namespace == b.Namespace && a.Name == b.Name }

// taken reports whether there is a claim of the source's name, which no cron made.
func (o *Operator) taken(ctx context.Context, c cdiv1.DataImportCron) (bool, error) {
	claim, err := control.FindAs[corev1.PersistentVolumeClaim](ctx, o.Client, control.Claims, c.Namespace,
		c.Spec.ManagedDataSource)
	return claim != nil && claim.Labels[cronLabel] == "", err
}

// remove takes away the crons first: they hold on to images.
func (o *Operator) remove(ctx context.Context, s *SSP) (time.Duration, error) {
	if !slices.Contains(s.Finalizers, finalizer) {
		return 0, nil
	}
	for _, k := range []kube.Kind{crons, dataSources} {
		all, err := control.All[cdiv1.DataSource](ctx, o.Client, k, "")
		if err != nil {
			return 0, err
		}
		left := false
		for _, x := range all {
			if x.Labels[ownerLabel] != owner {
				continue
			}
			if _, err := control.Gone(ctx, o.Client, k, x.Namespace, x.Name); err != nil {
				return 0, err
			}
			left = true
		}
		if left {
			return time.Second, nil
		}
	}
	for _, x := range shared() {
		u := object.From(x)
		k := kube.Kind{Version: "v1", Plural: "namespaces"}
		switch object.String(u, "kind") {
		case "Role":
			k = kube.Kind{Group: rbac, Version: "v1", Plural: "roles"}
		case "RoleBinding":
			k = kube.Kind{Group: rbac, Version: "v1", Plural: "rolebindings"}
		case "ClusterRole":
			k = kube.Kind{Group: rbac, Version: "v1", Plural: "clusterroles"}
		}
		_, err := control.Gone(ctx, o.Client, k, object.String(u, "metadata.namespace"), object.String(u, "metadata.name"))
		if err != nil {
			return 0, err
		}
	}
	object.Finalizer(s, finalizer, false)
	patch := map[string]any{"metadata": map[string]any{"finalizers": s.Finalizers}}
	if err := o.Client.Patch(ctx, ssps.Ref(s.Namespace, s.Name), "", patch); err != nil && !kube.NotFound(err) {
		return 0, fmt.Errorf("remove finalizer: %w", err)
	}
	return 0, nil
}
