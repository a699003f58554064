package infra

import (
	"cmp"

	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/datacenter"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
	"github.com/okd-install/okd-install/pkg/lab/engine/rest"
	"github.com/okd-install/okd-install/pkg/lab/engine/search"
)

var hosts = rest.Collection[datacenter.KnownHost]{
	Name: "hosts",
	All:  func(c *rest.Call) ([]*datacenter.KnownHost, error) { return c.Layout.Hosts, nil },
	Find: func(c *rest.Call) (*datacenter.KnownHost, error) { return rest.Known(c.Layout.Host(c.ID("id"))) },
	Fields: func(c *rest.Call, h *datacenter.KnownHost) search.Fields {
		cluster := c.Layout.Cluster.Name
		return rest.Fields(map[string]string{
			"name": h.Name, "id": h.ID, "address": h.Address, "status": c.HostStatus(h),
			"cluster": cluster, "cluster.name": cluster, "datacenter": c.Layout.Center.Name,
		}, nil)
	},
	Document: hostXML,
}

func hostXML(c *rest.Call, h *datacenter.KnownHost) *api.Element {
	running := 0
	for _, vm := range c.State.VMs {
		if vm.Host == h.ID {
			running++
		}
	}
	topology := api.Topology{Cores: h.CPUs, Sockets: 1, Threads: 1}
	return api.Object("host", "hosts", h.ID).Links("nics", "tags").
		Set("name", h.Name).Set("description", "").Set("comment", "").
		Set("address", h.Address).Refer("cluster", "clusters", c.Layout.Cluster.ID).
		Add(api.New("cpu").Set("name", "Intel Xeon").Set("topology", topology)).
		Set("memory", h.MemoryMB<<20).Set("status", c.HostStatus(h)).
		Add(count("summary", running, running)).Set("type", "rhel")
}

func count(name string, active, total int) *api.Element {
	return api.New(name).Set("active", active).Set("total", total)
}

var sizes = rest.Collection[datacenter.InstanceType]{
	Name: "instance_types",
	All:  func(c *rest.Call) ([]*datacenter.InstanceType, error) { return c.Layout.Sizes, nil },
	Find: func(c *rest.Call) (*datacenter.InstanceType, error) {
		return rest.Known(c.Layout.Size(&api.Ref{ID: c.ID("id")}))
	},
	Fields: func(_ *rest.Call, s *datacenter.InstanceType) search.Fields {
		return rest.Fields(map[string]string{"name": s.Name, "id": s.ID, "description": s.Description}, nil)
	},
	Document: func(_ *rest.Call, s *datacenter.InstanceType) *api.Element {
		return api.Object("instance_type", "instancetypes", s.ID).
			Set("name", s.Name).Set("description", s.Description).Set("comment", "").
			Set("cpu", s.CPU()).Set("memory", s.Memory).Set("memory_policy", s.MemoryPolicy()).
			Set("status", model.StatusOK).Set("type", datacenter.DefaultSpec().Type)
	},
}

var jobs = rest.Collection[model.Job]{
	Name: "jobs",
	All:  func(c *rest.Call) ([]*model.Job, error) { return c.State.Jobs, nil },
	Find: func(c *rest.Call) (*model.Job, error) {
		return rest.Known(model.Find(c.State.Jobs, func(j *model.Job) bool { return j.ID == c.ID("id") }))
	},
	Fields: func(_ *rest.Call, j *model.Job) search.Fields {
		return rest.Fields(map[string]string{
			"correlation_id": j.Correlation, "status": j.Status, "description": j.Description,
			"name": j.Description, "id": j.ID,
		}, nil)
	},
	Document: func(_ *rest.Call, j *model.Job) *api.Element {
		last := cmp.Or(j.Ended, j.Started)
		return api.Object("job", "jobs", j.ID).Links("steps").
			Set("auto_cleared", true).Set("description", j.Description).SetTime("end_time", j.Ended).
			Set("external", false).SetTime("last_updated", last).SetTime("start_time", j.Started).
			Set("status", j.Status)
	},
}
