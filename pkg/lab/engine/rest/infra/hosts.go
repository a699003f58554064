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

func allHosts(c *rest.Call) ([]*datacenter.KnownHost, error) { return c.Layout.Hosts, nil }

func hostOf(c *rest.Call) (*datacenter.KnownHost, error) {
	if h := c.Layout.Host(c.ID("id")); h != nil {
		return h, nil
	}
	return nil, refuse.NotFound()
}

func hostFields(c *rest.Call, h *datacenter.KnownHost) search.Fields {
	cluster := c.Layout.Cluster.Name
	return rest.Fields(map[string]string{
		"name": h.Name, "id": h.ID, "address": h.Address, "status": c.HostStatus(h),
		"cluster": cluster, "cluster.name": cluster, "datacenter": c.Layout.Center.Name,
	})
}

func hostXML(c *rest.Call, h *datacenter.KnownHost) *api.Host {
	running := 0
	for _, vm := range c.State.VMs {
		if vm.Host == h.ID {
			running++
		}
	}
	base := rest.Href("hosts", h.ID)
	return &api.Host{
		Href: base, ID: h.ID, Name: &h.Name, Address: &h.Address, Description: api.Ptr(""), Comment: api.Ptr(""),
		Cluster: api.To("clusters", c.Layout.Cluster.ID), Memory: api.Ptr(h.MemoryMB << 20),
		Status: api.Ptr(c.HostStatus(h)), Type: api.Ptr("rhel"), Links: rest.Links(base, "nics", "tags"),
		CPU:     &api.HostCPU{Name: "Intel Xeon", Topology: &api.Topology{Cores: h.CPUs, Sockets: 1, Threads: 1}},
		Summary: &api.Count{Active: running, Total: running},
	}
}

func allSizes(c *rest.Call) ([]*datacenter.InstanceType, error) { return c.Layout.Sizes, nil }

func sizeOf(c *rest.Call) (*datacenter.InstanceType, error) {
	if s := c.Layout.Size(&api.Ref{ID: c.ID("id")}); s != nil {
		return s, nil
	}
	return nil, refuse.NotFound()
}

func sizeFields(_ *rest.Call, s *datacenter.InstanceType) search.Fields {
	return rest.Fields(map[string]string{"name": s.Name, "id": s.ID, "description": s.Description})
}

func sizeXML(_ *rest.Call, s *datacenter.InstanceType) *api.Template {
	spec := datacenter.DefaultSpec()
	return &api.Template{
		XMLName: xml.Name{Local: "instance_type"}, Href: rest.Href("instancetypes", s.ID), ID: s.ID, Name: &s.Name,
		Description: &s.Description, Comment: api.Ptr(""), Status: api.Ptr(model.StatusOK), Memory: &s.Memory,
		Type: &spec.Type, CPU: &api.CPU{Topology: &api.Topology{Cores: s.Cores, Sockets: s.Sockets, Threads: 1}},
		MemoryPolicy: &api.MemoryPolicy{
			Ballooning: api.Ptr(true), Guaranteed: &s.Memory, Max: api.Ptr(4 * s.Memory),
		},
	}
}
