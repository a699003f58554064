package infra

import (
	"slices"

	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/datacenter"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
	"github.com/okd-install/okd-install/pkg/lab/engine/refuse"
	"github.com/okd-install/okd-install/pkg/lab/engine/rest"
)

func ruleXML(name string, r model.Rule) *api.Element {
	return api.New(name).Set("enabled", r.Enabled).Set("enforcing", r.Enforcing).Set("positive", r.Positive)
}

func groupPath(g *model.AffinityGroup) string { return "clusters/" + g.Cluster + "/affinitygroups" }

func groupXML(g *model.AffinityGroup) *api.Element {
	return api.Object("affinity_group", groupPath(g), g.ID).Links("hostlabels", "hosts", "vmlabels", "vms").
		Set("name", g.Name).Set("description", g.Description).Refer("cluster", "clusters", g.Cluster).
		Set("enforcing", g.Enforcing).Set("positive", g.VMsRule.Positive).Set("priority", g.Priority).
		Add(ruleXML("hosts_rule", g.HostsRule), ruleXML("vms_rule", g.VMsRule)).
		Some("hosts", api.Refs("host", "hosts", g.Hosts)).Some("vms", api.Refs("vm", "vms", g.VMs))
}

func showGroup(_ *rest.Call, g *model.AffinityGroup) (*api.Element, error) { return groupXML(g), nil }

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
	return rest.Known(c.State.Groups[c.ID("id")])
}

func allGroups(c *rest.Call, _ *datacenter.Named) []*api.Element {
	return api.Each(model.Sorted(c.State.Groups, func(g *model.AffinityGroup) string { return g.Name }), groupXML)
}

func addGroup(c *rest.Call, cluster *datacenter.Named, in *api.AffinityGroup) (*api.Element, error) {
	if in.Name == nil {
		return nil, refuse.Incomplete("AffinityGroup [name]", "add")
	}
	g := &model.AffinityGroup{ID: datacenter.NewID(), Cluster: cluster.ID, Priority: 1}
	if err := applyGroup(c, "add Affinity Group", g, in); err != nil {
		return nil, err
	}
	c.State.Groups[g.ID] = g
	c.Done("Adding Affinity Group %s", g.Name)
	return groupXML(g), nil
}

func updateGroup(c *rest.Call, g *model.AffinityGroup, in *api.AffinityGroup) (*api.Element, error) {
	changed := datacenter.Clone(g)
	if err := applyGroup(c, "edit Affinity Group", changed, in); err != nil {
		return nil, err
	}
	*g = *changed
	c.Done("Editing Affinity Group %s", g.Name)
	return groupXML(g), nil
}

func applyGroup(c *rest.Call, action refuse.Action, g *model.AffinityGroup, in *api.AffinityGroup) error {
	if in.Name != nil {
		// Group names may have any characters, but must be unique.
		if *in.Name == "" {
			return action.Invalid("The name may not be empty.")
		}
		for _, other := range c.State.Groups {
			if other.Name == *in.Name && other.ID != g.ID {
				return action.Conflict("Affinity Group name already exists.")
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
	for _, ref := range in.VMs {
		vm := c.VMByRef(ref.ID, ref.Name)
		if vm == nil {
			return action.Invalid("The VM does not exist.")
		}
		g.VMs = datacenter.With(g.VMs, vm.ID)
	}
	for _, ref := range in.Hosts {
		if c.Layout.Host(ref.ID) == nil {
			return action.Invalid("The host does not exist.")
		}
		g.Hosts = datacenter.With(g.Hosts, ref.ID)
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

func removeGroup(c *rest.Call, g *model.AffinityGroup) (*api.Element, error) {
	delete(c.State.Groups, g.ID)
	return c.Completed("Removing Affinity Group %s", g.Name)
}

func groupVMXML(g *model.AffinityGroup, vm string) *api.Element {
	return api.Object("vm", groupPath(g)+"/"+g.ID+"/vms", vm)
}

func groupVMs(c *rest.Call, g *model.AffinityGroup) []*api.Element {
	var out []*api.Element
	for _, id := range g.VMs {
		if vm := c.State.VMs[id]; vm != nil {
			out = append(out, groupVMXML(g, id).Set("name", vm.Name))
		}
	}
	return out
}

func addGroupVM(c *rest.Call, g *model.AffinityGroup, in *api.VM) (*api.Element, error) {
	const action refuse.Action = "edit Affinity Group"
	vm := c.VMByRef(in.ID, in.Name)
	if vm == nil {
		return nil, refuse.NotFound()
	}
	if slices.Contains(g.VMs, vm.ID) {
		return nil, action.Conflict("Entity %s is already in the affinity group.", vm.Name)
	}
	g.VMs = append(g.VMs, vm.ID)
	c.Done("Adding VM %s to Affinity Group %s", vm.Name, g.Name)
	return groupVMXML(g, vm.ID), nil
}

func removeGroupVM(c *rest.Call, g *model.AffinityGroup) (*api.Element, error) {
	if !slices.Contains(g.VMs, c.ID("vm")) {
		return nil, refuse.NotFound()
	}
	g.VMs = datacenter.Without(g.VMs, c.ID("vm"))
	return c.Completed("Removing VM from Affinity Group %s", g.Name)
}

func groupHosts(c *rest.Call, g *model.AffinityGroup) []*api.Element {
	var out []*api.Element
	for _, id := range g.Hosts {
		if h := c.Layout.Host(id); h != nil {
			out = append(out, hostXML(c, h))
		}
	}
	return out
}
