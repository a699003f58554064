package ovirt

import (
	"context"

	ovirtsdk "github.com/ovirt/go-ovirt"
)

// Group is an affinity group of a cluster.
type Group struct {
	ID, Name, Description, ClusterID string
	Priority                         int
	Enforcing                        bool // of the rule for machines
}

// Groups lists the affinity groups of a cluster whose names begin so.
func (c *Client) Groups(ctx context.Context, clusterID, prefix string) ([]Group, error) {
	return ask(ctx, c, "list affinity groups", func(s *session) ([]Group, error) {
		var out []Group
		resp, err := s.api.ClustersService().ClusterService(clusterID).AffinityGroupsService().List().Send()
		if err != nil {
			return nil, err
		}
		if list, ok := resp.Groups(); ok {
			for _, g := range list.Slice() {
				if got := groupFrom(g, clusterID); prefix == "" || hasPrefix(got.Name, prefix) {
					out = append(out, got)
				}
			}
		}
		return out, nil
	})
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

func groupFrom(g *ovirtsdk.AffinityGroup, clusterID string) Group {
	out := Group{ClusterID: clusterID}
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
	return send(ctx, c, op, func(s *session) (Group, error) {
		var out Group
		b := ovirtsdk.NewAffinityGroupBuilder().
			Name(g.Name).Priority(float64(g.Priority)).
			VmsRuleBuilder(ovirtsdk.NewAffinityRuleBuilder().Enabled(true).Positive(false).Enforcing(g.Enforcing)).
			HostsRuleBuilder(ovirtsdk.NewAffinityRuleBuilder().Enabled(false).Positive(true).Enforcing(false))
		if g.Description != "" { // an empty one is refused by some engines (BZ 2100496)
			b.Description(g.Description)
		}
		resp, err := s.api.ClustersService().ClusterService(g.ClusterID).AffinityGroupsService().Add().Group(b.MustBuild()).Send()
		if err != nil {
			return out, err
		}
		created, ok := resp.Group()
		if !ok {
			return out, &Error{Op: op, Kind: Broken, Detail: "the answer holds no affinity group"}
		}
		out = groupFrom(created, g.ClusterID)
		return out, nil
	})
}

// GetGroup reads a group again, with the IDs of its machines.
func (c *Client) GetGroup(ctx context.Context, g Group) (Group, []string, error) {
	type answer struct {
		group   Group
		members []string
	}
	op := "read affinity group " + g.Name
	out, err := ask(ctx, c, op, func(s *session) (answer, error) {
		resp, err := s.api.ClustersService().ClusterService(g.ClusterID).AffinityGroupsService().GroupService(g.ID).Get().Send()
		if err != nil {
			return answer{}, err
		}
		group, ok := resp.Group()
		if !ok {
			return answer{}, &Error{Op: op, Kind: Broken, Detail: "the answer holds no affinity group"}
		}
		out := answer{group: groupFrom(group, g.ClusterID)}
		if list, ok := group.Vms(); ok {
			for _, vm := range list.Slice() {
				if id, ok := vm.Id(); ok {
					out.members = append(out.members, id)
				}
			}
		}
		return out, nil
	})
	return out.group, out.members, err
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
	return c.write(ctx, "add virtual machine "+vm.Name+" to affinity group "+g.Name, func(s *session) error {
		_, err := s.api.ClustersService().ClusterService(g.ClusterID).AffinityGroupsService().GroupService(g.ID).
			VmsService().Add().Vm(ovirtsdk.NewVmBuilder().Id(vm.ID).MustBuild()).Send()
		return err
	})
}

// DeleteGroup removes a group. One that is gone is fine.
func (c *Client) DeleteGroup(ctx context.Context, g Group) error {
	return gone(c.read(ctx, "delete affinity group "+g.Name, func(s *session) error {
		_, err := s.api.ClustersService().ClusterService(g.ClusterID).AffinityGroupsService().GroupService(g.ID).Remove().Send()
		return err
	}))
}
