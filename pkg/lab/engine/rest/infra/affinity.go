package infra

import (
	"slices"

	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/datacenter"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
	"github.com/okd-install/okd-install/pkg/lab/engine/refuse"
	"github.com/okd-install/okd-install/pkg/lab/engine/rest"
)

func ruleXML(r *model.Rule) *api.AffinityRule {
	return &api.AffinityRule{Enabled: &r.Enabled, Enforcing: &r.Enforcing, Positive: &r.Positive}
}

func groupXML(c *rest.Call, g *model.AffinityGroup) *api.AffinityGroup {
	base := rest.Href("clusters", g.Cluster, "affinitygroups", g.ID)
	out := &api.AffinityGroup{
		Href: base, ID: g.ID, Links: rest.Links(base, "hostlabels", "hosts", "vmlabels", "vms"), Name: &g.Name, Description: &g.Description,
		Cluster: api.To("clusters", g.Cluster), Enforcing: &g.Enforcing, Positive: &g.VMsRule.Positive, Priority: &g.Priority,
		HostsRule: ruleXML(&g.HostsRule), VMsRule: ruleXML(&g.VMsRule),
	}
	var hosts []*api.Ref
	for _, id := range g.Hosts {
		hosts = append(hosts, api.To("hosts", id))
	}
	var vms []*api.VM
	for _, id := range g.VMs {
		vms = append(vms, &api.VM{Href: rest.Href("vms", id), ID: id})
	}
	out.Hosts, out.VMs = api.Some(hosts), api.Some(vms)
	return out
}

func inCluster(c *rest.Call) error {
	if c.ID("cluster") != c.Layout.Cluster.ID {
		return refuse.NotFound()
	}
	return nil
}

func groupOf(c *rest.Call) (*model.AffinityGroup, error) {
	if err := inCluster(c); err != nil {
		return nil, err
	}
	g, ok := c.State.Groups[c.ID("id")]
	if !ok {
		return nil, refuse.NotFound()
	}
	return g, nil
}

func listGroups(c *rest.Call) (any, error) {
	if err := inCluster(c); err != nil {
		return nil, err
	}
	var out []*api.AffinityGroup
	for _, g := range model.Sorted(c.State.Groups, func(g *model.AffinityGroup) string { return g.Name }) {
		out = append(out, groupXML(c, g))
	}
	return rest.List("affinity_groups", out)
}

func getGroup(c *rest.Call) (any, error) {
	g, err := groupOf(c)
	if err != nil {
		return nil, err
	}
	return groupXML(c, g), nil
}

func addGroup(c *rest.Call) (any, error) {
	if err := inCluster(c); err != nil {
		return nil, err
	}
	var in api.AffinityGroup
	if err := c.Read(&in); err != nil {
		return nil, err
	}
	if in.Name == nil {
		return nil, refuse.Incomplete("AffinityGroup [name]", "add")
	}
	g := &model.AffinityGroup{ID: datacenter.NewID(), Cluster: c.Layout.Cluster.ID, Priority: 1}
	if err := applyGroup(c, "add Affinity Group", g, &in); err != nil {
		return nil, err
	}
	c.State.Groups[g.ID] = g
	c.Done("Adding Affinity Group %s", g.Name)
	return groupXML(c, g), nil
}

func updateGroup(c *rest.Call) (any, error) {
	g, err := groupOf(c)
	if err != nil {
		return nil, err
	}
	var in api.AffinityGroup
	if err := c.Read(&in); err != nil {
		return nil, err
	}
	changed := datacenter.Clone(g)
	if err := applyGroup(c, "edit Affinity Group", changed, &in); err != nil {
		return nil, err
	}
	*g = *changed
	c.Done("Editing Affinity Group %s", g.Name)
	return groupXML(c, g), nil
}

