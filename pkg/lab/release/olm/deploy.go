package olm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	operatorsv1 "github.com/operator-framework/api/pkg/operators/v1"
	"github.com/operator-framework/api/pkg/operators/v1alpha1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/olm/bundle"
)

const (
	deploymentHash = "olm.deployment-spec-hash"
	conditionEnv   = "OPERATOR_CONDITION_NAME"
)

func ownedBy(c *v1alpha1.ClusterServiceVersion) metav1.OwnerReference {
	return bundle.Owner(group+"/v1alpha1", v1alpha1.ClusterServiceVersionKind, c, false)
}

func ownerLabels(c *v1alpha1.ClusterServiceVersion) map[string]string {
	out := map[string]string{
		"olm.owner": c.Name, "olm.owner.kind": v1alpha1.ClusterServiceVersionKind,
		"olm.owner.namespace": c.Namespace, "olm.managed": "true",
	}
	if pkg := packageOf(c.Annotations); pkg != "" {
		out[componentLabel(pkg, c.Namespace)] = ""
	}
	return out
}

// deploy puts what a CSV runs in place.
func (o *Operator) deploy(ctx context.Context, w *world, c *v1alpha1.ClusterServiceVersion,
	g *operatorsv1.OperatorGroup) error {
	if c.Spec.InstallStrategy.StrategyName != v1alpha1.InstallStrategyNameDeployment {
		return fmt.Errorf("unrecognized install strategy %q", c.Spec.InstallStrategy.StrategyName)
	}
	if len(c.Spec.APIServiceDefinitions.Owned) > 0 {
		return errors.New("API services of operators are not supported by the lab")
	}
	if err := o.everywhere(ctx, c, g); err != nil {
		return err
	}
	authorities, err := o.webhookCerts(ctx, c)
	if err != nil {
		return err
	}
	for _, d := range c.Spec.InstallStrategy.StrategySpec.DeploymentSpecs {
		object, err := deployment(c, g, w.config(c), d, authorities[d.Name])
		if err != nil {
			return err
		}
		o.changed = true
		if err := o.Client.ApplyObject(ctx, object); err != nil {
			return err
		}
	}
	return o.webhooks(ctx, c, g, authorities)
}

// everywhere gives an operator for all namespaces what it may do in its own in all.
func (o *Operator) everywhere(ctx context.Context, c *v1alpha1.ClusterServiceVersion,
	g *operatorsv1.OperatorGroup) error {
	if !slices.Equal(g.Status.Namespaces, []string{metav1.NamespaceAll}) {
		return nil
	}
	for _, p := range c.Spec.InstallStrategy.StrategySpec.Permissions {
		for _, object := range clusterGrant(roleName(c.Name, p), p) {
			u, err := untyped(object)
			if err != nil {
				return err
			}
			u.SetLabels(ownerLabels(c))
			inNamespace(u, c.Namespace)
			if err := o.Client.ApplyObject(ctx, u); err != nil {
				return err
			}
		}
	}
	return nil
}

// config is what the subscription of a CSV says about its pods.
func (w *world) config(c *v1alpha1.ClusterServiceVersion) *v1alpha1.SubscriptionConfig {
	for _, s := range w.subs {
		if s.Namespace == c.Namespace && s.Status.InstalledCSV == c.Name && s.Spec != nil {
			return s.Spec.Config
		}
	}
	return nil
}

// deployment is one of a CSV's deployments as it is applied.
func deployment(c *v1alpha1.ClusterServiceVersion, g *operatorsv1.OperatorGroup, config *v1alpha1.SubscriptionConfig,
	d v1alpha1.StrategyDeploymentSpec, authority string) (*unstructured.Unstructured, error) {
	spec := *d.Spec.DeepCopy()
	spec.RevisionHistoryLimit = new(int32(1))
	template := &spec.Template
	annotations := maps.Clone(c.Annotations)
	if annotations == nil {
		annotations = map[string]string{}
	}
	maps.Copy(annotations, template.Annotations)
	annotations["olm.operatorGroup"], annotations["olm.operatorNamespace"] = g.Name, c.Namespace
	annotations["olm.targetNamespaces"] = targetNamespaces(g.Status.Namespaces)
	if authority != "" {
		annotations["olmcahash"] = hashOf(authority)
		addCertificates(&template.Spec, serviceOf(d.Name))
	}
	configure(&template.Spec, config)
	if config != nil {
		maps.Copy(annotations, config.Annotations)
	}
	template.Annotations = annotations
	for i := range template.Spec.Containers {
		setEnv(&template.Spec.Containers[i], corev1.EnvVar{Name: conditionEnv, Value: c.Name})
	}
	labels := ownerLabels(c)
	maps.Copy(labels, d.Label)
	labels[deploymentHash] = hashOf(spec)
	raw, err := json.Marshal(&appsv1.Deployment{
		TypeMeta: metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: c.Namespace, Name: d.Name, Labels: labels, OwnerReferences: []metav1.OwnerReference{ownedBy(c)},
		},
		Spec: spec,
	})
	if err != nil {
		return nil, err
	}
	object := &unstructured.Unstructured{}
	if err := json.Unmarshal(raw, &object.Object); err != nil {
		return nil, err
	}
	unstructured.RemoveNestedField(object.Object, "status")
	unstructured.RemoveNestedField(object.Object, "metadata", "creationTimestamp")
	unstructured.RemoveNestedField(object.Object, "spec", "template", "metadata", "creationTimestamp")
	if len(spec.Strategy.Type) == 0 {
		unstructured.RemoveNestedField(object.Object, "spec", "strategy")
	}
	return object, nil
}

