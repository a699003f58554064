package infra

import (
	"slices"

	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/datacenter"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
	"github.com/okd-install/okd-install/pkg/lab/engine/refuse"
	"github.com/okd-install/okd-install/pkg/lab/engine/rest"
	"github.com/okd-install/okd-install/pkg/lab/engine/search"
)

func allNetworks(c *rest.Call) ([]*datacenter.Named, error) { return c.Layout.Networks, c.InCenter() }

func networkOf(c *rest.Call) (*datacenter.Named, error) {
	if n := c.Layout.Network(c.ID("id")); n != nil {
		return n, nil
	}
	return nil, refuse.NotFound()
}

func networkXML(c *rest.Call, n *datacenter.Named) *api.Network {
	base := rest.Href("networks", n.ID)
	usages := []string{"vm"}
	if n.Name == "ovirtmgmt" {
		usages = []string{"default_route", "display", "management", "migration", "vm"}
	}
	return &api.Network{
		Href: base, ID: n.ID, Name: &n.Name, Description: api.Ptr(""), Comment: api.Ptr(""),
		DataCenter: api.To("datacenters", c.Layout.Center.ID), MTU: api.Ptr(0), STP: api.Ptr(false),
		Status: api.Ptr("operational"), Usages: &usages, Links: rest.Links(base, "vnicprofiles"),
	}
}

func clusterNetworks(c *rest.Call, cluster *datacenter.Named) []*api.Network {
	var out []*api.Network
	for _, n := range c.Layout.Networks {
		x := networkXML(c, n)
		x.Cluster = api.To("clusters", cluster.ID)
		out = append(out, x)
	}
	return out
}

// allProfiles are those of a network, if the path is below one.
func allProfiles(c *rest.Call) ([]*model.Profile, error) {
	all := model.Sorted(c.State.Profiles, func(p *model.Profile) string { return p.Name })
	if c.ID("id") == "" {
		return all, nil
	}
	network, err := networkOf(c)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(p *model.Profile) bool { return p.Network != network.ID }), nil
}

func profileOf(c *rest.Call) (*model.Profile, error) { return rest.Find(c, c.State.Profiles) }

func profileFields(_ *rest.Call, p *model.Profile) search.Fields {
	return rest.Fields(map[string]string{"name": p.Name, "id": p.ID, "description": p.Description})
}

func profileXML(c *rest.Call, p *model.Profile) *api.VNICProfile {
	base := rest.Href("vnicprofiles", p.ID)
	filter := c.Config.ID("networkfilter", "vdsm-no-mac-spoofing")
	return &api.VNICProfile{
		Href: base, ID: p.ID, Name: &p.Name, Description: &p.Description, Comment: api.Ptr(""),
		Network: api.To("networks", p.Network), PassThrough: &api.Mode{Mode: "disabled"}, PortMirror: api.Ptr(false),
		Filter: api.To("networkfilters", filter), Links: rest.Links(base, "permissions"),
	}
}

func addProfile(c *rest.Call, in *api.VNICProfile) (any, error) {
	const action = "add VM network interface profile"
	if in.Name == nil || in.Network == nil {
		return nil, refuse.Incomplete("VnicProfile [name, network.id]", "add")
	}
	if c.Layout.Network(in.Network.ID) == nil {
		return nil, refuse.Invalid("Cannot %s. The specified Logical Network doesn't exist.", action)
	}
	for _, p := range c.State.Profiles {
		if p.Name == *in.Name && p.Network == in.Network.ID {
			return nil, refuse.Conflict("Cannot %s. The VM network interface profile's name is already used by "+
				"an existing profile for the same network.", action)
		}
	}
	p := &model.Profile{
		ID: datacenter.NewID(), Name: *in.Name, Description: api.Val(in.Description), Network: in.Network.ID,
	}
	c.State.Profiles[p.ID] = p
	c.Done("Adding VM network interface profile %s", p.Name)
	return profileXML(c, p), nil
}

func removeProfile(c *rest.Call, p *model.Profile) (any, error) {
	for _, vm := range c.State.VMs {
		for _, n := range vm.NICs {
			if n.Profile == p.ID {
				return nil, refuse.Conflict("Cannot remove VM network interface profile. "+
					"Several VMs are using this profile: %s.", vm.Name)
			}
		}
	}
	delete(c.State.Profiles, p.ID)
	c.Done("Removing VM network interface profile %s", p.Name)
	return rest.Complete(nil), nil
}
