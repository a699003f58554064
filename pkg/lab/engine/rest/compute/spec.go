package compute

import (
	"cmp"

	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/datacenter"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
	"github.com/okd-install/okd-install/pkg/lab/engine/refuse"
	"github.com/okd-install/okd-install/pkg/lab/engine/rest"
)

func osXML(s *model.Spec) *api.Element {
	devices := api.New("devices").Set("device", s.BootDevices)
	return api.New("os").Set("type", s.OS).Add(api.New("boot").Add(devices))
}

func consoleXML(s *model.Spec) *api.Element { return api.New("console").Set("enabled", s.Console) }

func propertiesXML(s *model.Spec) []*api.Element {
	return api.Each(s.Properties, func(p api.CustomProperty) *api.Element {
		return api.New("custom_property").Set("name", p.Name).Set("value", p.Value)
	})
}

func placementXML(s *model.Spec) *api.Element {
	out := api.New("placement_policy")
	if s.Placement == nil {
		return out.Set("affinity", "migratable")
	}
	hosts := api.Each(s.Placement.Hosts, func(h *api.Ref) *api.Element { return api.Object("host", "hosts", h.ID) })
	return out.Set("affinity", s.Placement.Affinity).Some("hosts", hosts)
}

// applySpec takes over a document's description and hardware of a VM; what it
// leaves out stays. The caller checks and changes the name.
func applySpec(c *rest.Call, action refuse.Action, vm *model.VM, in *api.VM) error {
	s := &vm.Spec
	if in.InstanceType != nil {
		size := c.Layout.Size(in.InstanceType)
		if size == nil {
			return action.Invalid("The Instance Type doesn't exist.")
		}
		vm.InstanceType = size.ID
		s.CPU.Topology, s.Memory = size.CPU().Topology, size.Memory
		s.MemoryPolicy.Guaranteed, s.MemoryPolicy.Max = size.MemoryPolicy().Guaranteed, size.MemoryPolicy().Max
	}
	rest.Set(&vm.Description, in.Description)
	rest.Set(&vm.Comment, in.Comment)
	rest.Set(&vm.DeleteProtected, in.DeleteProtected)
	rest.Set(&s.Type, in.Type)
	rest.Set(&s.Soundcard, in.SoundcardEnabled)
	rest.Set(&s.Console, in.Console)
	rest.Set(&s.OS, in.OS)
	if len(in.BootDevices) > 0 {
		if err := datacenter.BootDevices(action, in.BootDevices); err != nil {
			return err
		}
		s.BootDevices = in.BootDevices
	}
	if in.Initialization != nil {
		s.Initialization = in.Initialization
	}
	if in.CustomProperties != nil {
		s.Properties = in.CustomProperties
	}
	switch s.Type {
	case "desktop", "server", "high_performance":
	default:
		return action.Invalid("VM type %q is not supported.", s.Type)
	}
	return cmp.Or(applyCPU(action, s, in.CPU), applyPlacement(c, action, s, in.PlacementPolicy),
		applyMemory(action, s, in))
}

func applyCPU(action refuse.Action, s *model.Spec, cpu *api.CPU) error {
	if cpu == nil {
		return nil
	}
	if cpu.Mode != nil {
		switch *cpu.Mode {
		case "custom", "host_model", "host_passthrough":
		default:
			return action.Invalid("CPU mode %q is not supported.", *cpu.Mode)
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
			return action.Invalid("The CPU topology has a negative number.")
		}
	}
	// MaxNumOfVmCpus of cluster level 4.7.
	if n := t.Cores * t.Sockets * t.Threads; n > 710 {
		return action.Conflict("Number of CPUs %d exceeds the maximum of 710.", n)
	}
	s.CPU.Topology = &t
	return nil
}

func applyPlacement(c *rest.Call, action refuse.Action, s *model.Spec, p *api.PlacementPolicy) error {
	if p == nil {
		return nil
	}
	out := &api.PlacementPolicy{Affinity: cmp.Or(p.Affinity, new("migratable"))}
	for _, want := range p.Hosts {
		h := model.Find(c.Layout.Hosts, func(h *datacenter.KnownHost) bool { return want.Means(h.ID, h.Name) })
		if h == nil {
			return action.Conflict("The dedicated Host does not exist.")
		}
		out.Hosts = append(out.Hosts, &api.Ref{ID: h.ID})
	}
	s.Placement = out
	return nil
}

func applyMemory(action refuse.Action, s *model.Spec, in *api.VM) error {
	if in.Memory != nil {
		if *in.Memory <= 0 {
			return action.Invalid("Memory size must be positive.")
		}
		s.Memory = *in.Memory
		// Unless the document has others, the bounds follow the size.
		s.MemoryPolicy.Guaranteed, s.MemoryPolicy.Max = new(s.Memory), new(4*s.Memory)
	}
	if p := in.MemoryPolicy; p != nil {
		policy := &s.MemoryPolicy
		policy.Guaranteed = cmp.Or(p.Guaranteed, policy.Guaranteed)
		policy.Max = cmp.Or(p.Max, policy.Max)
		policy.Ballooning = cmp.Or(p.Ballooning, policy.Ballooning)
	}
	return cmp.Or(
		action.InvalidIf(api.Val(s.MemoryPolicy.Guaranteed) > s.Memory,
			"Physical Memory Guaranteed cannot exceed Memory Size."),
		action.InvalidIf(api.Val(s.MemoryPolicy.Max) < s.Memory,
			"Memory size cannot exceed the maximum memory size."),
	)
}
