package infra

import (
	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/datacenter"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
	"github.com/okd-install/okd-install/pkg/lab/engine/refuse"
	"github.com/okd-install/okd-install/pkg/lab/engine/rest"
	"github.com/okd-install/okd-install/pkg/lab/engine/search"
)

func networkXML(c *rest.Call, n *datacenter.Named) *api.Network {
	base := rest.Href("networks", n.ID)
	usages := []string{"vm"}
	if n.Name == "ovirtmgmt" {
		usages = []string{"default_route", "display", "management", "migration", "vm"}
	}
	return &api.Network{Href: base, ID: n.ID, Name: &n.Name, Description: api.Ptr(""), Comment: api.Ptr(""),
		DataCenter: api.To("datacenters", c.Layout.Center.ID), MTU: api.Ptr(0), STP: api.Ptr(false),
		Status: api.Ptr("operational"), Usages: &usages, Links: rest.Links(base, "vnicprofiles")}
}

func listNetworks(c *rest.Call) (any, error) {
	if err := c.InCenter(); err != nil {
		return nil, err
	}
	all := make([]*datacenter.Named, len(c.Layout.Networks))
	for i := range c.Layout.Networks {
		all[i] = &c.Layout.Networks[i]
	}
	hits, err := rest.Found(c, all, centerFields)
	if err != nil {
		return nil, err
	}
	out := make([]*api.Network, len(hits))
	for i, n := range hits {
		out[i] = networkXML(c, n)
	}
	return rest.List("networks", out)
}

func listClusterNetworks(c *rest.Call) (any, error) {
	if c.ID("id") != c.Layout.Cluster.ID {
		return nil, refuse.NotFound()
	}
	out := make([]*api.Network, len(c.Layout.Networks))
	for i := range c.Layout.Networks {
		out[i] = networkXML(c, &c.Layout.Networks[i])
		out[i].Cluster = api.To("clusters", c.Layout.Cluster.ID)
	}
	return rest.List("networks", out)
}

func getNetwork(c *rest.Call) (any, error) {
	n, ok := c.Layout.Network(c.ID("id"))
	if !ok {
		return nil, refuse.NotFound()
	}
	return networkXML(c, &n), nil
}

func profileXML(c *rest.Call, p *model.Profile) *api.VNICProfile {
	base := rest.Href("vnicprofiles", p.ID)
	return &api.VNICProfile{Href: base, ID: p.ID, Name: &p.Name, Description: &p.Description, Comment: api.Ptr(""),
		Network: api.To("networks", p.Network), PassThrough: &api.Mode{Mode: "disabled"}, PortMirror: api.Ptr(false),
		Filter: api.To("networkfilters", c.Config.ID("networkfilter", "vdsm-no-mac-spoofing")), Links: rest.Links(base, "permissions")}
}

func listProfiles(c *rest.Call) (any, error) {
	network := c.ID("id") // empty unless below a network
	if network != "" {
		if _, ok := c.Layout.Network(network); !ok {
			return nil, refuse.NotFound()
		}
	}
	all := model.Sorted(c.State.Profiles, func(p *model.Profile) string { return p.Name })
	hits, err := rest.Found(c, all, func(c *rest.Call, p *model.Profile) search.Fields {
		return rest.Fields(map[string][]string{"name": rest.One(p.Name), "id": rest.One(p.ID), "description": rest.One(p.Description)})
	})
	if err != nil {
		return nil, err
	}
	var out []*api.VNICProfile
	for _, p := range hits {
		if network == "" || p.Network == network {
			out = append(out, profileXML(c, p))
		}
	}
	return rest.List("vnic_profiles", out)
}

func getProfile(c *rest.Call) (any, error) {
	p, ok := c.State.Profiles[c.ID("id")]
	if !ok {
		return nil, refuse.NotFound()
	}
	return profileXML(c, p), nil
}

func addProfile(c *rest.Call) (any, error) {
	const action = "add VM network interface profile"
	var in api.VNICProfile
	if err := c.Read(&in); err != nil {
		return nil, err
	}
	if in.Name == nil || in.Network == nil {
		return nil, refuse.Incomplete("VnicProfile [name, network.id]", "add")
	}
	if _, ok := c.Layout.Network(in.Network.ID); !ok {
		return nil, refuse.Invalid("Cannot %s. The specified Logical Network doesn't exist.", action)
	}
	for _, p := range c.State.Profiles {
		if p.Name == *in.Name && p.Network == in.Network.ID {
			return nil, refuse.Conflict("Cannot %s. The VM network interface profile's name is already used by an existing profile for the same network.", action)
		}
	}
	p := &model.Profile{ID: datacenter.NewID(), Name: *in.Name, Description: api.Val(in.Description), Network: in.Network.ID}
	c.State.Profiles[p.ID] = p
	c.Done("Adding VM network interface profile %s", p.Name)
	return profileXML(c, p), nil
}

func removeProfile(c *rest.Call) (any, error) {
	p, ok := c.State.Profiles[c.ID("id")]
	if !ok {
		return nil, refuse.NotFound()
	}
	for _, vm := range c.State.VMs {
		for _, n := range vm.NICs {
			if n.Profile == p.ID {
				return nil, refuse.Conflict("Cannot remove VM network interface profile. Several VMs are using this profile: %s.", vm.Name)
			}
		}
	}
	delete(c.State.Profiles, p.ID)
	c.Done("Removing VM network interface profile %s", p.Name)
	return rest.Complete(nil), nil
}
