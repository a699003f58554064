package infra

import (
	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/datacenter"
	"github.com/okd-install/okd-install/pkg/lab/engine/refuse"
	"github.com/okd-install/okd-install/pkg/lab/engine/rest"
	"github.com/okd-install/okd-install/pkg/lab/engine/search"
)

func hostXML(c *rest.Call, h datacenter.KnownHost) *api.Host {
	active, total := 0, 0
	for _, vm := range c.State.VMs {
		if vm.Host == h.ID {
			total++
			active++
		}
	}
	base := rest.Href("hosts", h.ID)
	return &api.Host{Href: base, ID: h.ID, Name: &h.Name, Address: &h.Address, Description: api.Ptr(""), Comment: api.Ptr(""),
		Cluster: api.To("clusters", c.Layout.Cluster.ID), Memory: api.Ptr(h.MemoryMB << 20), Status: api.Ptr(c.HostStatus(h)),
		CPU:     &api.HostCPU{Name: "Intel Xeon", Topology: &api.Topology{Cores: h.CPUs, Sockets: 1, Threads: 1}},
		Summary: &api.Count{Active: active, Total: total}, Type: api.Ptr("rhel"), Links: rest.Links(base, "nics", "tags")}
}

func listHosts(c *rest.Call) (any, error) {
	all := make([]*datacenter.KnownHost, len(c.Layout.Hosts))
	for i := range c.Layout.Hosts {
		all[i] = &c.Layout.Hosts[i]
	}
	hits, err := rest.Found(c, all, func(c *rest.Call, h *datacenter.KnownHost) search.Fields {
		return rest.Fields(map[string][]string{"name": rest.One(h.Name), "id": rest.One(h.ID), "address": rest.One(h.Address), "status": rest.One(c.HostStatus(*h)),
			"cluster": rest.One(c.Layout.Cluster.Name), "cluster.name": rest.One(c.Layout.Cluster.Name), "datacenter": rest.One(c.Layout.Center.Name)})
	})
	if err != nil {
		return nil, err
	}
	out := make([]*api.Host, len(hits))
	for i, h := range hits {
		out[i] = hostXML(c, *h)
	}
	return rest.List("hosts", out)
}

func getHost(c *rest.Call) (any, error) {
	h, ok := c.Layout.Host(c.ID("id"))
	if !ok {
		return nil, refuse.NotFound()
	}
	return hostXML(c, h), nil
}
