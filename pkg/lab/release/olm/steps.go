package olm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/operator-framework/api/pkg/operators/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/olm/bundle"
)

// planRetry is how long the steps of a plan are tried again.
const planRetry = time.Minute

// install carries out the plans that may be.
func (o *Operator) install(ctx context.Context, w *world) (busy bool, err error) {
	var errs []error
	for i := range w.plans {
		p := &w.plans[i]
		before := p.Status.DeepCopy()
		switch p.Status.Phase {
		case v1alpha1.InstallPlanPhaseRequiresApproval:
			if p.Spec.Approved {
				p.Status.Phase = v1alpha1.InstallPlanPhaseInstalling
			}
		case v1alpha1.InstallPlanPhaseInstalling:
			busy = true
			o.installPlan(ctx, w, p)
		default:
			continue
		}
		errs = append(errs, o.writeStatus(ctx, installPlans.Ref(p.Namespace, p.Name), *before, p.Status, p))
	}
	return busy, errors.Join(errs...)
}

func (o *Operator) installPlan(ctx context.Context, w *world, p *v1alpha1.InstallPlan) {
	now := &metav1.Time{Time: o.now()}
	condition := func(reason v1alpha1.InstallPlanConditionReason, message string) {
		if old := p.Status.GetCondition(v1alpha1.InstallPlanInstalled); old.Reason == reason && old.Message == message {
			return
		}
		p.Status.SetCondition(v1alpha1.ConditionFailed(v1alpha1.InstallPlanInstalled, reason, message, now))
	}
	switch n := len(w.groupsOf(p.Namespace)); {
	case n == 0:
		condition(v1alpha1.InstallPlanReasonInstallCheckFailed, "no operator group found that is managing this namespace")
		return
	case n > 1:
		condition(v1alpha1.InstallPlanReasonInstallCheckFailed,
			fmt.Sprintf("more than one operator group(s) are managing this namespace count=%d", n))
		return
	}
	if p.Status.StartTime == nil {
		p.Status.StartTime = now
	}
	err := o.executePlan(ctx, w, p)
	switch {
	case err == nil:
		p.Status.Phase, p.Status.Message = v1alpha1.InstallPlanPhaseComplete, ""
		p.Status.SetCondition(v1alpha1.ConditionMet(v1alpha1.InstallPlanInstalled, now))
	case !errors.Is(err, v1alpha1.ErrInvalidInstallPlan) && now.Sub(p.Status.StartTime.Time) < planRetry:
		p.Status.Message = "retrying execution due to error: " + kube.OneLine(err.Error())
	default:
		p.Status.Phase, p.Status.Message = v1alpha1.InstallPlanPhaseFailed, kube.OneLine(err.Error())
		condition(v1alpha1.InstallPlanReasonComponentFailed, kube.OneLine(err.Error()))
	}
}

// executePlan takes each step that is not done, in order, up to the first that fails.
func (o *Operator) executePlan(ctx context.Context, w *world, p *v1alpha1.InstallPlan) error {
	content := map[string][]*unstructured.Unstructured{}
	var owner *v1alpha1.ClusterServiceVersion
	for _, step := range p.Status.Plan {
		if !bundle.Supported(step.Resource.Kind) {
			step.Status = v1alpha1.StepStatusUnsupportedResource
			return v1alpha1.ErrInvalidInstallPlan
		}
		if step.Status == v1alpha1.StepStatusCreated || step.Status == v1alpha1.StepStatusPresent {
			continue
		}
		object, ref, err := o.manifest(ctx, step, content)
		if err != nil {
			return err
		}
		if owner == nil || owner.Name != step.Resolving {
			owner = nil
			var csv v1alpha1.ClusterServiceVersion
			err := o.Client.Get(ctx, serviceVersion.Ref(p.Namespace, step.Resolving), &csv)
			if err == nil {
				owner = &csv
			} else if !kube.NotFound(err) {
				return fmt.Errorf("read CSV %s: %w", step.Resolving, err)
			}
		}
		if step.Status, err = o.step(ctx, p.Namespace, w, object, ref, owner); err != nil {
			return err
		}
	}
	return nil
}

