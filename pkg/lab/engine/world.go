package engine

import (
	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
)

const hostUp = "up"

// world is what the configuration lays down: it does not change while the
// engine runs, apart from statuses, which are in the state.
type world struct {
	center, cluster named
	hosts           []worldHost
	domains         []worldDomain
	networks        []named
	sizes           []instanceType
}

type named struct{ ID, Name string }

type worldHost struct {
	Host
	ID string
}

type worldDomain struct {
	StorageDomain
	ID     string
	Master bool
}

type instanceType struct {
	named
	Description    string
	Memory         int64
	Sockets, Cores int
}

func newWorld(c *Config) *world {
	w := &world{
		center:  named{c.fixedID("datacenter", c.DataCenter), c.DataCenter},
		cluster: named{c.fixedID("cluster", c.Cluster), c.Cluster},
	}
	for _, h := range c.Hosts {
		w.hosts = append(w.hosts, worldHost{h, c.fixedID("host", h.Name)})
	}
	for i, d := range c.Domains {
		w.domains = append(w.domains, worldDomain{d, c.fixedID("storagedomain", d.Name), i == 0})
	}
	for _, n := range c.Networks {
		w.networks = append(w.networks, named{c.fixedID("network", n.Name), n.Name})
	}
	const gib = 1 << 30
	for _, s := range []instanceType{
		{named{"", "Tiny"}, "Tiny instance type", gib / 2, 1, 1},
		{named{"", "Small"}, "Small instance type", 2 * gib, 1, 1},
		{named{"", "Medium"}, "Medium instance type", 4 * gib, 2, 1},
		{named{"", "Large"}, "Large instance type", 8 * gib, 2, 1},
		{named{"", "XLarge"}, "Extra Large instance type", 16 * gib, 4, 1},
	} {
		s.ID = c.fixedID("instancetype", s.Name)
		w.sizes = append(w.sizes, s)
	}
	return w
}

// seed adds what every engine has from the start, unless it is there. e.mu is
// held or the engine is not shared yet.
func (e *Engine) seed() {
	if _, ok := e.st.Templates[model.BlankTemplate]; !ok {
		e.st.Templates[model.BlankTemplate] = &model.Template{
			ID: model.BlankTemplate, Name: "Blank", Description: "Blank template", Status: model.StatusOK,
			Spec: defaultSpec(), Owner: "admin@internal", Created: e.clock.Now(),
		}
	}
	for _, n := range e.world.networks {
		id := e.cfg.fixedID("vnicprofile", n.Name)
		if _, ok := e.st.Profiles[id]; !ok {
			e.st.Profiles[id] = &model.Profile{ID: id, Name: n.Name, Network: n.ID}
		}
	}
}

func defaultSpec() model.Spec {
	const gib = 1 << 30
	return model.Spec{
		CPU:    api.CPU{Topology: &api.Topology{Cores: 1, Sockets: 1, Threads: 1}},
		Memory: gib,
		MemoryPolicy: api.MemoryPolicy{
			Ballooning: api.Ptr(true), Guaranteed: api.Ptr(int64(gib)), Max: api.Ptr(int64(4 * gib)),
		},
		OS: "other", BootDevices: []string{"hd"}, Type: "server", Soundcard: true,
	}
}

func (w *world) host(id string) (worldHost, bool) {
	for _, h := range w.hosts {
		if h.ID == id {
			return h, true
		}
	}
	return worldHost{}, false
}

func (w *world) domain(id string) (worldDomain, bool) {
	for _, d := range w.domains {
		if d.ID == id {
			return d, true
		}
	}
	return worldDomain{}, false
}

func (w *world) network(id string) (named, bool) {
	for _, n := range w.networks {
		if n.ID == id {
			return n, true
		}
	}
	return named{}, false
}

func (w *world) size(ref *api.Ref) (instanceType, bool) {
	for _, s := range w.sizes {
		if ref.ID == s.ID || ref.ID == "" && api.Val(ref.Name) == s.Name {
			return s, true
		}
	}
	return instanceType{}, false
}

// hostStatus is a host's status now. e.mu is held.
func (e *Engine) hostStatus(h worldHost) string {
	if s, ok := e.st.Hosts[h.ID]; ok {
		return s
	}
	return h.Status
}

// domainStatus is a storage domain's status now. e.mu is held.
func (e *Engine) domainStatus(d worldDomain) string {
	if s, ok := e.st.Domains[d.ID]; ok {
		return s
	}
	return "active"
}

// SetHostStatus changes the status of a host, for example to maintenance, by
// its name. VMs on it keep running. It reports whether there is such a host.
func (e *Engine) SetHostStatus(name, status string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, h := range e.world.hosts {
		if h.Name == name {
			e.st.Hosts[h.ID] = status
			return true
		}
	}
	return false
}

// SetDomainStatus changes the status of a storage domain by its name.
func (e *Engine) SetDomainStatus(name, status string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, d := range e.world.domains {
		if d.Name == name {
			e.st.Domains[d.ID] = status
			return true
		}
	}
	return false
}

// used is what disks take from a domain. e.mu is held.
func (e *Engine) used(domain string) int64 {
	var sum int64
	for _, d := range e.st.Disks {
		for _, id := range d.Domains {
			if id == domain {
				sum += d.Allocated
			}
		}
	}
	return sum
}

// reserve checks that a domain can take more bytes. e.mu is held.
func (e *Engine) reserve(action string, d worldDomain, bytes int64) error {
	if s := e.domainStatus(d); s != "active" {
		return conflict("Cannot %s. The relevant Storage Domain is inaccessible. Please handle Storage Domain issues and retry the operation.", action)
	}
	if free := d.Size - e.used(d.ID); bytes > free {
		return conflict("Cannot %s. Low disk space on Storage Domain %s.", action, d.Name)
	}
	return nil
}

// IDs names the objects that the configuration lays down, by their names.
type IDs struct {
	DataCenter, Cluster                string
	Hosts, Domains, Networks, Profiles map[string]string
}

// IDs returns the IDs of the configured objects. They follow from the FQDN and
// the objects' names alone.
func (e *Engine) IDs() IDs {
	out := IDs{DataCenter: e.world.center.ID, Cluster: e.world.cluster.ID,
		Hosts: map[string]string{}, Domains: map[string]string{}, Networks: map[string]string{}, Profiles: map[string]string{}}
	for _, h := range e.world.hosts {
		out.Hosts[h.Name] = h.ID
	}
	for _, d := range e.world.domains {
		out.Domains[d.Name] = d.ID
	}
	for _, n := range e.world.networks {
		out.Networks[n.Name] = n.ID
		out.Profiles[n.Name] = e.cfg.fixedID("vnicprofile", n.Name)
	}
	return out
}
