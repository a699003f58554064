package datacenter

import (
	"slices"

	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
	"github.com/okd-install/okd-install/pkg/lab/engine/refuse"
)

// schedule finds a host for a VM: up, allowed by placement policy and
// enforcing affinity rules, with memory left; the least loaded of those.
// The lock is held.
func (dc *DataCenter) schedule(action refuse.Action, vm *model.VM) (*KnownHost, error) {
	var best *KnownHost
	bestLoad := 0
	for _, h := range dc.Layout.Hosts {
		if dc.HostStatus(h) != HostUp || !placed(vm, h) || !dc.affine(vm, h) {
			continue
		}
		load, memory := 0, h.MemoryMB<<20
		for _, other := range dc.State.VMs {
			if other.Host == h.ID {
				load++
				memory -= other.Spec.Memory
			}
		}
		if memory >= vm.Spec.Memory && (best == nil || load < bestLoad) {
			best, bestLoad = h, load
		}
	}
	if best == nil {
		return nil, action.Conflict("There is no host that satisfies current scheduling constraints. " +
			"See below for details:")
	}
	return best, nil
}

func placed(vm *model.VM, h *KnownHost) bool {
	p := vm.Spec.Placement
	return p == nil || len(p.Hosts) == 0 || api.Val(p.Affinity) == "migratable" ||
		slices.ContainsFunc(p.Hosts, func(want *api.Ref) bool { return want.ID == h.ID })
}

// affine applies the enforcing rules of affinity groups.
func (dc *DataCenter) affine(vm *model.VM, h *KnownHost) bool {
	for _, g := range dc.State.Groups {
		if !slices.Contains(g.VMs, vm.ID) {
			continue
		}
		if r := g.HostsRule; r.Enabled && r.Enforcing && slices.Contains(g.Hosts, h.ID) != r.Positive {
			return false
		}
		if r := g.VMsRule; !r.Enabled || !r.Enforcing && !g.Enforcing {
			continue
		}
		for _, id := range g.VMs {
			other := dc.State.VMs[id]
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
