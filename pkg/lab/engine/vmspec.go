package engine

import (
	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
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
		hosts = append(hosts, &api.Host{Href: href("hosts", h.ID), ID: h.ID})
	}
	out.Hosts = api.Some(hosts)
	return out
}

// applySpec takes over what a document says about a VM's description and
// hardware; what it leaves out stays. The name is the caller's business.
func (c *call) applySpec(action string, vm *model.VM, in *api.VM) error {
	s := &vm.Spec
	if in.InstanceType != nil {
		size, ok := c.world.size(in.InstanceType)
		if !ok {
			return invalid("Cannot %s. The Instance Type doesn't exist.", action)
		}
		vm.InstanceType = size.ID
		s.CPU.Topology = &api.Topology{Cores: size.Cores, Sockets: size.Sockets, Threads: 1}
		s.Memory = size.Memory
		s.MemoryPolicy = api.MemoryPolicy{Ballooning: s.MemoryPolicy.Ballooning, Guaranteed: api.Ptr(size.Memory), Max: api.Ptr(4 * size.Memory)}
	}
	set(&vm.Description, in.Description)
	set(&vm.Comment, in.Comment)
	set(&vm.DeleteProtected, in.DeleteProtected)
	set(&s.Type, in.Type)
	set(&s.Soundcard, in.SoundcardEnabled)
	if in.Console != nil {
		set(&s.Console, in.Console.Enabled)
	}
	if in.OS != nil {
		set(&s.OS, in.OS.Type)
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
		return invalid("Cannot %s. VM type %q is not supported.", action, s.Type)
	}
	if err := c.applyCPU(action, s, in.CPU); err != nil {
		return err
	}
	if err := c.applyPlacement(action, s, in.PlacementPolicy); err != nil {
		return err
	}
	return applyMemory(action, s, in)
}

func (c *call) applyCPU(action string, s *model.Spec, cpu *api.CPU) error {
	if cpu == nil {
		return nil
	}
	if cpu.Mode != nil {
		switch *cpu.Mode {
		case "custom", "host_model", "host_passthrough":
		default:
			return invalid("Cannot %s. CPU mode %q is not supported.", action, *cpu.Mode)
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
			return invalid("Cannot %s. The CPU topology has a negative number.", action)
		}
	}
	// MaxNumOfVmCpus of cluster level 4.7.
	if n := t.Cores * t.Sockets * t.Threads; n > 710 {
		return conflict("Cannot %s. Number of CPUs %d exceeds the maximum of 710.", action, n)
	}
	s.CPU.Topology = &t
	return nil
}

func (c *call) applyPlacement(action string, s *model.Spec, p *api.PlacementPolicy) error {
	if p == nil {
		return nil
	}
	out := &api.PlacementPolicy{Affinity: p.Affinity}
	if out.Affinity == nil {
		out.Affinity = api.Ptr("migratable")
	}
	var hosts []*api.Host
	for _, want := range api.Val(p.Hosts) {
		id := ""
		for _, h := range c.world.hosts {
			if want.ID == h.ID || want.ID == "" && api.Val(want.Name) == h.Name {
				id = h.ID
			}
		}
		if id == "" {
			return conflict("Cannot %s. The dedicated Host does not exist.", action)
		}
		hosts = append(hosts, &api.Host{ID: id})
	}
	out.Hosts = api.Some(hosts)
	s.Placement = out
	return nil
}

func applyMemory(action string, s *model.Spec, in *api.VM) error {
	if in.Memory != nil {
		if *in.Memory <= 0 {
			return invalid("Cannot %s. Memory size must be positive.", action)
		}
		s.Memory = *in.Memory
		// Not said otherwise, the bounds follow the size.
		s.MemoryPolicy.Guaranteed = api.Ptr(s.Memory)
		s.MemoryPolicy.Max = api.Ptr(4 * s.Memory)
	}
	if p := in.MemoryPolicy; p != nil {
		for dst, src := range map[**int64]*int64{&s.MemoryPolicy.Guaranteed: p.Guaranteed, &s.MemoryPolicy.Max: p.Max} {
			if src != nil {
				*dst = src
			}
		}
		if p.Ballooning != nil {
			s.MemoryPolicy.Ballooning = p.Ballooning
		}
	}
	if api.Val(s.MemoryPolicy.Guaranteed) > s.Memory {
		return invalid("Cannot %s. Physical Memory Guaranteed cannot exceed Memory Size.", action)
	}
	if api.Val(s.MemoryPolicy.Max) < s.Memory {
		return invalid("Cannot %s. Memory size cannot exceed the maximum memory size.", action)
	}
	return nil
}
