package olm

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/operator-framework/api/pkg/operators/v1alpha1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/olm/bundle"
	"github.com/okd-install/okd-install/pkg/lab/release/olm/resolve"
)

const (
	// propertiesAnnotation has what the catalog says about a CSV's bundle.
	propertiesAnnotation = "operatorframework.io/properties"
	generatedBy          = "olm.generated-by"
	unpackTimeout        = "operatorframework.io/bundle-unpack-timeout"
)

func groupOf(definition string) string {
	_, g, _ := strings.Cut(definition, ".")
	return g
}

// plan unpacks what was chosen, and then makes the InstallPlan for it.
func (o *Operator) plan(ctx context.Context, w *world, namespace string, subs []*v1alpha1.Subscription,
	choices []resolve.Choice) error {
	var failed string
	waiting := false
	unpacked := make([]corev1.ConfigMap, len(choices))
	for i, c := range choices {
		cm, problem, err := o.unpack(ctx, w, namespace, c)
		if err != nil {
			return err
		}
		if problem != "" {
			failed = problem
		}
		if cm == nil {
			waiting = true
			continue
		}
		unpacked[i] = *cm
	}
	switch {
	case failed != "":
		for _, s := range subs {
			s.Status.RemoveConditions(v1alpha1.SubscriptionBundleUnpacking)
		}
		o.setAll(subs, v1alpha1.SubscriptionBundleUnpackFailed, bundleUnpackFailed, failed)
		return nil
	case waiting:
		o.setAll(subs, v1alpha1.SubscriptionBundleUnpacking, unpackingInProgress, "")
		return nil
	}
	for _, s := range subs {
		s.Status.RemoveConditions(v1alpha1.SubscriptionBundleUnpacking, v1alpha1.SubscriptionBundleUnpackFailed)
	}
	var steps []*v1alpha1.Step
	for i, c := range choices {
		more, err := stepsOf(c, unpacked[i])
		if err != nil {
			return err
		}
		steps = append(steps, more...)
	}
	return o.makePlan(ctx, namespace, subs, choices, v1alpha1.OrderSteps(steps))
}

// unpack makes the job for a bundle and looks at it. The ConfigMap is nil until the
// content is there; problem is why it will not be.
func (o *Operator) unpack(ctx context.Context, w *world, namespace string, c resolve.Choice) (
	cm *corev1.ConfigMap, problem string, err error) {
	i := slices.IndexFunc(w.catalogs, func(s v1alpha1.CatalogSource) bool { return keyOf(&s) == c.Catalog })
	if i < 0 {
		return nil, "bundle unpacking failed. Reason: CatalogSourceMissing, and Message: " +
			"referenced catalogsource not found", nil
	}
	job := bundle.Job{
		Namespace: c.Catalog.Namespace, Bundle: c.Bundle.Image, Manager: o.Image, Deadline: o.UnpackDeadline,
		Secrets: w.catalogs[i].Spec.Secrets,
	}
	for _, g := range w.groupsOf(namespace) {
		if d, err := time.ParseDuration(g.Annotations[unpackTimeout]); err == nil && d > 0 {
			job.Deadline = d
		}
	}
	name := bundle.Name(job.Bundle)
	owner := bundle.Owner(group+"/v1alpha1", v1alpha1.CatalogSourceKind, &w.catalogs[i], false)
	var have corev1.ConfigMap
	if err := o.Client.Get(ctx, kube.ConfigMaps.Ref(job.Namespace, name), &have); kube.NotFound(err) {
		have = *job.ConfigMap(owner)
		if err := o.Client.Create(ctx, kube.ConfigMaps, job.Namespace, &have); err != nil {
			return nil, "", err
		}
	} else if err != nil {
		return nil, "", err
	}
	owner = bundle.Owner("v1", "ConfigMap", &have, false)
	var b batchv1.Job
	err = o.Client.Get(ctx, jobs.Ref(job.Namespace, name), &b)
	if kube.NotFound(err) {
		if len(have.BinaryData) > 0 {
			return &have, "", nil // the job is gone, what it made is not
		}
		role, binding := job.Role(owner)
		if err := o.Client.Make(ctx, roles, job.Namespace, role); err != nil {
			return nil, "", err
		}
		if err := o.Client.Make(ctx, bindings, job.Namespace, binding); err != nil {
			return nil, "", err
		}
		return nil, "", o.Client.Make(ctx, jobs, job.Namespace, job.Batch(owner))
	}
	if err != nil {
		return nil, "", err
	}
	for _, cond := range b.Status.Conditions {
		if cond.Status != corev1.ConditionTrue {
			continue
		}
		switch cond.Type {
		case batchv1.JobFailed:
			return nil, fmt.Sprintf("bundle unpacking failed. Reason: %s, and Message: %s", cond.Reason, cond.Message), nil
		case batchv1.JobComplete:
			if len(have.BinaryData) > 0 {
				return &have, "", nil
			}
			return nil, "bundle unpacking failed. Reason: BundleEmpty, and Message: the bundle has no manifests", nil
		}
	}
	return nil, "", nil
}

