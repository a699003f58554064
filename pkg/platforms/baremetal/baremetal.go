// Package baremetal is the platform baremetal: hosts with a management controller
// (BMC), which become machines that the cluster itself looks after.
package baremetal

import (
	"net/netip"

	configv1 "github.com/openshift/api/config/v1"

	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/assets/manifests"
	"github.com/okd-install/okd-install/pkg/assets/objects"
	"github.com/okd-install/okd-install/pkg/machines/metal"
	"github.com/okd-install/okd-install/pkg/platforms/baremetal/config"
	"github.com/okd-install/okd-install/pkg/types"
)

// Assets is what is generated for clusters on bare metal.
func Assets() assets.Platform {
	return assets.Platform{
		Kind:        config.Kind(),
		Cluster:     told,
		Objects:     addObjects,
		UserData:    userData,
		MediaServer: mediaServer,
		Agent:       &assets.AgentPlatform{Type: configv1.BareMetalPlatformType, Overrides: agentOverrides},
		Metadata:    metadata,
		Passwords: &assets.Passwords{
			Blank: config.BlankPasswords, Read: config.Passwords,
			Fill: func(blank []byte, ask assets.PasswordOf) ([]byte, error) { return config.FillPasswords(blank, ask) },
		},
	}
}

// told is what the cluster is told. Its install-config has no hosts: the passwords of
// all BMCs would be in it, and thousands of hosts would not fit into a ConfigMap.
func told(c *types.InstallConfig) manifests.Platform {
	out, p := manifests.OnPrem(c), config.Of(c)
	copied := *p
	copied.Hosts = nil
	copied.LegacyAPIVIP, copied.LegacyIngressVIP = first(p.APIVIPs), first(p.IngressVIPs) // as in OnPrem
	out.Config = types.Platform{Settings: &copied}
	if p.DNSRecordsType != "" {
		out.MoreStatus = objects.Object{"dnsRecordsType": p.DNSRecordsType}
	}
	if p.BMCVerifyCA != "" {
		out.Add = func(set *objects.Set) {
			set.Add("bmc-verify-ca-configmap.yaml",
				objects.ConfigMap(objects.MachineAPI, "bmc-verify-ca", map[string]string{"verify_ca.crt": p.BMCVerifyCA}))
		}
	}
	return out
}

func first(ips []netip.Addr) netip.Addr {
	if len(ips) == 0 {
		return netip.Addr{}
	}
	return ips[0]
}

// mediaServer is where Ironic serves virtual media while the bootstrap host runs.
func mediaServer(c *types.InstallConfig) ([]netip.Addr, bool) {
	if ip := config.Of(c).BootstrapProvisioningIP; ip.IsValid() {
		return []netip.Addr{ip}, true
	}
	return nil, true
}

// metadataOf is the reference's, whose bootstrap VM is found with it, and the hosts, without passwords.
type metadataOf struct {
	LibvirtURI              string `json:"libvirtURI"`
	BootstrapProvisioningIP string `json:"bootstrapProvisioningIP"`
	ProvisioningHostIP      string `json:"provisioningHostIP"`
	metal.Metadata
}

func metadata(c *types.InstallConfig, in assets.MetadataInputs) any {
	p := config.Of(c)
	m := metadataOf{
		LibvirtURI: p.LibvirtURI, BootstrapProvisioningIP: text(p.BootstrapProvisioningIP),
		ProvisioningHostIP: text(p.ClusterProvisioningIP),
	}
	roles := Roles(c)
	for _, h := range p.Hosts {
		if _, is := roles[h.Name]; !is || h.BMC.Address == "" {
			continue
		}
		m.BMCVerifyCA = p.BMCVerifyCA
		m.Hosts = append(m.Hosts, metal.Recorded{
			Name: h.Name, BMCAddress: h.BMC.Address, Username: h.BMC.Username, SystemUUID: in.MachineIDs[h.Name],
			DisableCertificateVerification: h.BMC.DisableCertificateVerification,
		})
	}
	return m
}

// text is an address, empty where there is none.
func text(ip netip.Addr) string {
	if !ip.IsValid() {
		return ""
	}
	return ip.String()
}
