package machines

import (
	"net/netip"

	"github.com/okd-install/okd-install/pkg/plan"
	"github.com/okd-install/okd-install/pkg/types"
	"github.com/okd-install/okd-install/pkg/types/vips"
)

// Balanced reports whether the user provides load balancers: always without
// virtual addresses, except for a single node, and otherwise on request.
func Balanced(cfg *types.InstallConfig) bool {
	if len(cfg.APIVIPs()) == 0 {
		return cfg.BootstrapInPlace == nil
	}
	return cfg.LoadBalancerType() == vips.UserManaged
}

// Names are the names that have to be in DNS on any platform.
func Names(cfg *types.InstallConfig) []plan.Requirement {
	api, ingress := Texts(cfg.APIVIPs()), Texts(cfg.IngressVIPs())
	record := func(name string, vips []string, port, balancer, use string) plan.Requirement {
		r := plan.Requirement{Kind: plan.KindRecord, Name: name}
		spec := plan.Record{Addresses: vips, Use: use}
		switch {
		case Balanced(cfg):
			spec.Target = "the load balancer for port " + port
			r.Needs = []plan.Key{plan.KeyOf(plan.KindLoadBalancer, balancer)}
		case len(vips) > 0:
			spec.Target = "a virtual address of the cluster"
		default:
			spec.Target = "the node"
		}
		r.Spec = spec
		return r
	}
	list := []plan.Requirement{record(cfg.APIHost(), api, "6443", "api",
		"users and this installer reach the API by it")}
	if len(api) == 0 { // where there are virtual addresses, the nodes know this name by themselves
		list = append(list, record(cfg.APIIntHost(), api, "6443 and 22623", "api",
			"nodes reach the API and their configuration by it"))
	}
	return append(list, record("*."+cfg.AppsDomain(), ingress, "443 and 80", "ingress-https",
		"routes of applications and the console"))
}

// Texts writes addresses.
func Texts(vips []netip.Addr) []string {
	var out []string
	for _, ip := range vips {
		out = append(out, ip.String())
	}
	return out
}
