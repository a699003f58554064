package manifests

import (
	"slices"
	"strings"

	configv1 "github.com/openshift/api/config/v1"

	"github.com/okd-install/okd-install/pkg/assets/objects"
	"github.com/okd-install/okd-install/pkg/types"
)

// addProxy adds the cluster-wide proxy. The object exists without a proxy too,
// because it also names the authorities that components trust.
func addProxy(set *objects.Set, in Inputs) {
	c := in.Config
	var spec configv1.ProxySpec
	var status configv1.ProxyStatus
	if c.AdditionalTrustBundle != "" && (c.Proxy != nil || c.AdditionalTrustBundlePolicy == types.TrustAlways) {
		spec.TrustedCA.Name = userCABundle
	}
	if p := c.Proxy; p != nil {
		spec.HTTPProxy, spec.HTTPSProxy, spec.NoProxy = p.HTTPProxy, p.HTTPSProxy, p.NoProxy
		status = configv1.ProxyStatus{HTTPProxy: p.HTTPProxy, HTTPSProxy: p.HTTPSProxy, NoProxy: noProxy(c)}
	}
	set.AddSingleton("cluster-proxy-01-config.yaml", "Proxy", spec, status)
}

// noProxy lists everything that must be reached directly.
func noProxy(c *types.InstallConfig) string {
	if c.Proxy.NoProxy == "*" {
		return "*"
	}
	list := []string{"127.0.0.1", "localhost", ".svc", ".cluster.local", c.APIIntHost()}
	n := c.Networking
	for _, p := range slices.Concat(n.MachineCIDRs(), n.ClusterCIDRs(), n.ServiceNetwork) {
		list = append(list, p.String())
	}
	list = append(list, strings.FieldsFunc(c.Proxy.NoProxy, func(r rune) bool { return r == ',' })...)
	slices.Sort(list)
	return strings.Join(slices.Compact(list), ",")
}
