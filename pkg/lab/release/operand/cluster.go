package operand

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"

	configv1 "github.com/openshift/api/config/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/okd-install/okd-install/pkg/lab/release/kube"
)

// Cluster is what operands are rendered from.
type Cluster struct {
	APIHost, APIPort string   // internal load balancer
	PodCIDRs         []string // of all nodes together
	DNSAddress       string   // service address of the cluster DNS
	BaseDomain       string   // <cluster>.<base domain>
	AppsDomain       string   // where routes get their names
	Replicas         int      // of what should survive a node
	Version          string

	images func(string) string
}

// Image is the pull spec that the release gave for a name.
func (c Cluster) Image(name string) (string, error) {
	if spec := c.images(name); spec != "" {
		return spec, nil
	}
	return "", fmt.Errorf("environment variable %s with an image is not set", name)
}

// ReadCluster reads the cluster's configuration.
func ReadCluster(ctx context.Context, client *kube.Client, images func(string) string, version string) (Cluster, error) {
	var infra configv1.Infrastructure
	var network configv1.Network
	var ingress configv1.Ingress
	var dns configv1.DNS
	for _, x := range []struct {
		kind string
		into any
	}{{"Infrastructure", &infra}, {"Network", &network}, {"Ingress", &ingress}, {"DNS", &dns}} {
		found, err := client.Get(ctx, configv1.GroupVersion.WithKind(x.kind), "", "cluster")
		if err != nil {
			return Cluster{}, err
		}
		if found == nil {
			return Cluster{}, fmt.Errorf("there is no %s cluster yet", x.kind)
		}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(found.Object, x.into); err != nil {
			return Cluster{}, fmt.Errorf("decode %s: %w", x.kind, err)
		}
	}
	c := Cluster{BaseDomain: dns.Spec.BaseDomain, AppsDomain: ingress.Spec.Domain, Version: version, Replicas: 2, images: images}
	u, err := url.Parse(infra.Status.APIServerInternalURL)
	if err != nil || u.Hostname() == "" {
		return Cluster{}, fmt.Errorf("parse internal API URL %q of Infrastructure: %w", infra.Status.APIServerInternalURL, errors.Join(err))
	}
	c.APIHost, c.APIPort = u.Hostname(), u.Port()
	if infra.Status.InfrastructureTopology == configv1.SingleReplicaTopologyMode {
		c.Replicas = 1
	}
	for _, n := range network.Spec.ClusterNetwork {
		c.PodCIDRs = append(c.PodCIDRs, n.CIDR)
	}
	if len(network.Spec.ServiceNetwork) == 0 {
		return Cluster{}, errors.New("spec.serviceNetwork of Network is empty")
	}
	if c.DNSAddress, err = nth(network.Spec.ServiceNetwork[0], 10); err != nil {
		return Cluster{}, err
	}
	return c, nil
}

// nth is the n-th address of a network; OpenShift's DNS has the tenth.
func nth(cidr string, n int) (string, error) {
	p, err := netip.ParsePrefix(cidr)
	if err != nil {
		return "", fmt.Errorf("parse service network: %w", err)
	}
	a := p.Masked().Addr()
	for range n {
		a = a.Next()
	}
	if !p.Contains(a) {
		return "", fmt.Errorf("service network %s has no address number %d", cidr, n)
	}
	return a.String(), nil
}
