package infra

import (
	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/datacenter"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
	"github.com/okd-install/okd-install/pkg/lab/engine/refuse"
	"github.com/okd-install/okd-install/pkg/lab/engine/rest"
	"github.com/okd-install/okd-install/pkg/lab/engine/search"
)

// getRoot is the document at the top of the API.
func getRoot(c *rest.Call) (*api.Element, error) {
	running := 0
	for _, vm := range c.State.VMs {
		if vm.Status != model.VMDown && vm.Status != model.VMImageLocked {
			running++
		}
	}
	up := 0
	for _, h := range c.Layout.Hosts {
		if c.HostStatus(h) == datacenter.HostUp {
			up++
		}
	}
	version := api.New("version").Set("build", 7).Set("full_version", "4.5.7-1.el9").
		Set("major", 4).Set("minor", 5).Set("revision", 0)
	domains := len(c.Layout.Domains)
	return api.New("api").Links("clusters", "datacenters", "disks", "hosts", "imagetransfers", "instancetypes",
		"jobs", "networks", "storagedomains", "tags", "templates", "vms", "vnicprofiles").
		Add(api.New("product_info").Set("name", "oVirt Engine").Set("vendor", "ovirt.org").Add(version)).
		Add(api.New("summary").Add(count("hosts", up, len(c.Layout.Hosts)), count("storage_domains", domains, domains),
			count("users", 1, len(c.Config.Users)), count("vms", running, len(c.State.VMs)))).
		SetTime("time", c.Clock.Now()).
		Set("authenticated_user", api.Ref{ID: c.Config.ID("user", c.User.Name), Name: &c.User.Name}), nil
}

// only finds the one object of its kind that there is.
func only(c *rest.Call, object *datacenter.Named) (*datacenter.Named, error) {
	if c.ID("id") != object.ID {
		return nil, refuse.NotFound()
	}
	return object, nil
}

func namedFields(c *rest.Call, d *datacenter.Named) search.Fields {
	return rest.Fields(map[string]string{
		"name": d.Name, "id": d.ID, "status": "up", "description": "", "comment": "",
		"datacenter": c.Layout.Center.Name, "cluster": c.Layout.Cluster.Name,
	}, nil)
}

func compatibility() *api.Element { return api.New("version").Set("major", 4).Set("minor", 7) }

var centers = rest.Collection[datacenter.Named]{
	Name: "data_centers",
	All: func(c *rest.Call) ([]*datacenter.Named, error) {
		return []*datacenter.Named{&c.Layout.Center}, nil
	},
	Find:   func(c *rest.Call) (*datacenter.Named, error) { return only(c, &c.Layout.Center) },
	Fields: namedFields,
	Document: func(_ *rest.Call, center *datacenter.Named) *api.Element {
		return api.Object("data_center", "datacenters", center.ID).Links("clusters", "networks", "storagedomains").
			Set("name", center.Name).Set("description", "").Set("comment", "").
			Set("local", false).Set("status", "up").Add(compatibility())
	},
}

var clusters = rest.Collection[datacenter.Named]{
	Name: "clusters",
	All: func(c *rest.Call) ([]*datacenter.Named, error) {
		return []*datacenter.Named{&c.Layout.Cluster}, c.InCenter()
	},
	Find:   func(c *rest.Call) (*datacenter.Named, error) { return only(c, &c.Layout.Cluster) },
	Fields: namedFields,
	Document: func(c *rest.Call, cluster *datacenter.Named) *api.Element {
		out := api.Object("cluster", "clusters", cluster.ID).Links("affinitygroups", "networks").
			Set("name", cluster.Name).Set("description", "").Set("comment", "").
			Add(api.New("cpu").Set("architecture", "x86_64").Set("type", c.Config.CPUType)).
			Refer("data_center", "datacenters", c.Layout.Center.ID).Add(compatibility())
		if c.Follows("networks") {
			out.Some("networks", api.Each(c.Layout.Networks,
				func(n *datacenter.Named) *api.Element { return networkXML(c, n, "") }))
		}
		return out
	},
}
