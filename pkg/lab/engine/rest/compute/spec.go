package compute

import (
	"cmp"

	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/datacenter"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
	"github.com/okd-install/okd-install/pkg/lab/engine/refuse"
	"github.com/okd-install/okd-install/pkg/lab/engine/rest"
)

func osXML(s *model.Spec) *api.OperatingSystem {
	return &api.OperatingSystem{Type: &s.OS, Boot: &api.Boot{Devices: api.Some(s.BootDevices)}}
}

func placementXML(s *model.Spec) *api.PlacementPolicy {
	if s.Placement == nil {
		return &api.PlacementPolicy{Affinity: api.Ptr("migratable")}
	}
	out := &api.PlacementPolicy{Affinity: s.Placement.Affinity}
	var hosts []*api.Host
	for _, h := range api.Val(s.Placement.Hosts) {
		hosts = append(hosts, &api.Host{Href: rest.Href("hosts", h.ID), ID: h.ID})
	}
	out.Hosts = api.Some(hosts)
	return out
}

// applySpec takes over a document's description and hardware of a VM; what it
// leaves out stays. The caller checks and changes the name.
func applySpec(c *rest.Call, action string, vm *model.VM, in *api.VM) error {
	s := &vm.Spec
	if in.InstanceType != nil {
		size := c.Layout.Size(in.InstanceType)
		if size == nil {
			return refuse.Invalid("Cannot %s. The Instance Type doesn't exist.", action)
		}
		vm.InstanceType = size.ID
		s.CPU.Topology = &api.Topology{Cores: size.Cores, Sockets: size.Sockets, Threads: 1}
		s.Memory = size.Memory
		s.MemoryPolicy.Guaranteed, s.MemoryPolicy.Max = api.Ptr(size.Memory), api.Ptr(4*size.Memory)
	}
	rest.Set(&vm.Description, in.Description)
	rest.Set(&vm.Comment, in.Comment)
	rest.Set(&vm.DeleteProtected, in.DeleteProtected)
	rest.Set(&s.Type, in.Type)
	rest.Set(&s.Soundcard, in.SoundcardEnabled)
	if in.Console != nil {
		rest.Set(&s.Console, in.Console.Enabled)
	}
	if in.OS != nil {
		rest.Set(&s.OS, in.OS.Type)
		if in.OS.Boot != nil && len(api.Val(in.OS.Boot.Devices)) > 0 {
			s.BootDevices = *in.OS.Boot.Devices
		}
	}
	if in.Initialization != nil {
		s.Initialization = in.Initialization
	}
	if in.CustomProperties != nil {
		s.Properties = *in.CustomProperties
	}
	switch s.Type {
	case "desktop", "server", "high_performance":
	default:
		return refuse.Invalid("Cannot %s. VM type %q is not supported.", action, s.Type)
	}
	if err := applyCPU(c, action, s, in.CPU); err != nil {
		return err
	}
	if err := applyPlacement(c, action, s, in.PlacementPolicy); err != nil {
		return err
	}
	return applyMemory(action, s, in)
}

func applyCPU(c *rest.Call, action string, s *model.Spec, cpu *api.CPU) error {
	if cpu == nil {
		return nil
	}
	if cpu.Mode != nil {
		switch *cpu.Mode {
		case "custom", "host_model", "host_passthrough":
		default:
			return refuse.Invalid("Cannot %s. CPU mode %q is not supported.", action, *cpu.Mode)
		}
		s.CPU.Mode = cpu.Mode
	}
	if cpu.Topology == nil {
		return nil
	}
	t := *cpu.Topology
	for _, n := range []*int{&t.Cores, &t.Sockets, &t.Threads} {
		if *n == 0 {
			*n = 1 // left out
		}
		if *n < 0 {
			return refuse.Invalid("Cannot %s. The CPU topology has a negative number.", action)
		}
	}
	// MaxNumOfVmCpus of cluster level 4.7.
	if n := t.Cores * t.Sockets * t.Threads; n > 710 {
		return refuse.Conflict("Cannot %s. Number of CPUs %d exceeds the maximum of 710.", action, n)
	}
	s.CPU.Topology = &t
	return nil
}

func applyPlacement(c *rest.Call, action string, s *model.Spec, p *api.PlacementPolicy) error {
	if p == nil {
		return nil
	}
	out := &api.PlacementPolicy{Affinity: p.Affinity}
	if out.Affinity == nil {
		out.Affinity = api.Ptr("migratable")
	}
	var hosts []*api.Host
	for _, want := range api.Val(p.Hosts) {
		ref := api.Ref{ID: want.ID, Name: want.Name}
		h := model.Find(c.Layout.Hosts, func(h *datacenter.KnownHost) bool { return ref.Means(h.ID, h.Name) })
		if h == nil {
			return refuse.Conflict("Cannot %s. The dedicated Host does not exist.", action)
		}
		hosts = append(hosts, &api.Host{ID: h.ID})
	}
	out.Hosts = api.Some(hosts)
	s.Placement = out
	return nil
}

func applyMemory(action string, s *model.Spec, in *api.VM) error {
	if in.Memory != nil {
		if *in.Memory <= 0 {
			return refuse.Invalid("Cannot %s. Memory size must be positive.", action)
		}
		s.Memory = *in.Memory
		// Unless the document has others, the bounds follow the size.
		s.MemoryPolicy.Guaranteed = api.Ptr(s.Memory)
		s.MemoryPolicy.Max = api.Ptr(4 * s.Memory)
	}
	if p := in.MemoryPolicy; p != nil {
		policy := &s.MemoryPolicy
		policy.Guaranteed = cmp.Or(p.Guaranteed, policy.Guaranteed)
		policy.Max = cmp.Or(p.Max, policy.Max)
		policy.Ballooning = cmp.Or(p.Ballooning, policy.Ballooning)
	}
	if api.Val(s.MemoryPolicy.Guaranteed) > s.Memory {
		return refuse.Invalid("Cannot %s. Physical Memory Guaranteed cannot exceed Memory Size.", action)
	}
	if api.Val(s.MemoryPolicy.Max) < s.Memory {
		return refuse.Invalid("Cannot %s. Memory size cannot exceed the maximum memory size.", action)
	}
	return nil
}
