package controlplane

import (
	"context"
	"fmt"
	"maps"
	"slices"

	configv1 "github.com/openshift/api/config/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/clusterconfig"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
	"github.com/okd-install/okd-install/pkg/lab/release/staticpod"
)

// NewAPIServer is the operator of kube-apiserver's static pods.
func NewAPIServer(c *api.Client, clk clock.Clock, i staticpod.Images) *staticpod.Operator {
	operand := &apiServerOperand{client: c, clock: clk, image: i.Operand}
	return newOperator(c, clk, i, operand, staticpod.Component{
		Name: "kube-apiserver", Pod: "kube-apiserver",
		Namespace: apiNamespace, OperatorNamespace: apiOperatorNamespace, Deployment: "kube-apiserver-operator",
		Resource: api.Operator("kubeapiservers"), Kind: "KubeAPIServer",
		ConfigMaps: apiConfigMaps, Secrets: apiSecrets,
	})
}

// NewControllerManager is the operator of kube-controller-manager's static pods.
func NewControllerManager(c *api.Client, clk clock.Clock, i staticpod.Images) *staticpod.Operator {
	pod := func(net *clusterconfig.Network) *corev1.Pod { return masterControllers(i.Operand, net).pod() }
	return newOperator(c, clk, i, &podOperand{client: c, pod: pod}, staticpod.Component{
		Name: "kube-controller-manager", Pod: "kube-controller-manager",
		Namespace: kcmNamespace, OperatorNamespace: kcmOperatorNamespace,
		Deployment: "kube-controller-manager-operator",
		Resource:   api.Operator("kubecontrollermanagers"), Kind: "KubeControllerManager",
		ConfigMaps: kcmConfigMaps, Secrets: kcmSecrets,
	})
}

// NewScheduler is the operator of kube-scheduler's static pods.
func NewScheduler(c *api.Client, clk clock.Clock, i staticpod.Images) *staticpod.Operator {
	pod := func(*clusterconfig.Network) *corev1.Pod { return masterScheduler(i.Operand).pod() }
	return newOperator(c, clk, i, &podOperand{client: c, pod: pod}, staticpod.Component{
		Name: "kube-scheduler", Pod: "openshift-kube-scheduler",
		Namespace: ksNamespace, OperatorNamespace: ksOperatorNamespace, Deployment: "openshift-kube-scheduler-operator",
		Resource: api.Operator("kubeschedulers"), Kind: "KubeScheduler",
		ConfigMaps: ksConfigMaps, Secrets: ksSecrets,
	})
}

// newOperator completes a component by what follows from its name.
func newOperator(c *api.Client, clk clock.Clock, i staticpod.Images, o staticpod.Operand,
	component staticpod.Component) *staticpod.Operator {
	component.PodConfigMap, component.CertDir = component.Name+"-pod", component.Name+"-certs"
	component.InstallerCommand = []string{"/usr/bin/cluster-" + component.Name + "-operator", "installer"}
	return &staticpod.Operator{
		Component: component, Images: i, Operand: o, Client: c, Clock: clk, Log: program.Logger(),
	}
}

// apiServerOperand keeps the inputs of the API servers.
type apiServerOperand struct {
	client *api.Client
	clock  clock.Clock
	image  string
}

// Prepare renews what is about to expire and admits a node once its own etcd
// member votes: an API server beside a learner would answer nothing.
func (o *apiServerOperand) Prepare(ctx context.Context, nodes []corev1.Node) (staticpod.Report, error) {
	r := staticpod.Report{Refused: map[string]string{}}
	net, err := network(ctx, o.client)
	if err != nil {
		return r, err
	}
	if err := renew(ctx, o.client, o.clock.Now()); err != nil {
		r.Degraded = err.Error()
	}
	r.Pod = masterAPIServer(o.image, net).pod()
	var endpoints corev1.ConfigMap
	if err := o.client.Get(ctx, kube.ConfigMaps.Ref("openshift-etcd", "etcd-endpoints"), &endpoints); err != nil {
		return r, fmt.Errorf("read etcd endpoints: %w", err)
	}
	voting := slices.Collect(maps.Values(endpoints.Data))
	for i := range nodes {
		if !slices.Contains(voting, api.NodeAddress(&nodes[i])) {
			r.Refused[nodes[i].Name] = fmt.Sprintf("the etcd member on %s does not vote yet", nodes[i].Name)
		}
	}
	return r, nil
}

// podOperand is that of a component that has no inputs of its own beyond what the
// bootstrap rendered.
type podOperand struct {
	client *api.Client
	pod    func(*clusterconfig.Network) *corev1.Pod
}

// Prepare makes the manifest. The pod may start before the node's API server: it
// retries, and so the two start at the same time.
func (o *podOperand) Prepare(ctx context.Context, _ []corev1.Node) (staticpod.Report, error) {
	net, err := network(ctx, o.client)
	if err != nil {
		return staticpod.Report{}, err
	}
	return staticpod.Report{Pod: o.pod(net)}, nil
}

func network(ctx context.Context, c *api.Client) (*clusterconfig.Network, error) {
	var n configv1.Network
	if err := c.Get(ctx, api.Config("networks").Ref("", "cluster"), &n); err != nil {
		return nil, fmt.Errorf("read network config: %w", err)
	}
	return clusterconfig.NewNetwork(n.Spec)
}
