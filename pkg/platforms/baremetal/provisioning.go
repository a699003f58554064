package baremetal

import (
	"github.com/okd-install/okd-install/pkg/assets/objects"
	"github.com/okd-install/okd-install/pkg/platforms/baremetal/config"
)

// provisioning is the settings of the service that provisions hosts: which
// network it uses and how far it runs that. Its Go type is in a module that is
// not worth having. What the install-config leaves open is left out; in mode
// Disabled that may be everything but the mode.
func provisioning(p *config.Platform) objects.Object {
	spec := objects.Object{"watchAllNamespaces": false}
	put := func(key, value string) {
		if value != "" {
			spec[key] = value
		}
	}
	put("provisioningNetwork", p.ProvisioningNetwork)
	put("provisioningInterface", p.ProvisioningNetworkInterface)
	put("provisioningDHCPRange", p.ProvisioningDHCPRange)
	put("provisioningNetworkGateway", text(p.ProvisioningNetworkGateway))
	put("provisioningOSDownloadURL", p.ClusterOSImage)
	put("provisioningIP", text(p.ClusterProvisioningIP))
	if p.ProvisioningNetworkCIDR.IsValid() {
		put("provisioningNetworkCIDR", p.ProvisioningNetworkCIDR.String())
	}
	if len(p.AdditionalNTPServers) > 0 {
		spec["additionalNTPServers"] = p.AdditionalNTPServers
	}
	return objects.Object{
		"apiVersion": "metal3.io/v1alpha1", "kind": "Provisioning",
		"metadata": objects.Object{"name": "provisioning-configuration"},
		"spec":     spec,
	}
}
