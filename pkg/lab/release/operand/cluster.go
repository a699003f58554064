package operand

import (
	"context"
	"fmt"
	"net/url"

	configv1 "github.com/openshift/api/config/v1"

	"github.com/okd-install/okd-install/pkg/lab/release/clusterconfig"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
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

// readCluster reads the cluster's configuration.
func readCluster(ctx context.Context, client *api.Client, images func(string) string, version string) (Cluster, error) {
	var infra configv1.Infrastructure
	var network configv1.Network
	var ingress configv1.Ingress
	var dns configv1.DNS
	for plural, into := range map[string]any{
		"infrastructures": &infra, "networks": &network, "ingresses": &ingress, "dnses": &dns,
	} {
		if err := client.Get(ctx, api.Config(plural).Ref("", "cluster"), into); err != nil {
			return Cluster{}, fmt.Errorf("read the cluster's configuration: %w", err)
		}
	}
	c := Cluster{
		BaseDomain: dns.Spec.BaseDomain, AppsDomain: ingress.Spec.Domain, Version: version, Replicas: 2, images: images,
	}
	internal := infra.Status.APIServerInternalURL
	u, err := url.Parse(internal)
	if err != nil || u.Hostname() == "" {
		return Cluster{}, fmt.Errorf("internal API URL %q of Infrastructure is not a URL", internal)
	}
	c.APIHost, c.APIPort = u.Hostname(), u.Port()
	if infra.Status.InfrastructureTopology == configv1.SingleReplicaTopologyMode {
		c.Replicas = 1
	}
	for _, n := range network.Spec.ClusterNetwork {
		c.PodCIDRs = append(c.PodCIDRs, n.CIDR)
	}
	c.DNSAddress, err = clusterconfig.DNSAddress(network.Spec)
	return c, err
}
