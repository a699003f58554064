package controlplane

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/release/staticpod"
	"github.com/okd-install/okd-install/pkg/lab/release/staticpod/clusterconfig"
	"github.com/okd-install/okd-install/pkg/lab/release/staticpod/kube"
)

// APIServerOperand keeps the inputs of the API servers.
type APIServerOperand struct {
	Clients *kube.Clients
	Clock   clock.Clock
	Image   string
	// Endpoints is the ConfigMap openshift-etcd/<name> of voting members.
	Endpoints string
}

// Prepare renews what is about to expire and admits a node once its own etcd
// member votes: an API server beside a learner would answer nothing.
func (o *APIServerOperand) Prepare(ctx context.Context, nodes []corev1.Node) (staticpod.Report, error) {
	r := staticpod.Report{Refused: map[string]string{}}
	net, err := network(ctx, o.Clients)
	if err != nil {
		return r, err
	}
	if err := o.renew(ctx); err != nil {
		r.Degraded = err.Error()
	}
	if err := ensurePod(ctx, o.Clients, apiNamespace, "kube-apiserver-pod", masterAPIServer(o.Image, net).pod()); err != nil {
		return r, err
	}
	cm, err := o.Clients.Kube.CoreV1().ConfigMaps("openshift-etcd").Get(ctx, o.Endpoints, metav1.GetOptions{})
	if err != nil {
		return r, fmt.Errorf("read etcd endpoints: %w", err)
	}
	var voting []string
	for _, ip := range cm.Data {
		voting = append(voting, ip)
	}
	for i := range nodes {
		if !slices.Contains(voting, staticpod.NodeAddress(&nodes[i])) {
			r.Refused[nodes[i].Name] = fmt.Sprintf("the etcd member on %s does not vote yet", nodes[i].Name)
		}
	}
	return r, nil
}

// PodOperand keeps the pod manifest of a component that has no inputs of its
// own beyond what the bootstrap rendered.
type PodOperand struct {
	Clients *kube.Clients
	Image   string
	make    func(image string, net *clusterconfig.Network) (namespace, name string, pod *corev1.Pod)
}

// ControllerManagerOperand is the operand of the controller manager.
func ControllerManagerOperand(k *kube.Clients, image string) *PodOperand {
	return &PodOperand{Clients: k, Image: image, make: func(image string, net *clusterconfig.Network) (string, string, *corev1.Pod) {
		return kcmNamespace, "kube-controller-manager-pod", masterControllers(image, net).pod()
	}}
}

// SchedulerOperand is the operand of the scheduler.
func SchedulerOperand(k *kube.Clients, image string) *PodOperand {
	return &PodOperand{Clients: k, Image: image, make: func(image string, _ *clusterconfig.Network) (string, string, *corev1.Pod) {
		return ksNamespace, "kube-scheduler-pod", masterScheduler(image).pod()
	}}
}

// Prepare publishes the manifest. The pod may start before the node's API
// server: it retries, and so the two start at the same time.
func (o *PodOperand) Prepare(ctx context.Context, _ []corev1.Node) (staticpod.Report, error) {
	net, err := network(ctx, o.Clients)
	if err != nil {
		return staticpod.Report{}, err
	}
	namespace, name, pod := o.make(o.Image, net)
	return staticpod.Report{}, ensurePod(ctx, o.Clients, namespace, name, pod)
}

func network(ctx context.Context, k *kube.Clients) (*clusterconfig.Network, error) {
	u, err := k.Dynamic.Resource(kube.Networks).Get(ctx, "cluster", metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("read network config: %w", err)
	}
	return clusterconfig.ParseNetwork(u.Object)
}

func ensurePod(ctx context.Context, k *kube.Clients, namespace, name string, pod *corev1.Pod) error {
	text, err := kube.Template(pod)
	if err != nil {
		return err
	}
	_, err = kube.EnsureConfigMap(ctx, k, kube.ConfigMap(namespace, name, map[string]string{"pod.yaml": string(text)}))
	return err
}
