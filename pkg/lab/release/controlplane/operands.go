package controlplane

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	configv1 "github.com/openshift/api/config/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/certs"
	"github.com/okd-install/okd-install/pkg/lab/release/clusterconfig"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/lab/release/staticpod"
	"github.com/okd-install/okd-install/pkg/pki"
)

// NewAPIServer is the operator of kube-apiserver's static pods.
func NewAPIServer(c *api.Client, clk clock.Clock, i staticpod.Images) *staticpod.Operator {
	prepare := func(ctx context.Context, nodes []corev1.Node) (staticpod.Report, error) {
		return prepareAPIServer(ctx, c, clk, i.Operand, nodes)
	}
	return staticpod.New(c, clk, i, prepare, staticpod.Component{
		Name: "kube-apiserver", Pod: "kube-apiserver",
		Resource: api.Operator("kubeapiservers"), Kind: "KubeAPIServer",
		ConfigMaps: apiConfigMaps, Secrets: apiSecrets,
	})
}

// NewControllerManager is the operator of kube-controller-manager's static pods.
func NewControllerManager(c *api.Client, clk clock.Clock, i staticpod.Images) *staticpod.Operator {
	return staticpod.New(c, clk, i, preparePod(c, i.Operand, masterControllers), staticpod.Component{
		Name: "kube-controller-manager", Pod: "kube-controller-manager",
		Resource: api.Operator("kubecontrollermanagers"), Kind: "KubeControllerManager",
		ConfigMaps: kcmConfigMaps, Secrets: kcmSecrets,
	})
}

// NewScheduler is the operator of kube-scheduler's static pods.
func NewScheduler(c *api.Client, clk clock.Clock, i staticpod.Images) *staticpod.Operator {
	return staticpod.New(c, clk, i, preparePod(c, i.Operand, masterScheduler), staticpod.Component{
		Name: "kube-scheduler", Pod: "openshift-kube-scheduler",
		Resource: api.Operator("kubeschedulers"), Kind: "KubeScheduler",
		ConfigMaps: ksConfigMaps, Secrets: ksSecrets,
	})
}

// prepareAPIServer renews what is about to expire and admits a node once its own
// etcd member votes: an API server beside a learner would answer nothing.
func prepareAPIServer(ctx context.Context, c *api.Client, clk clock.Clock, image string, nodes []corev1.Node) (
	staticpod.Report, error) {
	r := staticpod.Report{Refused: map[string]string{}}
	net, err := network(ctx, c)
	if err != nil {
		return r, err
	}
	if err := renew(ctx, c, clk.Now()); err != nil {
		r.Degraded = err.Error()
	}
	if r.Pod, err = masterAPIServer(image, net); err != nil {
		return r, err
	}
	var endpoints corev1.ConfigMap
	if err := c.Get(ctx, kube.ConfigMaps.Ref("openshift-etcd", "etcd-endpoints"), &endpoints); err != nil {
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

// preparePod makes the manifest of a component that has no inputs of its own
// beyond what the bootstrap rendered. The pod may start before the node's API
// server: it retries, and so the two start at the same time.
func preparePod(c *api.Client, image string, pod func(string, *clusterconfig.Network) (*corev1.Pod, error)) (
	prepare staticpod.Prepare) {
	return func(ctx context.Context, _ []corev1.Node) (r staticpod.Report, err error) {
		net, err := network(ctx, c)
		if err == nil {
			r.Pod, err = pod(image, net)
		}
		return r, err
	}
}

func network(ctx context.Context, c *api.Client) (*clusterconfig.Network, error) {
	var n configv1.Network
	if err := c.Get(ctx, api.Config("networks").Ref("", "cluster"), &n); err != nil {
		return nil, fmt.Errorf("read network config: %w", err)
	}
	return clusterconfig.NewNetwork(n.Spec)
}

// The installer's serving certificates live one day, their signers ten years. The
// operator replaces them before the first revision is made, so that the masters
// start with ones that last.
const (
	servingLife = 30 * pki.Day
	shortLife   = 2 * pki.Day
)

// served are the certificates that are renewed and their signers.
var served = []struct{ secret, signer string }{
	{"external-loadbalancer-serving-certkey", "loadbalancer-serving-signer"},
	{"internal-loadbalancer-serving-certkey", "loadbalancer-serving-signer"},
	{"localhost-serving-cert-certkey", "localhost-serving-signer"},
	{"service-network-serving-certkey", "service-network-serving-signer"},
}

func renew(ctx context.Context, c *api.Client, now time.Time) error {
	for _, s := range served {
		var have, signer corev1.Secret
		if err := c.Get(ctx, kube.Secrets.Ref(apiNamespace, s.secret), &have); err != nil {
			return fmt.Errorf("read serving certificate %s: %w", s.secret, err)
		}
		chain, err := pki.ParseCertificates(have.Data[corev1.TLSCertKey])
		if err != nil {
			return fmt.Errorf("read serving certificate %s: %w", s.secret, err)
		}
		old := chain[0]
		if old.NotAfter.Sub(old.NotBefore) > shortLife && certs.Fresh(have.Data[corev1.TLSCertKey], nil, now) {
			continue
		}
		err = c.Get(ctx, kube.Secrets.Ref(apiOperatorNamespace, s.signer), &signer)
		if kube.NotFound(err) {
			continue
		}
		if err != nil {
			return fmt.Errorf("read signer %s: %w", s.signer, err)
		}
		ca := pki.Pair{Cert: signer.Data[corev1.TLSCertKey], Key: signer.Data[corev1.TLSPrivateKeyKey]}
		if ca.Expires().Sub(now) <= shortLife {
			continue // a new leaf would not live longer
		}
		hosts := old.DNSNames
		for _, ip := range old.IPAddresses {
			hosts = append(hosts, ip.String())
		}
		pair, err := certs.Issue(ca, now, pki.Leaf{
			Name:  pki.Name{Common: old.Subject.CommonName, Organization: old.Subject.Organization},
			Usage: pki.Server, Life: servingLife, Chain: true,
		}, hosts...)
		if err != nil {
			return fmt.Errorf("renew serving certificate %s: %w", s.secret, err)
		}
		if err := c.EnsureSecret(ctx, api.TLSSecret(apiNamespace, s.secret, pair.Cert, pair.Key)); err != nil {
			return err
		}
	}
	return nil
}