// configure lets a subscription change the pods of its operator.
func configure(spec *corev1.PodSpec, config *v1alpha1.SubscriptionConfig) {
	if config == nil {
		return
	}
	spec.Tolerations = append(spec.Tolerations, config.Tolerations...)
	if config.NodeSelector != nil {
		spec.NodeSelector = config.NodeSelector
	}
	if config.Affinity != nil {
		spec.Affinity = config.Affinity
	}
	spec.Volumes = append(spec.Volumes, config.Volumes...)
	for i := range spec.Containers {
		c := &spec.Containers[i]
		for _, e := range config.Env {
			setEnv(c, e)
		}
		c.EnvFrom = append(c.EnvFrom, config.EnvFrom...)
		c.VolumeMounts = append(c.VolumeMounts, config.VolumeMounts...)
		if config.Resources != nil {
			c.Resources = *config.Resources
		}
	}
}

func setEnv(c *corev1.Container, e corev1.EnvVar) {
	i := slices.IndexFunc(c.Env, func(have corev1.EnvVar) bool { return have.Name == e.Name })
	if i < 0 {
		c.Env = append(c.Env, e)
		return
	}
	c.Env[i] = e
}

// verdict is the first thing that is not as it should be.
type verdict struct {
	problem string
	final   bool // waiting makes it no better
	redo    bool // but another installation does
}

// health looks at what a CSV runs.
func (o *Operator) health(ctx context.Context, w *world, c *v1alpha1.ClusterServiceVersion,
	g *operatorsv1.OperatorGroup) (verdict, error) {
	authorities, err := o.authorities(ctx, c)
	if err != nil {
		return verdict{}, err
	}
	for _, s := range c.Spec.InstallStrategy.StrategySpec.DeploymentSpecs {
		want, err := deployment(c, g, w.config(c), s, authorities[s.Name])
		if err != nil {
			return verdict{}, err
		}
		var d appsv1.Deployment
		err = o.Client.Get(ctx, deployments.Ref(c.Namespace, s.Name), &d)
		if kube.NotFound(err) {
			return verdict{problem: fmt.Sprintf("deployment %s not found", s.Name), final: true, redo: true}, nil
		}
		if err != nil {
			return verdict{}, err
		}
		if h := want.GetLabels()[deploymentHash]; d.Labels[deploymentHash] != h {
			p := fmt.Sprintf("deployment changed old hash=%s, new hash=%s", d.Labels[deploymentHash], h)
			return verdict{problem: p, final: true, redo: true}, nil
		}
		if p, final := rollout(d); p != "" {
			return verdict{problem: fmt.Sprintf("waiting for deployment %s to become ready: %s", s.Name, p), final: final}, nil
		}
	}
	problem, err := o.missingWebhook(ctx, c)
	return verdict{problem: problem, final: problem != "", redo: problem != ""}, err
}

// rollout is what a deployment waits for.
func rollout(d appsv1.Deployment) (problem string, final bool) {
	if d.Status.ObservedGeneration < d.Generation {
		return fmt.Sprintf("waiting for spec update of deployment %q to be observed...", d.Name), false
	}
	for _, c := range d.Status.Conditions {
		if c.Type == appsv1.DeploymentProgressing && c.Reason == "ProgressDeadlineExceeded" {
			return fmt.Sprintf("deployment %q exceeded its progress deadline", d.Name), true
		}
	}
	replicas := int32(1)
	if d.Spec.Replicas != nil {
		replicas = *d.Spec.Replicas
	}
	if d.Status.UpdatedReplicas < replicas {
		return fmt.Sprintf("waiting for %d outdated replica(s) to be terminated", replicas-d.Status.UpdatedReplicas), false
	}
	for _, c := range d.Status.Conditions {
		if c.Type == appsv1.DeploymentAvailable && c.Status == corev1.ConditionTrue {
			return "", false
		}
		if c.Type == appsv1.DeploymentAvailable {
			return fmt.Sprintf("deployment %q not available: %s", d.Name, c.Message), false
		}
	}
	if replicas == 0 {
		return "", false
	}
	return fmt.Sprintf("deployment %q not available", d.Name), false
}