// manifest is the object of a step, from its ConfigMap if the manifest refers to one.
func (o *Operator) manifest(ctx context.Context, step *v1alpha1.Step, content map[string][]*unstructured.Unstructured) (
	*unstructured.Unstructured, reference, error) {
	var ref reference
	object := &unstructured.Unstructured{}
	if err := json.Unmarshal([]byte(step.Resource.Manifest), &object.Object); err != nil {
		return nil, ref, fmt.Errorf("read step %s: %w", step.Resource.Name, err)
	}
	if object.GetAPIVersion() != "" {
		return object, ref, nil
	}
	if err := json.Unmarshal([]byte(step.Resource.Manifest), &ref); err != nil {
		return nil, ref, fmt.Errorf("read step %s: %w", step.Resource.Name, err)
	}
	objects, ok := content[ref.Namespace+"/"+ref.Name]
	if !ok {
		var cm corev1.ConfigMap
		if err := o.Client.Get(ctx, kube.ConfigMaps.Ref(ref.Namespace, ref.Name), &cm); err != nil {
			return nil, ref, fmt.Errorf("read bundle of step %s: %w", step.Resource.Name, err)
		}
		var err error
		if objects, err = bundle.Unpack(cm); err != nil {
			return nil, ref, err
		}
		content[ref.Namespace+"/"+ref.Name] = objects
	}
	i := slices.IndexFunc(objects, func(b *unstructured.Unstructured) bool {
		return b.GetKind() == step.Resource.Kind && b.GetName() == step.Resource.Name
	})
	if i < 0 {
		return nil, ref, fmt.Errorf("the bundle has no %s %s", step.Resource.Kind, step.Resource.Name)
	}
	return objects[i].DeepCopy(), ref, nil
}

// clusterScoped are the supported kinds that have no namespace.
var clusterScoped = []string{
	"CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding", "PriorityClass", "ConsoleYAMLSample",
	"ConsoleQuickStart", "ConsoleCLIDownload", "ConsoleLink", "ConsolePlugin",
}

// step brings one object to the cluster.
func (o *Operator) step(ctx context.Context, namespace string, w *world, object *unstructured.Unstructured,
	ref reference, owner *v1alpha1.ClusterServiceVersion) (v1alpha1.StepStatus, error) {
	kind := object.GetKind()
	if !slices.Contains(clusterScoped, kind) {
		object.SetNamespace(namespace)
	}
	labels := object.GetLabels()
	if labels == nil {
		labels = map[string]string{}
	}
	labels["olm.managed"] = "true"
	switch {
	case kind == v1alpha1.ClusterServiceVersionKind:
		annotate(object, w, namespace, ref)
		if pkg := packageOf(object.GetAnnotations()); pkg != "" {
			labels[componentLabel(pkg, namespace)] = ""
		}
	case owner == nil:
		return v1alpha1.StepStatusUnknown, fmt.Errorf("the CSV of %s %s does not exist", kind, object.GetName())
	case object.GetNamespace() != "":
		object.SetOwnerReferences([]metav1.OwnerReference{
			bundle.Owner(group+"/v1alpha1", v1alpha1.ClusterServiceVersionKind, owner, false),
		})
		fallthrough
	default:
		if kind != "CustomResourceDefinition" { // which outlives its operator
			labels["olm.owner"], labels["olm.owner.kind"] = owner.Name, v1alpha1.ClusterServiceVersionKind
			labels["olm.owner.namespace"] = namespace
		}
		if pkg := packageOf(owner.Annotations); pkg != "" {
			labels[componentLabel(pkg, namespace)] = ""
		}
	}
	object.SetLabels(labels)
	inNamespace(object, namespace)
	o.changed = true
	var missing *meta.NoKindMatchError
	err := o.Client.CreateNew(ctx, object)
	switch {
	case err == nil:
		return v1alpha1.StepStatusCreated, nil
	case errors.As(err, &missing):
		gvk := object.GroupVersionKind()
		//nolint:staticcheck // as in OLM
		return v1alpha1.StepStatusUnknown, fmt.Errorf("api-server resource not found installing %s %s: "+
			"GroupVersionKind %s not found on the cluster. This API may have been deprecated and removed, see "+
			"https://kubernetes.io/docs/reference/using-api/deprecation-guide/ for more information.",
			kind, object.GetName(), gvk)
	case !apierrors.IsAlreadyExists(err):
		return v1alpha1.StepStatusUnknown, fmt.Errorf("error creating %s %s: %w", kind, object.GetName(), err)
	case kind == v1alpha1.ClusterServiceVersionKind:
		return v1alpha1.StepStatusPresent, nil
	}
	if err := o.Client.ApplyObject(ctx, object); err != nil {
		return v1alpha1.StepStatusUnknown, fmt.Errorf("error updating %s %s: %w", kind, object.GetName(), err)
	}
	return v1alpha1.StepStatusPresent, nil
}

// annotate says in a CSV what its group and its catalog say about it.
func annotate(csv *unstructured.Unstructured, w *world, namespace string, ref reference) {
	a := csv.GetAnnotations()
	if a == nil {
		a = map[string]string{}
	}
	if ref.Properties != "" {
		a[propertiesAnnotation] = ref.Properties
	}
	if groups := w.groupsOf(namespace); len(groups) == 1 {
		a["olm.operatorGroup"], a["olm.operatorNamespace"] = groups[0].Name, namespace
		a["olm.targetNamespaces"] = targetNamespaces(groups[0].Status.Namespaces)
	}
	csv.SetAnnotations(a)
	delete(csv.Object, "status")
}
