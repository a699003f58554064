package ovirt

import (
	"context"
	"strings"

	sdk "github.com/ovirt/go-ovirt"
)

// Group is an affinity group of a cluster.
type Group struct {
	ID, Name, Description, ClusterID string
	Priority                         int
	Enforcing                        bool     // of the rule for machines
	VMs                              []string // IDs; only what reads the group by its ID has them
}

// Groups lists the affinity groups of a cluster whose names begin so.
func (c *Client) Groups(ctx context.Context, clusterID, prefix string) ([]Group, error) {
	groups, err := call(ctx, c, "list affinity groups", repeatable,
		func(e *engine) *sdk.AffinityGroupsServiceListRequest {
			return groupsOf(e, clusterID).List()
		}, all((*sdk.AffinityGroupsServiceListResponse).Groups, groupFrom(clusterID)))
	return only(groups, func(g Group) bool { return strings.HasPrefix(g.Name, prefix) }), err
}

func groupsOf(e *engine, clusterID string) *sdk.AffinityGroupsService {
	return e.ClustersService().ClusterService(clusterID).AffinityGroupsService()
}

// FindGroup returns the group of that name, nil if there is none.
func (c *Client) FindGroup(ctx context.Context, clusterID, name string) (*Group, error) {
	groups, err := c.Groups(ctx, clusterID, name)
	return first(groups, func(g Group) bool { return g.Name == name }), err
}

func groupFrom(clusterID string) func(*sdk.AffinityGroup) Group {
	return func(g *sdk.AffinityGroup) Group {
		return Group{
			ID: val(g.Id()), Name: val(g.Name()), Description: val(g.Description()), ClusterID: clusterID,
			Priority: int(val(g.Priority())), Enforcing: val(part(g.VmsRule()).Enforcing()), VMs: ids(g.Vms()),
		}
	}
}

// CreateGroup makes a group that keeps its machines on different hosts. The
// library would drop the priority.
func (c *Client) CreateGroup(ctx context.Context, g Group) (Group, error) {
	op := "create affinity group " + g.Name
	return call(ctx, c, op, single, func(e *engine) *sdk.AffinityGroupsServiceAddRequest {
		b := sdk.NewAffinityGroupBuilder().
			Name(g.Name).Priority(float64(g.Priority)).
			VmsRuleBuilder(sdk.NewAffinityRuleBuilder().Enabled(true).Positive(false).Enforcing(g.Enforcing)).
			HostsRuleBuilder(sdk.NewAffinityRuleBuilder().Enabled(false).Positive(true).Enforcing(false))
		if g.Description != "" { // an empty one is refused by some engines (BZ 2100496)
			b.Description(g.Description)
		}
		return groupsOf(e, g.ClusterID).Add().Group(b.MustBuild())
	}, one((*sdk.AffinityGroupsServiceAddResponse).Group, groupFrom(g.ClusterID)))
}

// GetGroup reads a group again, with the IDs of its machines.
func (c *Client) GetGroup(ctx context.Context, g Group) (Group, error) {
	op := "read affinity group " + g.Name
	return call(ctx, c, op, repeatable, func(e *engine) *sdk.AffinityGroupServiceGetRequest {
		return groupsOf(e, g.ClusterID).GroupService(g.ID).Get()
	}, one((*sdk.AffinityGroupServiceGetResponse).Group, groupFrom(g.ClusterID)))
}

// JoinGroup puts a machine into a group. Engines before 4.4.7 answer a success
// with something that the SDK cannot read (BZ 1932320), so the caller looks
// again instead of trusting the error.
func (c *Client) JoinGroup(ctx context.Context, g Group, vm VM) error {
	op := "add virtual machine " + vm.Name + " to affinity group " + g.Name
	return order(ctx, c, op, single, func(e *engine) *sdk.AffinityGroupVmsServiceAddRequest {
		return groupsOf(e, g.ClusterID).GroupService(g.ID).VmsService().Add().
			Vm(sdk.NewVmBuilder().Id(vm.ID).MustBuild())
	})
}

// DeleteGroup removes a group. One that is gone is fine.
func (c *Client) DeleteGroup(ctx context.Context, g Group) error {
	op := "delete affinity group " + g.Name
	return gone(order(ctx, c, op, repeatable, func(e *engine) *sdk.AffinityGroupServiceRemoveRequest {
		return groupsOf(e, g.ClusterID).GroupService(g.ID).Remove()
	}))
}
