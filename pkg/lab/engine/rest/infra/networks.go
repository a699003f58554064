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

var networks = rest.Collection[datacenter.Named]{
	Name:     "networks",
	All:      func(c *rest.Call) ([]*datacenter.Named, error) { return c.Layout.Networks, c.InCenter() },
	Find:     func(c *rest.Call) (*datacenter.Named, error) { return rest.Known(c.Layout.Network(c.ID("id"))) },
	Fields:   namedFields,
	Document: func(c *rest.Call, n *datacenter.Named) *api.Element { return networkXML(c, n, "") },
}

// networkXML is the document of a network, on its own or as part of a cluster.
func networkXML(c *rest.Call, n *datacenter.Named, cluster string) *api.Element {
	usages := []string{"vm"}
	if n.Name == "ovirtmgmt" {
		usages = []string{"default_route", "display", "management", "migration", "vm"}
	}
	return api.Object("network", "networks", n.ID).Links("vnicprofiles").
		Set("name", n.Name).Set("description", "").Set("comment", "").Refer("cluster", "clusters", cluster).
		Refer("data_center", "datacenters", c.Layout.Center.ID).Set("mtu", 0).Set("status", "operational").
		Set("stp", false).Add(api.New("usages").Set("usage", usages))
}

func clusterNetworks(c *rest.Call, cluster *datacenter.Named) []*api.Element {
	return api.Each(c.Layout.Networks, func(n *datacenter.Named) *api.Element { return networkXML(c, n, cluster.ID) })
}

var profiles = rest.Collection[model.Profile]{
	Name: "vnic_profiles",
	// Those of a network, if the path is below one.
	All: func(c *rest.Call) ([]*model.Profile, error) {
		all := model.Sorted(c.State.Profiles, func(p *model.Profile) string { return p.Name })
		if c.ID("id") == "" {
			return all, nil
		}
		network, err := networks.Find(c)
		if err != nil {
			return nil, err
		}
		return slices.DeleteFunc(all, func(p *model.Profile) bool { return p.Network != network.ID }), nil
	},
	Find: func(c *rest.Call) (*model.Profile, error) { return rest.Known(c.State.Profiles[c.ID("id")]) },
	Fields: func(_ *rest.Call, p *model.Profile) search.Fields {
		return rest.Fields(map[string]string{"name": p.Name, "id": p.ID, "description": p.Description}, nil)
	},
	Document: profileXML,
}

func profileXML(c *rest.Call, p *model.Profile) *api.Element {
	filter := c.Config.ID("networkfilter", "vdsm-no-mac-spoofing")
	return api.Object("vnic_profile", "vnicprofiles", p.ID).Links("permissions").
		Set("name", p.Name).Set("description", p.Description).Set("comment", "").
		Refer("network", "networks", p.Network).Add(api.New("pass_through").Set("mode", "disabled")).
		Set("port_mirroring", false).Refer("network_filter", "networkfilters", filter)
}

func addProfile(c *rest.Call, in *api.VNICProfile) (*api.Element, error) {
	const action refuse.Action = "add VM network interface profile"
	if in.Name == nil || in.Network == nil {
		return nil, refuse.Incomplete("VnicProfile [name, network.id]", "add")
	}
	if c.Layout.Network(in.Network.ID) == nil {
		return nil, action.Invalid("The specified Logical Network doesn't exist.")
	}
	for _, p := range c.State.Profiles {
		if p.Name == *in.Name && p.Network == in.Network.ID {
			return nil, action.Conflict("The VM network interface profile's name is already used by " +
				"an existing profile for the same network.")
		}
	}
	p := &model.Profile{
		ID: datacenter.NewID(), Name: *in.Name, Description: api.Val(in.Description), Network: in.Network.ID,
	}
	c.State.Profiles[p.ID] = p
	c.Done("Adding VM network interface profile %s", p.Name)
	return profileXML(c, p), nil
}

func removeProfile(c *rest.Call, p *model.Profile) (*api.Element, error) {
	const action refuse.Action = "remove VM network interface profile"
	for _, vm := range c.State.VMs {
		if slices.ContainsFunc(vm.NICs, func(n *model.NIC) bool { return n.Profile == p.ID }) {
			return nil, action.Conflict("Several VMs are using this profile: %s.", vm.Name)
		}
	}
	delete(c.State.Profiles, p.ID)
	return c.Completed("Removing VM network interface profile %s", p.Name)
}
