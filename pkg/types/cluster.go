package types

import "net/netip"

// ClusterDomain is <metadata.name>.<baseDomain>.
func (c *InstallConfig) ClusterDomain() string { return c.Metadata.Name + "." + c.BaseDomain }

// APIHost is the name under which users reach the API.
func (c *InstallConfig) APIHost() string { return "api." + c.ClusterDomain() }

// APIIntHost is the name under which nodes reach the API.
func (c *InstallConfig) APIIntHost() string { return "api-int." + c.ClusterDomain() }

// AppsDomain is the domain of the cluster's routes.
func (c *InstallConfig) AppsDomain() string { return "apps." + c.ClusterDomain() }

// APIVIPs are the virtual addresses of the API, none where a platform has none.
func (c *InstallConfig) APIVIPs() []netip.Addr {
	switch {
	case c.Platform.Ovirt != nil:
		return c.Platform.Ovirt.APIVIPs
	case c.Platform.BareMetal != nil:
		return c.Platform.BareMetal.APIVIPs
	}
	return nil
}

// IngressVIPs are the virtual addresses of the routers.
func (c *InstallConfig) IngressVIPs() []netip.Addr {
	switch {
	case c.Platform.Ovirt != nil:
		return c.Platform.Ovirt.IngressVIPs
	case c.Platform.BareMetal != nil:
		return c.Platform.BareMetal.IngressVIPs
	}
	return nil
}

// LoadBalancerType is the kind of load balancer in front of API and routers.
func (c *InstallConfig) LoadBalancerType() string {
	switch {
	case c.Platform.Ovirt != nil:
		return c.Platform.Ovirt.LoadBalancer.kind()
	case c.Platform.BareMetal != nil:
		return c.Platform.BareMetal.LoadBalancer.kind()
	}
	return LoadBalancerManaged
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
