package infra

import (
	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/datacenter"
	"github.com/okd-install/okd-install/pkg/lab/engine/refuse"
	"github.com/okd-install/okd-install/pkg/lab/engine/rest"
	"github.com/okd-install/okd-install/pkg/lab/engine/search"
)

// only finds the one object of its kind that there is.
func only(c *rest.Call, object *datacenter.Named) (*datacenter.Named, error) {
	if c.ID("id") != object.ID {
		return nil, refuse.NotFound()
	}
	return object, nil
}

func centerOf(c *rest.Call) (*datacenter.Named, error)  { return only(c, &c.Layout.Center) }
func clusterOf(c *rest.Call) (*datacenter.Named, error) { return only(c, &c.Layout.Cluster) }

func allCenters(c *rest.Call) ([]*datacenter.Named, error) {
	return []*datacenter.Named{&c.Layout.Center}, nil
}

func allClusters(c *rest.Call) ([]*datacenter.Named, error) {
	return []*datacenter.Named{&c.Layout.Cluster}, c.InCenter()
}

func centerFields(c *rest.Call, d *datacenter.Named) search.Fields {
	return rest.Fields(map[string]string{
		"name": d.Name, "id": d.ID, "status": "up", "description": "", "comment": "",
		"datacenter": c.Layout.Center.Name, "cluster": c.Layout.Cluster.Name,
	})
}

func centerXML(_ *rest.Call, center *datacenter.Named) *api.DataCenter {
	base := rest.Href("datacenters", center.ID)
	return &api.DataCenter{
		Href: base, ID: center.ID, Name: &center.Name, Local: api.Ptr(false), Description: api.Ptr(""),
		Comment: api.Ptr(""), Status: api.Ptr("up"), Version: &api.Version{Major: 4, Minor: 7},
		Links: rest.Links(base, "clusters", "networks", "storagedomains"),
	}
}

func clusterXML(c *rest.Call, cluster *datacenter.Named) *api.Cluster {
	base := rest.Href("clusters", cluster.ID)
	out := &api.Cluster{
		Href: base, ID: cluster.ID, Name: &cluster.Name, Description: api.Ptr(""), Comment: api.Ptr(""),
		CPU:        &api.HostCPU{Architecture: "x86_64", Type: c.Config.CPUType},
		DataCenter: api.To("datacenters", c.Layout.Center.ID),
		Version:    &api.Version{Major: 4, Minor: 7}, Links: rest.Links(base, "affinitygroups", "networks"),
	}
	if c.Follows("networks") {
		var networks []*api.Network
		for _, n := range c.Layout.Networks {
			networks = append(networks, networkXML(c, n))
		}
		out.Networks = api.Some(networks)
	}
	return out
}
