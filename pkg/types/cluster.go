package types

// ClusterDomain is <metadata.name>.<baseDomain>.
func (c *InstallConfig) ClusterDomain() string { return c.Metadata.Name + "." + c.BaseDomain }

// APIHost is the name under which users reach the API.
func (c *InstallConfig) APIHost() string { return "api." + c.ClusterDomain() }

// APIIntHost is the name under which nodes reach the API.
func (c *InstallConfig) APIIntHost() string { return "api-int." + c.ClusterDomain() }

// AppsDomain is the domain of the cluster's routes.
func (c *InstallConfig) AppsDomain() string { return "apps." + c.ClusterDomain() }

// VIPs are the platform's virtual addresses, nil where it has none.
func (c *InstallConfig) VIPs() *VIPs {
	switch {
	case c.Platform.Ovirt != nil:
		return c.Platform.Ovirt.VIPs()
	case c.Platform.BareMetal != nil:
		return c.Platform.BareMetal.VIPs()
	}
	return nil
}

// OnPrem reports whether the nodes themselves serve virtual addresses, load
// balancing and DNS, as clusters on premises do.
func (c *InstallConfig) OnPrem() bool { return c.VIPs() != nil }

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
