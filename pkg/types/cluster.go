package types

import (
	"cmp"
	"net/netip"
	"strings"

	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/types/vips"
)

// ClusterDomain is <metadata.name>.<baseDomain>.
func (c *InstallConfig) ClusterDomain() string { return c.Metadata.Name + "." + c.BaseDomain }

// APIHost is the name under which users reach the API.
func (c *InstallConfig) APIHost() string { return "api." + c.ClusterDomain() }

// APIIntHost is the name under which nodes reach the API.
func (c *InstallConfig) APIIntHost() string { return "api-int." + c.ClusterDomain() }

// AppsDomain is the domain of the cluster's routes.
func (c *InstallConfig) AppsDomain() string { return "apps." + c.ClusterDomain() }

// VIPs are the platform's virtual addresses, nil where it has none.
func (c *InstallConfig) VIPs() *vips.Set {
	if p, ok := c.Platform.Settings.(interface{ VIPs() *vips.Set }); ok {
		return p.VIPs()
	}
	return nil
}

// OnPrem reports whether the nodes serve virtual addresses, load balancing and DNS.
func (c *InstallConfig) OnPrem() bool { return c.VIPs() != nil }

// APIVIPs are the virtual addresses of the API, none where a platform has none.
func (c *InstallConfig) APIVIPs() []netip.Addr {
	if v := c.VIPs(); v != nil {
		return *v.API.Addrs
	}
	return nil
}

// IngressVIPs are the virtual addresses of the routers.
func (c *InstallConfig) IngressVIPs() []netip.Addr {
	if v := c.VIPs(); v != nil {
		return *v.Ingress.Addrs
	}
	return nil
}

// LoadBalancerType is the kind of load balancer in front of API and routers.
func (c *InstallConfig) LoadBalancerType() string {
	if v := c.VIPs(); v != nil {
		return v.Balancer.Kind()
	}
	return vips.Managed
}

// VIPFields are the paths of the virtual addresses in the file, empty if there are none.
func (c *InstallConfig) VIPFields() (api, ingress string) {
	v := c.VIPs()
	if v == nil {
		return "", ""
	}
	path := func(list vips.List) string {
		return report.NewPath("platform", c.Platform.Name(), cmp.Or(c.oldVIPs[list.Name], list.Name)).String()
	}
	return path(v.API), path(v.Ingress)
}

// Masters is the number of control-plane machines.
func (c *InstallConfig) Masters() int {
	if c.ControlPlane == nil {
		return 0
	}
	return c.ControlPlane.Count()
}

// Arbiters is the number of arbiter machines.
func (c *InstallConfig) Arbiters() int {
	if c.Arbiter == nil {
		return 0
	}
	return c.Arbiter.Count()
}

// Workers is the number of compute machines in all pools.
func (c *InstallConfig) Workers() int {
	n := 0
	for i := range c.Compute {
		n += c.Compute[i].Count()
	}
	return n
}

// Mirrors are the mirrors of images, whichever of the two lists they are in.
func (c *InstallConfig) Mirrors() []ImageDigestSource {
	out := c.ImageDigestSources[:len(c.ImageDigestSources):len(c.ImageDigestSources)]
	for _, s := range c.ImageContentSources {
		out = append(out, ImageDigestSource{Source: s.Source, Mirrors: s.Mirrors})
	}
	return out
}

// SSHKeys are the lines of sshKey.
func (c *InstallConfig) SSHKeys() []string {
	var keys []string
	for line := range strings.Lines(c.SSHKey) {
		if line = strings.TrimSpace(line); line != "" {
			keys = append(keys, line)
		}
	}
	return keys
}

// Machine is one that the install-config names.
type Machine struct {
	Name string
	Role string // a pool's name, empty for whatever is still needed
	MAC  string // hardware address of the interface that it boots from
}

// NamedMachines are the machines that the install-config names, none where a
// platform has no such list.
func (c *InstallConfig) NamedMachines() []Machine {
	if p, ok := c.Platform.Settings.(interface{ NamedMachines() []Machine }); ok {
		return p.NamedMachines()
	}
	return nil
}

// Where is the place of a field in the file that the config was read from.
func (c *InstallConfig) Where(at report.Path) report.Position {
	if c.source == nil {
		return report.Position{}
	}
	return c.source.Where(at)
}

// Report is an empty report about the file that the config was read from, for rules that are applied later.
func (c *InstallConfig) Report() *report.Report {
	if c.source == nil {
		return report.New(c.File())
	}
	return c.source.Again()
}

// File is the file that the config was read from.
func (c *InstallConfig) File() string {
	if c.source == nil {
		return "install-config.yaml"
	}
	return c.source.File
}
