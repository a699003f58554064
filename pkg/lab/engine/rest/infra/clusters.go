package infra

import (
	"encoding/xml"

	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/datacenter"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
	"github.com/okd-install/okd-install/pkg/lab/engine/refuse"
	"github.com/okd-install/okd-install/pkg/lab/engine/rest"
	"github.com/okd-install/okd-install/pkg/lab/engine/search"
)

func dataCenterXML(c *rest.Call) *api.DataCenter {
	base := rest.Href("datacenters", c.Layout.Center.ID)
	return &api.DataCenter{Href: base, ID: c.Layout.Center.ID, Name: &c.Layout.Center.Name, Local: api.Ptr(false),
		Description: api.Ptr(""), Comment: api.Ptr(""), Status: api.Ptr("up"), Version: &api.Version{Major: 4, Minor: 7},
		Links: rest.Links(base, "clusters", "networks", "storagedomains")}
}

func centerFields(c *rest.Call, d *datacenter.Named) search.Fields {
	return rest.Fields(map[string][]string{"name": rest.One(d.Name), "id": rest.One(d.ID), "status": rest.One("up"),
		"description": nil, "comment": nil, "datacenter": rest.One(c.Layout.Center.Name), "cluster": rest.One(c.Layout.Cluster.Name)})
}

func listDataCenters(c *rest.Call) (any, error) {
	hits, err := rest.Found(c, []*datacenter.Named{&c.Layout.Center}, centerFields)
	if err != nil || len(hits) == 0 {
		return api.List[*api.DataCenter]{Name: "data_centers"}, err
	}
	return rest.List("data_centers", []*api.DataCenter{dataCenterXML(c)})
}

func getDataCenter(c *rest.Call) (any, error) {
	if c.ID("id") != c.Layout.Center.ID {
		return nil, refuse.NotFound()
	}
	return dataCenterXML(c), nil
}

func clusterXML(c *rest.Call) *api.Cluster {
	w := c.Layout
	base := rest.Href("clusters", w.Cluster.ID)
	out := &api.Cluster{Href: base, ID: w.Cluster.ID, Name: &w.Cluster.Name, Description: api.Ptr(""), Comment: api.Ptr(""),
		CPU: &api.HostCPU{Architecture: "x86_64", Type: c.Config.CPUType}, DataCenter: api.To("datacenters", w.Center.ID),
		Version: &api.Version{Major: 4, Minor: 7}, Links: rest.Links(base, "affinitygroups", "networks")}
	if c.Follows("networks") {
		var networks []*api.Network
		for i := range w.Networks {
			networks = append(networks, networkXML(c, &w.Networks[i]))
		}
		out.Networks = api.Some(networks)
	}
	return out
}

func listClusters(c *rest.Call) (any, error) {
	if err := c.InCenter(); err != nil {
		return nil, err
	}
	hits, err := rest.Found(c, []*datacenter.Named{&c.Layout.Cluster}, centerFields)
	if err != nil || len(hits) == 0 {
		return api.List[*api.Cluster]{Name: "clusters"}, err
	}
	return rest.List("clusters", []*api.Cluster{clusterXML(c)})
}

func getCluster(c *rest.Call) (any, error) {
	if c.ID("id") != c.Layout.Cluster.ID {
		return nil, refuse.NotFound()
	}
	return clusterXML(c), nil
}

func instanceTypeXML(s datacenter.InstanceType) *api.Template {
	spec := datacenter.DefaultSpec()
	return &api.Template{XMLName: xml.Name{Local: "instance_type"}, Href: rest.Href("instancetypes", s.ID), ID: s.ID, Name: &s.Name,
		Description: &s.Description, Comment: api.Ptr(""), Status: api.Ptr(model.StatusOK), Memory: &s.Memory, Type: &spec.Type,
		CPU:          &api.CPU{Topology: &api.Topology{Cores: s.Cores, Sockets: s.Sockets, Threads: 1}},
		MemoryPolicy: &api.MemoryPolicy{Ballooning: api.Ptr(true), Guaranteed: &s.Memory, Max: api.Ptr(4 * s.Memory)}}
}

func listInstanceTypes(c *rest.Call) (any, error) {
	all := make([]*datacenter.InstanceType, len(c.Layout.Sizes))
	for i := range c.Layout.Sizes {
		all[i] = &c.Layout.Sizes[i]
	}
	hits, err := rest.Found(c, all, func(c *rest.Call, s *datacenter.InstanceType) search.Fields {
		return rest.Fields(map[string][]string{"name": rest.One(s.Name), "id": rest.One(s.ID), "description": rest.One(s.Description)})
	})
	if err != nil {
		return nil, err
	}
	out := make([]*api.Template, len(hits))
	for i, s := range hits {
		out[i] = instanceTypeXML(*s)
	}
	return rest.List("instance_types", out)
}

func getInstanceType(c *rest.Call) (any, error) {
	s, ok := c.Layout.Size(&api.Ref{ID: c.ID("id")})
	if !ok {
		return nil, refuse.NotFound()
	}
	return instanceTypeXML(s), nil
}
