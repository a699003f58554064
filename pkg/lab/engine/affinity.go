package engine

import (
	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
)

func ruleXML(r *model.Rule) *api.AffinityRule {
	return &api.AffinityRule{Enabled: &r.Enabled, Enforcing: &r.Enforcing, Positive: &r.Positive}
}

func (e *Engine) groupXML(c *call, g *model.AffinityGroup) *api.AffinityGroup {
	base := href("clusters", g.Cluster, "affinitygroups", g.ID)
	out := &api.AffinityGroup{
		Href: base, ID: g.ID, Links: links(base, "hostlabels", "hosts", "vmlabels", "vms"), Name: &g.Name, Description: &g.Description,
		Cluster: api.To("clusters", g.Cluster), Enforcing: &g.Enforcing, Positive: &g.VMsRule.Positive, Priority: &g.Priority,
		HostsRule: ruleXML(&g.HostsRule), VMsRule: ruleXML(&g.VMsRule),
	}
	var hosts []*api.Ref
	for _, id := range g.Hosts {
		hosts = append(hosts, api.To("hosts", id))
	}
	var vms []*api.VM
	for _, id := range g.VMs {
		vms = append(vms, &api.VM{Href: href("vms", id), ID: id})
	}
	out.Hosts, out.VMs = api.Some(hosts), api.Some(vms)
	return out
}

func (c *call) inCluster() error {
	if c.id("cluster") != c.world.cluster.ID {
		return notFound()
	}
	return nil
}

func (c *call) group() (*model.AffinityGroup, error) {
	if err := c.inCluster(); err != nil {
		return nil, err
	}
	g, ok := c.st.Groups[c.id("id")]
	if !ok {
		return nil, notFound()
	}
	return g, nil
}

func listGroups(c *call) (any, error) {
	if err := c.inCluster(); err != nil {
		return nil, err
	}
	var out []*api.AffinityGroup
	for _, g := range model.Sorted(c.st.Groups, func(g *model.AffinityGroup) string { return g.Name }) {
		out = append(out, c.groupXML(c, g))
	}
	return list("affinity_groups", out)
}

func getGroup(c *call) (any, error) {
	g, err := c.group()
	if err != nil {
		return nil, err
	}
	return c.groupXML(c, g), nil
}

func addGroup(c *call) (any, error) {
	if err := c.inCluster(); err != nil {
		return nil, err
	}
	var in api.AffinityGroup
	if err := c.read(&in); err != nil {
		return nil, err
	}
	if in.Name == nil {
		return nil, incomplete("AffinityGroup [name]", "add")
	}
	g := &model.AffinityGroup{ID: newID(), Cluster: c.world.cluster.ID, Priority: 1}
	if err := c.applyGroup("add Affinity Group", g, &in); err != nil {
		return nil, err
	}
	c.st.Groups[g.ID] = g
	c.done("Adding Affinity Group %s", g.Name)
	return c.groupXML(c, g), nil
}

func updateGroup(c *call) (any, error) {
	g, err := c.group()
	if err != nil {
		return nil, err
	}
	var in api.AffinityGroup
	if err := c.read(&in); err != nil {
		return nil, err
	}
	changed := clone(g)
	if err := c.applyGroup("edit Affinity Group", changed, &in); err != nil {
		return nil, err
	}
	*g = *changed
	c.done("Editing Affinity Group %s", g.Name)
	return c.groupXML(c, g), nil
}

func (c *call) applyGroup(action string, g *model.AffinityGroup, in *api.AffinityGroup) error {
	if in.Name != nil {
		// Group names are not bound to a set of characters, but to be unique.
		if *in.Name == "" {
			return invalid("Cannot %s. The name may not be empty.", action)
		}
		for _, other := range c.st.Groups {
			if other.Name == *in.Name && other.ID != g.ID {
				return conflict("Cannot %s. Affinity Group name already exists.", action)
			}
		}
		g.Name = *in.Name
	}
	set(&g.Description, in.Description)
	set(&g.Enforcing, in.Enforcing)
	set(&g.Priority, in.Priority)
	applyRule(&g.HostsRule, in.HostsRule)
	applyRule(&g.VMsRule, in.VMsRule)
	if in.Positive != nil {
		// The old way to say it.
		g.VMsRule = model.Rule{Enabled: true, Positive: *in.Positive, Enforcing: g.Enforcing}
	}
	for _, ref := range api.Val(in.VMs) {
		vm := c.vmByRef(ref.ID, ref.Name)
		if vm == nil {
			return invalid("Cannot %s. The VM does not exist.", action)
		}
		if !contains(g.VMs, vm.ID) {
			g.VMs = append(g.VMs, vm.ID)
		}
	}
	for _, ref := range api.Val(in.Hosts) {
		if _, ok := c.world.host(ref.ID); !ok {
			return invalid("Cannot %s. The host does not exist.", action)
		}
		if !contains(g.Hosts, ref.ID) {
			g.Hosts = append(g.Hosts, ref.ID)
		}
	}
	return nil
}

