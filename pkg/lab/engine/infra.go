package engine

import (
	"encoding/xml"
	"strings"

	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
	"github.com/okd-install/okd-install/pkg/lab/engine/search"
)

func href(parts ...string) string { return api.Prefix + "/" + strings.Join(parts, "/") }

func links(base string, rels ...string) []api.Link {
	out := make([]api.Link, len(rels))
	for i, rel := range rels {
		out[i] = api.Link{Href: base + "/" + rel, Rel: rel}
	}
	return out
}

func actions(base string, rels ...string) *api.Actions {
	return &api.Actions{Links: links(base, rels...)}
}

func list[T any](name string, items []T) (any, error) {
	return api.List[T]{Name: name, Items: items}, nil
}

// fields makes a lookup for searches; nil values are fields without one.
func fields(m map[string][]string) search.Fields {
	return func(name string) ([]string, bool) {
		v, ok := m[name]
		return v, ok
	}
}

func one(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

func getRoot(c *call) (any, error) {
	zero := 0
	sum := func(total, active int) api.Count { return api.Count{Active: active, Total: total} }
	running := 0
	for _, vm := range c.st.VMs {
		if vm.Status != model.VMDown && vm.Status != model.VMImageLocked {
			running++
		}
	}
	up := 0
	for _, h := range c.world.hosts {
		if c.hostStatus(h) == hostUp {
			up++
		}
	}
	return &api.Root{
		Links: links(api.Prefix, "clusters", "datacenters", "disks", "hosts", "imagetransfers", "instancetypes",
			"jobs", "networks", "storagedomains", "tags", "templates", "vms", "vnicprofiles"),
		ProductInfo: api.ProductInfo{Name: "oVirt Engine", Vendor: "ovirt.org", Version: api.Version{
			Major: 4, Minor: 5, Build: api.Ptr(7), Revision: &zero, FullVersion: "4.5.7-1.el9"}},
		Summary: api.Summary{
			Hosts: sum(len(c.world.hosts), up), StorageDomains: sum(len(c.world.domains), len(c.world.domains)),
			Users: sum(len(c.cfg.Users), 1), VMs: sum(len(c.st.VMs), running),
		},
		Time: stamp(c.clock.Now()),
		User: &api.Ref{ID: c.cfg.fixedID("user", c.user.Name), Name: &c.user.Name},
	}, nil
}

func jobFields(j *model.Job) search.Fields {
	return fields(map[string][]string{
		"correlation_id": one(j.Correlation), "status": one(j.Status), "description": one(j.Description),
		"name": one(j.Description), "id": one(j.ID),
	})
}

func jobXML(j *model.Job) *api.Job {
	last := j.Started
	if !j.Ended.IsZero() {
		last = j.Ended
	}
	base := href("jobs", j.ID)
	return &api.Job{Href: base, ID: j.ID, Links: links(base, "steps"), AutoCleared: true, Description: j.Description,
		StartTime: stamp(j.Started), EndTime: stampOrNil(j.Ended), LastUpdated: stamp(last), Status: j.Status}
}

func listJobs(c *call) (any, error) {
	jobs, err := found(c, c.st.Jobs, jobFields)
	if err != nil {
		return nil, err
	}
	out := make([]*api.Job, len(jobs))
	for i, j := range jobs {
		out[i] = jobXML(j)
	}
	return list("jobs", out)
}

func getJob(c *call) (any, error) {
	for _, j := range c.st.Jobs {
		if j.ID == c.id("id") {
			return jobXML(j), nil
		}
	}
	return nil, notFound()
}

func (e *Engine) dataCenterXML() *api.DataCenter {
	base := href("datacenters", e.world.center.ID)
	return &api.DataCenter{Href: base, ID: e.world.center.ID, Name: &e.world.center.Name, Local: api.Ptr(false),
		Description: api.Ptr(""), Comment: api.Ptr(""), Status: api.Ptr("up"), Version: &api.Version{Major: 4, Minor: 7},
		Links: links(base, "clusters", "networks", "storagedomains")}
}

func (e *Engine) centerFields(d *named) search.Fields {
	return fields(map[string][]string{"name": one(d.Name), "id": one(d.ID), "status": one("up"),
		"description": nil, "comment": nil, "datacenter": one(e.world.center.Name), "cluster": one(e.world.cluster.Name)})
}

func listDataCenters(c *call) (any, error) {
	hits, err := found(c, []*named{&c.world.center}, c.centerFields)
	if err != nil || len(hits) == 0 {
		return api.List[*api.DataCenter]{Name: "data_centers"}, err
	}
	return list("data_centers", []*api.DataCenter{c.dataCenterXML()})
}

func getDataCenter(c *call) (any, error) {
	if c.id("id") != c.world.center.ID {
		return nil, notFound()
	}
	return c.dataCenterXML(), nil
}

func (e *Engine) clusterXML(c *call) *api.Cluster {
	w := e.world
	base := href("clusters", w.cluster.ID)
	out := &api.Cluster{Href: base, ID: w.cluster.ID, Name: &w.cluster.Name, Description: api.Ptr(""), Comment: api.Ptr(""),
		CPU: &api.HostCPU{Architecture: "x86_64", Type: e.cfg.CPUType}, DataCenter: api.To("datacenters", w.center.ID),
		Version: &api.Version{Major: 4, Minor: 7}, Links: links(base, "affinitygroups", "networks")}
	if c.follows("networks") {
		var networks []*api.Network
		for i := range w.networks {
			networks = append(networks, e.networkXML(&w.networks[i]))
		}
		out.Networks = api.Some(networks)
	}
	return out
}

// inCenter refuses requests below another data center than ours.
func inCenter(c *call) error {
	if id := c.id("id"); strings.Contains(c.r.URL.Path, "/datacenters/") && id != c.world.center.ID {
		return notFound()
	}
	return nil
}

func listClusters(c *call) (any, error) {
	if err := inCenter(c); err != nil {
		return nil, err
	}
	hits, err := found(c, []*named{&c.world.cluster}, c.centerFields)
	if err != nil || len(hits) == 0 {
		return api.List[*api.Cluster]{Name: "clusters"}, err
	}
	return list("clusters", []*api.Cluster{c.clusterXML(c)})
}

func getCluster(c *call) (any, error) {
	if c.id("id") != c.world.cluster.ID {
		return nil, notFound()
	}
	return c.clusterXML(c), nil
}

func (e *Engine) networkXML(n *named) *api.Network {
	base := href("networks", n.ID)
	usages := []string{"vm"}
	if n.Name == "ovirtmgmt" {
		usages = []string{"default_route", "display", "management", "migration", "vm"}
	}
	return &api.Network{Href: base, ID: n.ID, Name: &n.Name, Description: api.Ptr(""), Comment: api.Ptr(""),
		DataCenter: api.To("datacenters", e.world.center.ID), MTU: api.Ptr(0), STP: api.Ptr(false),
		Status: api.Ptr("operational"), Usages: &usages, Links: links(base, "vnicprofiles")}
}

func listNetworks(c *call) (any, error) {
	if err := inCenter(c); err != nil {
		return nil, err
	}
	all := make([]*named, len(c.world.networks))
	for i := range c.world.networks {
		all[i] = &c.world.networks[i]
	}
	hits, err := found(c, all, c.centerFields)
	if err != nil {
		return nil, err
	}
	out := make([]*api.Network, len(hits))
	for i, n := range hits {
		out[i] = c.networkXML(n)
	}
	return list("networks", out)
}

func listClusterNetworks(c *call) (any, error) {
	if c.id("id") != c.world.cluster.ID {
		return nil, notFound()
	}
	out := make([]*api.Network, len(c.world.networks))
	for i := range c.world.networks {
		out[i] = c.networkXML(&c.world.networks[i])
		out[i].Cluster = api.To("clusters", c.world.cluster.ID)
	}
	return list("networks", out)
}

func getNetwork(c *call) (any, error) {
	n, ok := c.world.network(c.id("id"))
	if !ok {
		return nil, notFound()
	}
	return c.networkXML(&n), nil
}

func (e *Engine) hostXML(h worldHost) *api.Host {
	active, total := 0, 0
	for _, vm := range e.st.VMs {
		if vm.Host == h.ID {
			total++
			active++
		}
	}
	base := href("hosts", h.ID)
	return &api.Host{Href: base, ID: h.ID, Name: &h.Name, Address: &h.Address, Description: api.Ptr(""), Comment: api.Ptr(""),
		Cluster: api.To("clusters", e.world.cluster.ID), Memory: api.Ptr(h.MemoryMB << 20), Status: api.Ptr(e.hostStatus(h)),
		CPU:     &api.HostCPU{Name: "Intel Xeon", Topology: &api.Topology{Cores: h.CPUs, Sockets: 1, Threads: 1}},
		Summary: &api.Count{Active: active, Total: total}, Type: api.Ptr("rhel"), Links: links(base, "nics", "tags")}
}

func listHosts(c *call) (any, error) {
	all := make([]*worldHost, len(c.world.hosts))
	for i := range c.world.hosts {
		all[i] = &c.world.hosts[i]
	}
	hits, err := found(c, all, func(h *worldHost) search.Fields {
		return fields(map[string][]string{"name": one(h.Name), "id": one(h.ID), "address": one(h.Address), "status": one(c.hostStatus(*h)),
			"cluster": one(c.world.cluster.Name), "cluster.name": one(c.world.cluster.Name), "datacenter": one(c.world.center.Name)})
	})
	if err != nil {
		return nil, err
	}
	out := make([]*api.Host, len(hits))
	for i, h := range hits {
		out[i] = c.hostXML(*h)
	}
	return list("hosts", out)
}

func getHost(c *call) (any, error) {
	h, ok := c.world.host(c.id("id"))
	if !ok {
		return nil, notFound()
	}
	return c.hostXML(h), nil
}

func instanceTypeXML(s instanceType) *api.Template {
	spec := defaultSpec()
	return &api.Template{XMLName: xml.Name{Local: "instance_type"}, Href: href("instancetypes", s.ID), ID: s.ID, Name: &s.Name,
		Description: &s.Description, Comment: api.Ptr(""), Status: api.Ptr(model.StatusOK), Memory: &s.Memory, Type: &spec.Type,
		CPU:          &api.CPU{Topology: &api.Topology{Cores: s.Cores, Sockets: s.Sockets, Threads: 1}},
		MemoryPolicy: &api.MemoryPolicy{Ballooning: api.Ptr(true), Guaranteed: &s.Memory, Max: api.Ptr(4 * s.Memory)}}
}

func listInstanceTypes(c *call) (any, error) {
	all := make([]*instanceType, len(c.world.sizes))
	for i := range c.world.sizes {
		all[i] = &c.world.sizes[i]
	}
	hits, err := found(c, all, func(s *instanceType) search.Fields {
		return fields(map[string][]string{"name": one(s.Name), "id": one(s.ID), "description": one(s.Description)})
	})
	if err != nil {
		return nil, err
	}
	out := make([]*api.Template, len(hits))
	for i, s := range hits {
		out[i] = instanceTypeXML(*s)
	}
	return list("instance_types", out)
}

func getInstanceType(c *call) (any, error) {
	s, ok := c.world.size(&api.Ref{ID: c.id("id")})
	if !ok {
		return nil, notFound()
	}
	return instanceTypeXML(s), nil
}
