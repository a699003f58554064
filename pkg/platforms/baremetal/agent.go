package baremetal

import (
	"github.com/okd-install/okd-install/pkg/assets/objects"
	"github.com/okd-install/okd-install/pkg/platforms/baremetal/config"
	"github.com/okd-install/okd-install/pkg/types"
)

// agentOverrides are the hosts that the cluster can switch on and off after the
// installation, and how it provisions others. The object has logins in it.
func agentOverrides(c *types.InstallConfig, listed bool) any {
	if !listed {
		return nil
	}
	p := config.Of(c)
	var hosts []objects.Object
	for _, h := range p.Hosts {
		if h.BMC.Address == "" {
			continue
		}
		bmc := objects.Object{
			"address": h.BMC.Address, "username": h.BMC.Username, "password": h.BMC.Password.Reveal(),
			"disableCertificateVerification": h.BMC.DisableCertificateVerification,
		}
		host := objects.Object{"name": h.Name, "bmc": bmc, "bootMACAddress": h.BootMACAddress}
		put(host, "role", h.Role)
		hosts = append(hosts, host)
	}
	if len(hosts) == 0 {
		return nil
	}
	out := objects.Object{"hosts": hosts}
	put(out, "clusterProvisioningIP", text(p.ClusterProvisioningIP))
	put(out, "provisioningNetwork", p.ProvisioningNetwork)
	put(out, "provisioningNetworkInterface", p.ProvisioningNetworkInterface)
	put(out, "provisioningDHCPRange", p.ProvisioningDHCPRange)
	if p.ProvisioningNetworkCIDR.IsValid() {
		out["provisioningNetworkCIDR"] = p.ProvisioningNetworkCIDR
	}
	return out
}
