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
		Href: base, ID: g.ID, Links: rest.Links(base, "hostlabels", "hosts", "vmlabels", "vms"),
		Name: &g.Name, Description: &g.Description, Cluster: api.To("clusters", g.Cluster),
		Enforcing: &g.Enforcing, Positive: &g.VMsRule.Positive, Priority: &g.Priority,
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

// groupCluster is the cluster that the path is below.
func groupCluster(c *rest.Call) (*datacenter.Named, error) {
	if cluster := &c.Layout.Cluster; c.ID("cluster") == cluster.ID {
		return cluster, nil
	}
	return nil, refuse.NotFound()
}

func groupOf(c *rest.Call) (*model.AffinityGroup, error) {
	if _, err := groupCluster(c); err != nil {
		return nil, err
	}
	return rest.Find(c, c.State.Groups)
}

func allGroups(c *rest.Call, _ *datacenter.Named) []*api.AffinityGroup {
	var out []*api.AffinityGroup
	for _, g := range model.Sorted(c.State.Groups, func(g *model.AffinityGroup) string { return g.Name }) {
		out = append(out, groupXML(c, g))
	}
	return out
}

func addGroup(c *rest.Call, cluster *datacenter.Named, in *api.AffinityGroup) (any, error) {
	if in.Name == nil {
		return nil, refuse.Incomplete("AffinityGroup [name]", "add")
	}
	g := &model.AffinityGroup{ID: datacenter.NewID(), Cluster: cluster.ID, Priority: 1}
	if err := applyGroup(c, "add Affinity Group", g, in); err != nil {
		return nil, err
	}
	c.State.Groups[g.ID] = g
	c.Done("Adding Affinity Group %s", g.Name)
	return groupXML(c, g), nil
}

func updateGroup(c *rest.Call, g *model.AffinityGroup, in *api.AffinityGroup) (any, error) {
	changed := datacenter.Clone(g)
	if err := applyGroup(c, "edit Affinity Group", changed, in); err != nil {
		return nil, err
	}
	*g = *changed
	c.Done("Editing Affinity Group %s", g.Name)
	return groupXML(c, g), nil
}

func applyGroup(c *rest.Call, action string, g *model.AffinityGroup, in *api.AffinityGroup) error {
	if in.Name != nil {
		// Group names may have any characters, but must be unique.
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
		// The older form of the API.
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
		if c.Layout.Host(ref.ID) == nil {
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

func removeGroup(c *rest.Call, g *model.AffinityGroup) (any, error) {
	delete(c.State.Groups, g.ID)
	c.Done("Removing Affinity Group %s", g.Name)
	return rest.Complete(nil), nil
}

func groupVMXML(g *model.AffinityGroup, vm string) *api.VM {
	return &api.VM{Href: rest.Href("clusters", g.Cluster, "affinitygroups", g.ID, "vms", vm), ID: vm}
}

func groupVMs(c *rest.Call, g *model.AffinityGroup) []*api.VM {
	var out []*api.VM
	for _, id := range g.VMs {
		if vm := c.State.VMs[id]; vm != nil {
			x := groupVMXML(g, id)
			x.Name = &vm.Name
			out = append(out, x)
		}
	}
	return out
}

func addGroupVM(c *rest.Call, g *model.AffinityGroup, in *api.VM) (any, error) {
	vm := c.VMByRef(in.ID, in.Name)
	if vm == nil {
		return nil, refuse.NotFound()
	}
	if slices.Contains(g.VMs, vm.ID) {
		return nil, refuse.Conflict("Cannot edit Affinity Group. Entity %s is already in the affinity group.", vm.Name)
	}
	g.VMs = append(g.VMs, vm.ID)
	c.Done("Adding VM %s to Affinity Group %s", vm.Name, g.Name)
	return groupVMXML(g, vm.ID), nil
}

func removeGroupVM(c *rest.Call, g *model.AffinityGroup) (any, error) {
	if !slices.Contains(g.VMs, c.ID("vm")) {
		return nil, refuse.NotFound()
	}
	g.VMs = datacenter.Without(g.VMs, c.ID("vm"))
	c.Done("Removing VM from Affinity Group %s", g.Name)
	return rest.Complete(nil), nil
}

func groupHosts(c *rest.Call, g *model.AffinityGroup) []*api.Host {
	var out []*api.Host
	for _, id := range g.Hosts {
		if h := c.Layout.Host(id); h != nil {
			out = append(out, hostXML(c, h))
		}
	}
	return out
}
