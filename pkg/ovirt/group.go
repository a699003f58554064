package ovirt

import (
	"context"

	sdk "github.com/ovirt/go-ovirt"
)

// Group is an affinity group of a cluster.
type Group struct {
	ID, Name, Description, ClusterID string
	Priority                         int
	Enforcing                        bool // of the rule for machines
}

// Groups lists the affinity groups of a cluster whose names begin so.
func (c *Client) Groups(ctx context.Context, clusterID, prefix string) ([]Group, error) {
	resp, err := call(ctx, c, "list affinity groups", repeatable,
		func(e *engine) *sdk.AffinityGroupsServiceListRequest {
			return groupsOf(e, clusterID).List()
		})
	if err != nil {
		return nil, err
	}
	var out []Group
	list, ok := resp.Groups()
	for _, g := range all(list, ok, groupFrom) {
		if prefix == "" || hasPrefix(g.Name, prefix) {
			g.ClusterID = clusterID
			out = append(out, g)
		}
	}
	return out, nil
}

func groupsOf(e *engine, clusterID string) *sdk.AffinityGroupsService {
	return e.ClustersService().ClusterService(clusterID).AffinityGroupsService()
}

// FindGroup returns the group of that name, nil if there is none.
func (c *Client) FindGroup(ctx context.Context, clusterID, name string) (*Group, error) {
	groups, err := c.Groups(ctx, clusterID, "")
	if err != nil {
		return nil, err
	}
	for _, g := range groups {
		if g.Name == name {
			return &g, nil
		}
	}
	return nil, nil
}

func groupFrom(g *sdk.AffinityGroup) Group {
	out := Group{}
	out.ID, _ = g.Id()
	out.Name, _ = g.Name()
	out.Description, _ = g.Description()
	if p, ok := g.Priority(); ok {
		out.Priority = int(p)
	}
	if r, ok := g.VmsRule(); ok {
		out.Enforcing, _ = r.Enforcing()
	}
	return out
}

// CreateGroup makes a group that keeps its machines on different hosts. The
// library would drop the priority.
func (c *Client) CreateGroup(ctx context.Context, g Group) (Group, error) {
	op := "create affinity group " + g.Name
	resp, err := call(ctx, c, op, single, func(e *engine) *sdk.AffinityGroupsServiceAddRequest {
		b := sdk.NewAffinityGroupBuilder().
			Name(g.Name).Priority(float64(g.Priority)).
			VmsRuleBuilder(sdk.NewAffinityRuleBuilder().Enabled(true).Positive(false).Enforcing(g.Enforcing)).
			HostsRuleBuilder(sdk.NewAffinityRuleBuilder().Enabled(false).Positive(true).Enforcing(false))
		if g.Description != "" { // an empty one is refused by some engines (BZ 2100496)
			b.Description(g.Description)
		}
		return groupsOf(e, g.ClusterID).Add().Group(b.MustBuild())
	})
	if err != nil {
		return Group{}, err
	}
	created, ok := resp.Group()
	out, err := one(op, created, ok, groupFrom)
	out.ClusterID = g.ClusterID
	return out, err
}

// GetGroup reads a group again, with the IDs of its machines.
func (c *Client) GetGroup(ctx context.Context, g Group) (Group, []string, error) {
	op := "read affinity group " + g.Name
	resp, err := call(ctx, c, op, repeatable, func(e *engine) *sdk.AffinityGroupServiceGetRequest {
		return groupsOf(e, g.ClusterID).GroupService(g.ID).Get()
	})
	if err != nil {
		return Group{}, nil, err
	}
	group, ok := resp.Group()
	out, err := one(op, group, ok, groupFrom)
	if err != nil {
		return Group{}, nil, err
	}
	out.ClusterID = g.ClusterID
	var members []string
	if list, ok := group.Vms(); ok {
		for _, vm := range list.Slice() {
			if id, ok := vm.Id(); ok {
				members = append(members, id)
			}
		}
	}
	return out, members, nil
}

// GroupVMs returns the IDs of a group's machines.
func (c *Client) GroupVMs(ctx context.Context, g Group) ([]string, error) {
	_, members, err := c.GetGroup(ctx, g)
	return members, err
}

// JoinGroup puts a machine into a group. Engines before 4.4.7 answer a success
// with something that the SDK cannot read (BZ 1932320), so the caller looks
// again instead of trusting the error.
func (c *Client) JoinGroup(ctx context.Context, g Group, vm VM) error {
	op := "add virtual machine " + vm.Name + " to affinity group " + g.Name
	return ignore(call(ctx, c, op, single, func(e *engine) *sdk.AffinityGroupVmsServiceAddRequest {
		return groupsOf(e, g.ClusterID).GroupService(g.ID).VmsService().Add().
			Vm(sdk.NewVmBuilder().Id(vm.ID).MustBuild())
	}))
}

// DeleteGroup removes a group. One that is gone is fine.
func (c *Client) DeleteGroup(ctx context.Context, g Group) error {
	op := "delete affinity group " + g.Name
	return gone(ignore(call(ctx, c, op, repeatable, func(e *engine) *sdk.AffinityGroupServiceRemoveRequest {
		return groupsOf(e, g.ClusterID).GroupService(g.ID).Remove()
	})))
}