// reference is the manifest of a step whose object is in a ConfigMap.
type reference struct {
	Kind                   string `json:"kind"`
	Name                   string `json:"name"`
	Namespace              string `json:"namespace"`
	CatalogSourceName      string `json:"catalogSourceName"`
	CatalogSourceNamespace string `json:"catalogSourceNamespace"`
	Replaces               string `json:"replaces"`
	Properties             string `json:"properties"`
}

// stepsOf are the steps for a bundle: its objects and the accounts and roles of its CSV.
func stepsOf(c resolve.Choice, cm corev1.ConfigMap) ([]*v1alpha1.Step, error) {
	objects, err := bundle.Unpack(cm)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(objects, isCSV)
	if i < 0 {
		return nil, fmt.Errorf("bundle %s has no ClusterServiceVersion", c.Bundle.CSV)
	}
	properties, err := json.Marshal(map[string]any{"properties": propertiesOf(c)})
	if err != nil {
		return nil, err
	}
	ref, err := json.Marshal(reference{
		"ConfigMap", cm.Name, cm.Namespace, c.Catalog.Name, c.Catalog.Namespace, c.Bundle.Replaces, string(properties),
	})
	if err != nil {
		return nil, err
	}
	csv := objects[i]
	step := func(o *unstructured.Unstructured, manifest string) *v1alpha1.Step {
		gvk := o.GroupVersionKind()
		return &v1alpha1.Step{
			Resolving: csv.GetName(), Status: v1alpha1.StepStatusUnknown,
			Resource: v1alpha1.StepResource{
				CatalogSource: c.Catalog.Name, CatalogSourceNamespace: c.Catalog.Namespace,
				Group: gvk.Group, Version: gvk.Version, Kind: gvk.Kind, Name: o.GetName(), Manifest: manifest,
			},
		}
	}
	var steps []*v1alpha1.Step
	for _, o := range objects {
		steps = append(steps, step(o, string(ref)))
	}
	granted, err := grants(csv)
	if err != nil {
		return nil, err
	}
	for _, o := range granted {
		manifest, err := json.Marshal(o.Object)
		if err != nil {
			return nil, err
		}
		has := slices.ContainsFunc(objects, func(b *unstructured.Unstructured) bool {
			return b.GetKind() == o.GetKind() && b.GetName() == o.GetName()
		})
		if !has { // the bundle's own account, for example
			steps = append(steps, step(o, string(manifest)))
		}
	}
	return steps, nil
}

func isCSV(o *unstructured.Unstructured) bool {
	return o.GetKind() == v1alpha1.ClusterServiceVersionKind
}

func propertiesOf(c resolve.Choice) []map[string]any {
	out := []map[string]any{}
	for _, p := range c.Bundle.Properties {
		if p.Type == "olm.csv.metadata" || p.Type == "olm.bundle.object" {
			continue
		}
		out = append(out, map[string]any{"type": p.Type, "value": json.RawMessage(p.Value)})
	}
	return out
}

// makePlan makes the plan and points the subscriptions to it. What another operator
// needs is subscribed to.
func (o *Operator) makePlan(ctx context.Context, namespace string, subs []*v1alpha1.Subscription,
	choices []resolve.Choice, steps []*v1alpha1.Step) error {
	p := v1alpha1.InstallPlan{
		TypeMeta: metav1.TypeMeta{APIVersion: v1alpha1.InstallPlanAPIVersion, Kind: v1alpha1.InstallPlanKind},
		ObjectMeta: metav1.ObjectMeta{
			GenerateName: "install-", Namespace: namespace, Labels: map[string]string{},
		},
		Spec: v1alpha1.InstallPlanSpec{Approval: v1alpha1.ApprovalAutomatic, Generation: 1},
	}
	var sources []string
	for _, c := range choices {
		p.Spec.ClusterServiceVersionNames = append(p.Spec.ClusterServiceVersionNames, c.Bundle.CSV)
		if !slices.Contains(sources, c.Catalog.Name) {
			sources = append(sources, c.Catalog.Name)
		}
		if c.Subscription == "" {
			if err := o.subscribe(ctx, namespace, c); err != nil {
				return err
			}
		}
	}
	for _, s := range subs {
		p.OwnerReferences = append(p.OwnerReferences, bundle.Owner(group+"/v1alpha1", v1alpha1.SubscriptionKind, s, false))
		p.Labels[componentLabel(s.Spec.Package, namespace)] = ""
		if s.Spec.InstallPlanApproval == v1alpha1.ApprovalManual {
			p.Spec.Approval = v1alpha1.ApprovalManual
		}
		p.Spec.Generation = max(p.Spec.Generation, s.Status.InstallPlanGeneration+1)
	}
	p.Spec.Approved = p.Spec.Approval == v1alpha1.ApprovalAutomatic
	p.Status = v1alpha1.InstallPlanStatus{
		Phase: v1alpha1.InstallPlanPhaseInstalling, Plan: steps, CatalogSources: sources,
	}
	if !p.Spec.Approved {
		p.Status.Phase = v1alpha1.InstallPlanPhaseRequiresApproval
	}
	o.changed = true
	made, err := o.theSame(ctx, p)
	if err != nil {
		return err
	}
	for _, s := range subs {
		for _, c := range choices {
			if c.Subscription == s.Name {
				s.Status.CurrentCSV = c.Bundle.CSV
			}
		}
		s.Status.State = v1alpha1.SubscriptionStateUpgradePending
		s.Status.InstallPlanGeneration = made.Spec.Generation
		s.Status.InstallPlanRef = &corev1.ObjectReference{
			APIVersion: v1alpha1.InstallPlanAPIVersion, Kind: v1alpha1.InstallPlanKind, Namespace: namespace, Name: made.Name,
			UID: made.UID, ResourceVersion: made.ResourceVersion,
		}
		s.Status.Install = &v1alpha1.InstallPlanReference{
			APIVersion: v1alpha1.InstallPlanAPIVersion, Kind: v1alpha1.InstallPlanKind, Name: made.Name, UID: made.UID,
		}
		reason := string(made.Status.Phase)
		o.setCondition(s, v1alpha1.SubscriptionCondition{
			Type: v1alpha1.SubscriptionInstallPlanPending, Status: corev1.ConditionTrue, Reason: reason,
		})
	}
	return nil
}

