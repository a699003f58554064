package control

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/lab/virt/kit/object"
)

// Kinds that several operators make.
var (
	Deployments = kube.Kind{Group: "apps", Version: "v1", Plural: "deployments"}
	DaemonSets  = kube.Kind{Group: "apps", Version: "v1", Plural: "daemonsets"}
	Claims      = kube.Kind{Version: "v1", Plural: "persistentvolumeclaims"}
	Volumes     = kube.Kind{Version: "v1", Plural: "persistentvolumes"}
	Classes     = kube.Kind{Group: "storage.k8s.io", Version: "v1", Plural: "storageclasses"}
	Accounts    = kube.Kind{Version: "v1", Plural: "serviceaccounts"}
	Bindings    = kube.Kind{Group: rbacv1.GroupName, Version: "v1", Plural: "clusterrolebindings"}
	Definitions = kube.Kind{Group: "apiextensions.k8s.io", Version: "v1", Plural: "customresourcedefinitions"}
)

// Pods is what a workload runs: one container.
type Pods struct {
	Namespace, Name string // of the workload, and of its service account
	Part            string // app.kubernetes.io/component
	Image           string
	Command         []string
	Env             []corev1.EnvVar
	Labels          map[string]string // further ones
	Mounts          []corev1.VolumeMount
	Volumes         []corev1.Volume
	Privileged      bool
	HostNetwork     bool
	NodeSelector    map[string]string
	Affinity        *corev1.Affinity
	Tolerations     []corev1.Toleration
	Ready           *corev1.Probe
	Ports           []corev1.ContainerPort
}

func (p Pods) meta() metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: p.Namespace, Name: p.Name, Labels: p.labels()}
}

func (p Pods) labels() map[string]string {
	out := map[string]string{
		"app.kubernetes.io/name": p.Name, "app.kubernetes.io/component": p.Part,
		"app.kubernetes.io/part-of": "hyperconverged-cluster",
	}
	for k, v := range p.Labels {
		out[k] = v
	}
	return out
}

func (p Pods) selector() *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: map[string]string{"app.kubernetes.io/name": p.Name}}
}

func (p Pods) template() corev1.PodTemplateSpec {
	no, yes := false, true
	root := int64(0)
	security := &corev1.SecurityContext{
		AllowPrivilegeEscalation: &no, RunAsNonRoot: &yes,
		Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
	}
	if p.Privileged {
		security = &corev1.SecurityContext{Privileged: &yes, RunAsUser: &root}
	}
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: p.labels()},
		Spec: corev1.PodSpec{
			ServiceAccountName: p.Name, PriorityClassName: PriorityClass, HostNetwork: p.HostNetwork,
			NodeSelector: p.NodeSelector, Affinity: p.Affinity, Tolerations: p.Tolerations, Volumes: p.Volumes,
			Containers: []corev1.Container{{
				Name: p.Name, Image: p.Image, Command: p.Command, Env: p.Env, VolumeMounts: p.Mounts, Ports: p.Ports,
				ImagePullPolicy: corev1.PullIfNotPresent, SecurityContext: security, ReadinessProbe: p.Ready,
				TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
			}},
		},
	}
}

// PriorityClass is that of all operators and components; the HyperConverged operator makes it.
const PriorityClass = "kubevirt-cluster-critical"

// Deployment is the workload with a number of pods.
func (p Pods) Deployment(replicas int32) *appsv1.Deployment {
	return &appsv1.Deployment{
		TypeMeta: metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"}, ObjectMeta: p.meta(),
		Spec: appsv1.DeploymentSpec{Replicas: &replicas, Selector: p.selector(), Template: p.template()},
	}
}

// DaemonSet is the workload with a pod on each node.
func (p Pods) DaemonSet() *appsv1.DaemonSet {
	return &appsv1.DaemonSet{
		TypeMeta: metav1.TypeMeta{APIVersion: "apps/v1", Kind: "DaemonSet"}, ObjectMeta: p.meta(),
		Spec: appsv1.DaemonSetSpec{Selector: p.selector(), Template: p.template()},
	}
}

// Account makes the workload's service account, which may do everything, as most of the lab's operators.
func (p Pods) Account() []any {
	account := metav1.ObjectMeta{Namespace: p.Namespace, Name: p.Name, Labels: p.labels()}
	return []any{
		&corev1.ServiceAccount{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ServiceAccount"}, ObjectMeta: account},
		&rbacv1.ClusterRoleBinding{
			TypeMeta:   metav1.TypeMeta{APIVersion: "rbac.authorization.k8s.io/v1", Kind: "ClusterRoleBinding"},
			ObjectMeta: metav1.ObjectMeta{Name: p.Name, Labels: p.labels()},
			RoleRef:    rbacv1.RoleRef{APIGroup: "rbac.authorization.k8s.io", Kind: "ClusterRole", Name: "cluster-admin"},
			Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: p.Namespace, Name: p.Name}},
		},
	}
}

// GoneWithAccount takes a workload and its service account away.
func GoneWithAccount(ctx context.Context, c *api.Client, k kube.Kind, namespace, name string) error {
	_, err := Gone(ctx, c, k, namespace, name)
	if err == nil {
		_, err = Gone(ctx, c, Bindings, "", name)
	}
	if err == nil {
		_, err = Gone(ctx, c, Accounts, namespace, name)
	}
	return err
}

// Apply brings objects to the server, each in its turn.
func Apply(ctx context.Context, c *api.Client, objects ...any) error {
	for _, o := range objects {
		if err := c.ApplyObject(ctx, &unstructured.Unstructured{Object: clean(object.From(o))}); err != nil {
			return err
		}
	}
	return nil
}

// Rollout is how far a workload is.
type Rollout struct {
	Exists                     bool
	Wanted, Available, Updated int32
	Generation, Observed       int64
}

// Complete reports whether all pods are there.
func (r Rollout) Complete() bool {
	return r.Exists && r.Observed >= r.Generation && r.Available >= r.Wanted && r.Updated >= r.Wanted
}

// Look reads how far a Deployment or DaemonSet is.
func Look(ctx context.Context, c *api.Client, k kube.Kind, namespace, name string) (Rollout, error) {
	u, err := Find(ctx, c, k, namespace, name)
	if err != nil || u == nil {
		return Rollout{}, err
	}
	r := Rollout{Exists: true}
	if k == DaemonSets {
		d, err := object.To[appsv1.DaemonSet](u.Object)
		if err != nil {
			return r, fmt.Errorf("read %s: %w", name, err)
		}
		s := d.Status
		r.Generation, r.Observed = d.Generation, s.ObservedGeneration
		r.Wanted, r.Available, r.Updated = s.DesiredNumberScheduled, s.NumberAvailable, s.UpdatedNumberScheduled
		return r, nil
	}
	d, err := object.To[appsv1.Deployment](u.Object)
	if err != nil {
		return r, fmt.Errorf("read %s: %w", name, err)
	}
	r.Generation, r.Observed = d.Generation, d.Status.ObservedGeneration
	r.Wanted, r.Available, r.Updated = 1, d.Status.AvailableReplicas, d.Status.UpdatedReplicas
	if d.Spec.Replicas != nil {
		r.Wanted = *d.Spec.Replicas
	}
	return r, nil
}

// clean takes away the status of a typed object, which is the server's.
func clean(o object.Object) object.Object {
	delete(o, "status")
	return o
}