func applyGroup(c *rest.Call, action string, g *model.AffinityGroup, in *api.AffinityGroup) error {
	if in.Name != nil {
		// Group names are not bound to a set of characters, but to be unique.
		if *in.Name == "" {
			return refuse.Invalid("Cannot %s. The name may not be empty.", action)
		}
		for _, other := range c.State.Groups {
			if other.Name == *in.Name && other.ID != g.ID {
				return refuse.Conflict("Cannot %s. Affinity Group name already exists.", action)
			}
		}
		g.Name = *in.Name
	}
	rest.Set(&g.Description, in.Description)
	rest.Set(&g.Enforcing, in.Enforcing)
	rest.Set(&g.Priority, in.Priority)
	applyRule(&g.HostsRule, in.HostsRule)
	applyRule(&g.VMsRule, in.VMsRule)
	if in.Positive != nil {
		// The old way to say it.
		g.VMsRule = model.Rule{Enabled: true, Positive: *in.Positive, Enforcing: g.Enforcing}
	}
	for _, ref := range api.Val(in.VMs) {
		vm := c.VMByRef(ref.ID, ref.Name)
		if vm == nil {
			return refuse.Invalid("Cannot %s. The VM does not exist.", action)
		}
		if !slices.Contains(g.VMs, vm.ID) {
			g.VMs = append(g.VMs, vm.ID)
		}
	}
	for _, ref := range api.Val(in.Hosts) {
		if _, ok := c.Layout.Host(ref.ID); !ok {
			return refuse.Invalid("Cannot %s. The host does not exist.", action)
		}
		if !slices.Contains(g.Hosts, ref.ID) {
			g.Hosts = append(g.Hosts, ref.ID)
		}
	}
	return nil
}

func applyRule(r *model.Rule, in *api.AffinityRule) {
	if in != nil {
		rest.Set(&r.Enabled, in.Enabled)
		rest.Set(&r.Enforcing, in.Enforcing)
		rest.Set(&r.Positive, in.Positive)
	}
}

func removeGroup(c *rest.Call) (any, error) {
	g, err := groupOf(c)
	if err != nil {
		return nil, err
	}
	delete(c.State.Groups, g.ID)
	c.Done("Removing Affinity Group %s", g.Name)
	return rest.Complete(nil), nil
}

func listGroupVMs(c *rest.Call) (any, error) {
	g, err := groupOf(c)
	if err != nil {
		return nil, err
	}
	var out []*api.VM
	for _, id := range g.VMs {
		if vm := c.State.VMs[id]; vm != nil {
			out = append(out, &api.VM{Href: rest.Href("clusters", g.Cluster, "affinitygroups", g.ID, "vms", id), ID: id, Name: &vm.Name})
		}
	}
	return rest.List("vms", out)
}

func addGroupVM(c *rest.Call) (any, error) {
	g, err := groupOf(c)
	if err != nil {
		return nil, err
	}
	var in api.VM
	if err := c.Read(&in); err != nil {
		return nil, err
	}
	vm := c.VMByRef(in.ID, in.Name)
	if vm == nil {
		return nil, refuse.NotFound()
	}
	if slices.Contains(g.VMs, vm.ID) {
		return nil, refuse.Conflict("Cannot edit Affinity Group. Entity %s is already in the affinity group.", vm.Name)
	}
	g.VMs = append(g.VMs, vm.ID)
	c.Done("Adding VM %s to Affinity Group %s", vm.Name, g.Name)
	return &api.VM{Href: rest.Href("clusters", g.Cluster, "affinitygroups", g.ID, "vms", vm.ID), ID: vm.ID}, nil
}

func removeGroupVM(c *rest.Call) (any, error) {
	g, err := groupOf(c)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(g.VMs, c.ID("vm")) {
		return nil, refuse.NotFound()
	}
	g.VMs = datacenter.Without(g.VMs, c.ID("vm"))
	c.Done("Removing VM from Affinity Group %s", g.Name)
	return rest.Complete(nil), nil
}

func listGroupHosts(c *rest.Call) (any, error) {
	g, err := groupOf(c)
	if err != nil {
		return nil, err
	}
	var out []*api.Host
	for _, id := range g.Hosts {
		if h, ok := c.Layout.Host(id); ok {
			out = append(out, hostXML(c, h))
		}
	}
	return rest.List("hosts", out)
}
