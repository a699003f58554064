package manifests

import (
	"net/netip"
	"slices"
	"strings"

	configv1 "github.com/openshift/api/config/v1"

	"github.com/okd-install/okd-install/pkg/assets/objects"
	"github.com/okd-install/okd-install/pkg/types"
)

// addProxy adds the cluster-wide proxy. The object is there without a proxy as
// well, because it also names the authorities that components trust.
func addProxy(set *objects.Set, in Inputs) error {
	c := in.Config
	proxy := configv1.Proxy{}
	proxy.TypeMeta, proxy.ObjectMeta = objects.Singleton("Proxy")
	if c.AdditionalTrustBundle != "" && (c.Proxy != nil || c.AdditionalTrustBundlePolicy == types.TrustAlways) {
		proxy.Spec.TrustedCA.Name = userCABundle
	}
	if p := c.Proxy; p != nil {
		proxy.Spec.HTTPProxy, proxy.Spec.HTTPSProxy, proxy.Spec.NoProxy = p.HTTPProxy, p.HTTPSProxy, p.NoProxy
		proxy.Status = configv1.ProxyStatus{HTTPProxy: p.HTTPProxy, HTTPSProxy: p.HTTPSProxy, NoProxy: noProxy(c)}
	}
	set.Add("cluster-proxy-01-config.yaml", proxy)
	return nil
}

// noProxy is everything that must be reached directly.
func noProxy(c *types.InstallConfig) string {
	if c.Proxy.NoProxy == "*" {
		return "*"
	}
	list := []string{"127.0.0.1", "localhost", ".svc", ".cluster.local", c.APIIntHost()}
	for _, nets := range [][]netip.Prefix{
		c.Networking.MachineCIDRs(), c.Networking.ClusterCIDRs(), c.Networking.ServiceNetwork,
	} {
		for _, p := range nets {
			list = append(list, p.String())
		}
	}
	for _, item := range strings.Split(c.Proxy.NoProxy, ",") {
		if item != "" {
			list = append(list, item)
		}
	}
	slices.Sort(list)
	return strings.Join(slices.Compact(list), ",")
}