func applyRule(r *model.Rule, in *api.AffinityRule) {
	if in != nil {
		set(&r.Enabled, in.Enabled)
		set(&r.Enforcing, in.Enforcing)
		set(&r.Positive, in.Positive)
	}
}

func removeGroup(c *call) (any, error) {
	g, err := c.group()
	if err != nil {
		return nil, err
	}
	delete(c.st.Groups, g.ID)
	c.done("Removing Affinity Group %s", g.Name)
	return complete(nil), nil
}

func listGroupVMs(c *call) (any, error) {
	g, err := c.group()
	if err != nil {
		return nil, err
	}
	var out []*api.VM
	for _, id := range g.VMs {
		if vm := c.st.VMs[id]; vm != nil {
			out = append(out, &api.VM{Href: href("clusters", g.Cluster, "affinitygroups", g.ID, "vms", id), ID: id, Name: &vm.Name})
		}
	}
	return list("vms", out)
}

func addGroupVM(c *call) (any, error) {
	g, err := c.group()
	if err != nil {
		return nil, err
	}
	var in api.VM
	if err := c.read(&in); err != nil {
		return nil, err
	}
	vm := c.vmByRef(in.ID, in.Name)
	if vm == nil {
		return nil, notFound()
	}
	if contains(g.VMs, vm.ID) {
		return nil, conflict("Cannot edit Affinity Group. Entity %s is already in the affinity group.", vm.Name)
	}
	g.VMs = append(g.VMs, vm.ID)
	c.done("Adding VM %s to Affinity Group %s", vm.Name, g.Name)
	return &api.VM{Href: href("clusters", g.Cluster, "affinitygroups", g.ID, "vms", vm.ID), ID: vm.ID}, nil
}

func removeGroupVM(c *call) (any, error) {
	g, err := c.group()
	if err != nil {
		return nil, err
	}
	if !contains(g.VMs, c.id("vm")) {
		return nil, notFound()
	}
	g.VMs = without(g.VMs, c.id("vm"))
	c.done("Removing VM from Affinity Group %s", g.Name)
	return complete(nil), nil
}

func listGroupHosts(c *call) (any, error) {
	g, err := c.group()
	if err != nil {
		return nil, err
	}
	var out []*api.Host
	for _, id := range g.Hosts {
		if h, ok := c.world.host(id); ok {
			out = append(out, c.hostXML(h))
		}
	}
	return list("hosts", out)
}

// schedule finds a host for a VM: up, allowed by placement policy and
// enforcing affinity rules, with memory left; the least loaded of those.
// e.mu is held.
func (e *Engine) schedule(action string, vm *model.VM) (worldHost, error) {
	var best *worldHost
	bestLoad := 0
	for i, h := range e.world.hosts {
		if e.hostStatus(h) != hostUp || !placed(vm, h) || !e.affine(vm, h) {
			continue
		}
		load, memory := 0, h.MemoryMB<<20
		for _, other := range e.st.VMs {
			if other.Host == h.ID {
				load++
				memory -= other.Spec.Memory
			}
		}
		if memory < vm.Spec.Memory {
			continue
		}
		if best == nil || load < bestLoad {
			best, bestLoad = &e.world.hosts[i], load
		}
	}
	if best == nil {
		return worldHost{}, conflict("Cannot %s. There is no host that satisfies current scheduling constraints. See below for details:", action)
	}
	return *best, nil
}

func placed(vm *model.VM, h worldHost) bool {
	p := vm.Spec.Placement
	if p == nil || len(api.Val(p.Hosts)) == 0 || api.Val(p.Affinity) == "migratable" {
		return true
	}
	for _, want := range api.Val(p.Hosts) {
		if want.ID == h.ID {
			return true
		}
	}
	return false
}

// affine applies the rules that are not mere wishes.
func (e *Engine) affine(vm *model.VM, h worldHost) bool {
	for _, g := range e.st.Groups {
		if !contains(g.VMs, vm.ID) {
			continue
		}
		if r := g.HostsRule; r.Enabled && r.Enforcing && contains(g.Hosts, h.ID) != r.Positive {
			return false
		}
		if r := g.VMsRule; !r.Enabled || !r.Enforcing && !g.Enforcing {
			continue
		}
		for _, id := range g.VMs {
			other := e.st.VMs[id]
			if other == nil || other == vm || other.Host == "" {
				continue
			}
			if (other.Host == h.ID) != g.VMsRule.Positive {
				return false
			}
		}
	}
	return true
}