// theSame is the plan that an earlier round made for the same, whose status of the subscriptions was then lost to
// somebody else's write, or a new one.
func (o *Operator) theSame(ctx context.Context, want v1alpha1.InstallPlan) (made v1alpha1.InstallPlan, err error) {
	have, err := list[v1alpha1.InstallPlan](ctx, o.Client, installPlans, want.Namespace)
	if err != nil {
		return made, err
	}
	for _, p := range have {
		if p.Spec.Generation == want.Spec.Generation && len(p.Status.Plan) > 0 &&
			p.Status.Phase != v1alpha1.InstallPlanPhaseFailed &&
			slices.Equal(p.Spec.ClusterServiceVersionNames, want.Spec.ClusterServiceVersionNames) &&
			reflect.DeepEqual(p.OwnerReferences, want.OwnerReferences) {
			return p, nil
		}
	}
	want.Name = want.GenerateName + hashOf([]any{want.Spec, o.Clock.Now().UnixNano()})[:5]
	made = want
	if err := o.Client.Create(ctx, installPlans, want.Namespace, &made); err != nil {
		return made, fmt.Errorf("make InstallPlan: %w", err)
	}
	made.Status = want.Status
	ref := installPlans.Ref(made.Namespace, made.Name)
	if err := o.Client.Update(ctx, ref, "status", &made); err != nil {
		// One without steps would stay for ever.
		return made, fmt.Errorf("write InstallPlan: %w; removed: %w", err, o.remove(ctx, ref))
	}
	return made, nil
}

// componentLabel marks what belongs to an operator.
func componentLabel(pkg, namespace string) string {
	name := pkg + "." + namespace
	if len(name) > 63 {
		name = strings.TrimRight(name[:63], "-_.")
	}
	return "operators.coreos.com/" + name
}

// subscribe makes the subscription of an operator that another one needs.
func (o *Operator) subscribe(ctx context.Context, namespace string, c resolve.Choice) error {
	pkg := c.Bundle.Package
	name := strings.Join([]string{pkg, c.Channel, c.Catalog.Name, c.Catalog.Namespace}, "-")
	return o.Client.Make(ctx, subscriptions, namespace, &v1alpha1.Subscription{
		TypeMeta: metav1.TypeMeta{APIVersion: group + "/v1alpha1", Kind: v1alpha1.SubscriptionKind},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: name, Annotations: map[string]string{generatedBy: c.Bundle.CSV},
		},
		Spec: &v1alpha1.SubscriptionSpec{
			CatalogSource: c.Catalog.Name, CatalogSourceNamespace: c.Catalog.Namespace, Package: pkg, Channel: c.Channel,
			StartingCSV: c.Bundle.CSV, InstallPlanApproval: v1alpha1.ApprovalAutomatic,
		},
	})
}

// packageOf is the package that a CSV came from, empty if it came from no catalog.
func packageOf(annotations map[string]string) string {
	var v struct {
		Properties []struct {
			Type  string          `json:"type"`
			Value json.RawMessage `json:"value"`
		} `json:"properties"`
	}
	if json.Unmarshal([]byte(annotations[propertiesAnnotation]), &v) != nil {
		return ""
	}
	for _, p := range v.Properties {
		var pkg struct{ PackageName string }
		if p.Type == "olm.package" && json.Unmarshal(p.Value, &pkg) == nil {
			return pkg.PackageName
		}
	}
	return ""
}
