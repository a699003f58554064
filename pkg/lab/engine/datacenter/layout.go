package datacenter

import (
	"cmp"

	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
)

// HostUp is the status of a host that can run VMs.
const HostUp = "up"

// Layout is what the configuration lays down: it does not change while the
// engine runs, apart from statuses, which are in the state.
type Layout struct {
	Center, Cluster Named
	Hosts           []*KnownHost
	Domains         []*KnownDomain
	Networks        []*Named
	Sizes           []*InstanceType
}

// Named is an object with nothing but a name.
type Named struct{ ID, Name string }

// KnownHost is a configured host.
type KnownHost struct {
	Host
	ID string
}

// KnownDomain is a configured storage domain.
type KnownDomain struct {
	StorageDomain
	ID     string
	Master bool
}

// InstanceType is a size of VMs.
type InstanceType struct {
	Named
	Description    string
	Memory         int64
	Sockets, Cores int
}

// CPU is that of VMs of the size.
func (t *InstanceType) CPU() api.CPU {
	return api.CPU{Topology: &api.Topology{Cores: t.Cores, Sockets: t.Sockets, Threads: 1}}
}

// MemoryPolicy is that of VMs of the size.
func (t *InstanceType) MemoryPolicy() api.MemoryPolicy {
	return api.MemoryPolicy{Ballooning: new(true), Guaranteed: new(t.Memory), Max: new(4 * t.Memory)}
}

func newLayout(c *Config) *Layout {
	l := &Layout{
		Center:  Named{c.ID("datacenter", c.DataCenter), c.DataCenter},
		Cluster: Named{c.ID("cluster", c.Cluster), c.Cluster},
	}
	for _, h := range c.Hosts {
		l.Hosts = append(l.Hosts, &KnownHost{h, c.ID("host", h.Name)})
	}
	for i, d := range c.Domains {
		l.Domains = append(l.Domains, &KnownDomain{d, c.ID("storagedomain", d.Name), i == 0})
	}
	for _, n := range c.Networks {
		l.Networks = append(l.Networks, &Named{c.ID("network", n.Name), n.Name})
	}
	const gib = 1 << 30
	for _, s := range []*InstanceType{
		{Named{"", "Tiny"}, "Tiny instance type", gib / 2, 1, 1},
		{Named{"", "Small"}, "Small instance type", 2 * gib, 1, 1},
		{Named{"", "Medium"}, "Medium instance type", 4 * gib, 2, 1},
		{Named{"", "Large"}, "Large instance type", 8 * gib, 2, 1},
		{Named{"", "XLarge"}, "Extra Large instance type", 16 * gib, 4, 1},
	} {
		s.ID = c.ID("instancetype", s.Name)
		l.Sizes = append(l.Sizes, s)
	}
	return l
}

// seed adds what every data center has from the start, unless it is there. The
// lock is held, or the data center is not shared yet.
func (dc *DataCenter) seed() {
	if _, ok := dc.State.Templates[model.BlankTemplate]; !ok {
		dc.State.Templates[model.BlankTemplate] = &model.Template{
			ID: model.BlankTemplate, Name: "Blank", Description: "Blank template", Status: model.StatusOK,
			Spec: DefaultSpec(), Owner: "admin@internal", Created: dc.Clock.Now(),
		}
	}
	for _, n := range dc.Layout.Networks {
		id := dc.Config.ID("vnicprofile", n.Name)
		if _, ok := dc.State.Profiles[id]; !ok {
			dc.State.Profiles[id] = &model.Profile{ID: id, Name: n.Name, Network: n.ID}
		}
	}
}

// DefaultSpec is that of the blank template.
func DefaultSpec() model.Spec {
	small := InstanceType{Memory: 1 << 30, Sockets: 1, Cores: 1}
	return model.Spec{
		CPU: small.CPU(), Memory: small.Memory, MemoryPolicy: small.MemoryPolicy(),
		OS: "other", BootDevices: []string{"hd"}, Type: "server", Soundcard: true,
	}
}

// Host finds a host by ID, or returns nil.
func (l *Layout) Host(id string) *KnownHost {
	return model.Find(l.Hosts, func(h *KnownHost) bool { return h.ID == id })
}

// Domain finds a storage domain by ID, or returns nil.
func (l *Layout) Domain(id string) *KnownDomain {
	return model.Find(l.Domains, func(d *KnownDomain) bool { return d.ID == id })
}

// Network finds a network by ID, or returns nil.
func (l *Layout) Network(id string) *Named {
	return model.Find(l.Networks, func(n *Named) bool { return n.ID == id })
}

// Size finds an instance type by ID or, without one, by name; it returns nil
// when there is none.
func (l *Layout) Size(ref *api.Ref) *InstanceType {
	return model.Find(l.Sizes, func(s *InstanceType) bool { return ref.Means(s.ID, s.Name) })
}

// HostStatus is a host's status now. The lock is held.
func (dc *DataCenter) HostStatus(h *KnownHost) string {
	return cmp.Or(dc.State.Hosts[h.ID], h.Status)
}

// DomainStatus is a storage domain's status now. The lock is held.
func (dc *DataCenter) DomainStatus(d *KnownDomain) string {
	return cmp.Or(dc.State.Domains[d.ID], "active")
}

// SetHostStatus changes the status of a host by its name and reports whether
// there is such a host.
func (dc *DataCenter) SetHostStatus(name, status string) (known bool) {
	id, known := dc.IDs().Hosts[name]
	if known {
		dc.Do(func() { dc.State.Hosts[id] = status })
	}
	return known
}

// SetDomainStatus changes the status of a storage domain by its name and reports
// whether there is such a domain.
func (dc *DataCenter) SetDomainStatus(name, status string) (known bool) {
	id, known := dc.IDs().Domains[name]
	if known {
		dc.Do(func() { dc.State.Domains[id] = status })
	}
	return known
}

// IDs names the objects that the configuration lays down, by their names.
type IDs struct {
	DataCenter, Cluster                string
	Hosts, Domains, Networks, Profiles map[string]string
}

// IDs returns the IDs of the configured objects. They follow from the FQDN and
// the objects' names alone.
func (dc *DataCenter) IDs() IDs {
	out := IDs{
		DataCenter: dc.Layout.Center.ID, Cluster: dc.Layout.Cluster.ID, Hosts: map[string]string{},
		Domains: map[string]string{}, Networks: map[string]string{}, Profiles: map[string]string{},
	}
	for _, h := range dc.Layout.Hosts {
		out.Hosts[h.Name] = h.ID
	}
	for _, d := range dc.Layout.Domains {
		out.Domains[d.Name] = d.ID
	}
	for _, n := range dc.Layout.Networks {
		out.Networks[n.Name] = n.ID
		out.Profiles[n.Name] = dc.Config.ID("vnicprofile", n.Name)
	}
	return out
}
