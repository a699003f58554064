package ovirt

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	ovirtsdk "github.com/ovirt/go-ovirt"
)

// BlankTemplate is the ID of the engine's empty template.
const BlankTemplate = "00000000-0000-0000-0000-000000000000"

// States of a virtual machine that matter here.
const (
	VMDown        = "down"
	VMUp          = "up"
	VMPoweringUp  = "powering_up"
	VMImageLocked = "image_locked"
)

// VM is a virtual machine as the engine has it.
type VM struct {
	ID, Name, Description   string
	Status                  string
	ClusterID, TemplateID   string
	OriginalTemplateID      string // what it was made of, also if it is a full copy
	Type, OSType            string
	Sockets, Cores, Threads int64
	MemoryBytes             int64
	RanBefore               bool // it was started at least once
}

// VMSpec is a virtual machine to be created.
type VMSpec struct {
	Name, Description       string
	ClusterID, TemplateID   string
	Type, OSType            string
	InstanceTypeID          string
	Sockets, Cores, Threads int64
	MemoryBytes             int64
	HugepagesKiB            int
	Clone                   bool
	Script                  []byte   // Ignition
	PinToHosts              []string // migratable among these
	Disks                   []DiskOverride
}

// DiskOverride changes a template's disk while it is cloned.
type DiskOverride struct {
	DiskID, StorageDomainID, Format string
	Sparse                          *bool
}

// FindVM returns the machine of that name, nil if there is none.
func (c *Client) FindVM(ctx context.Context, name string) (*VM, error) {
	vms, err := c.searchVMs(ctx, "name="+name)
	if err != nil {
		return nil, err
	}
	for _, vm := range vms {
		if vm.Name == name {
			return &vm, nil
		}
	}
	return nil, nil
}

// VMsByTag returns the machines that carry a tag.
func (c *Client) VMsByTag(ctx context.Context, tag string) ([]VM, error) {
	return c.searchVMs(ctx, "tag="+tag)
}

// VMsByPrefix returns the machines whose names begin so.
func (c *Client) VMsByPrefix(ctx context.Context, prefix string) ([]VM, error) {
	vms, err := c.searchVMs(ctx, "name="+prefix+"*")
	if err != nil {
		return nil, err
	}
	var out []VM
	for _, vm := range vms {
		if strings.HasPrefix(vm.Name, prefix) {
			out = append(out, vm)
		}
	}
	return out, nil
}

// searchVMs goes to the SDK: the library cannot convert every machine that an
// engine may hold, and fails the whole list then.
func (c *Client) searchVMs(ctx context.Context, query string) ([]VM, error) {
	return ask(ctx, c, "search virtual machines", func(s *session) ([]VM, error) {
		var out []VM
		resp, err := s.api.VmsService().List().Search(query).Send()
		if err != nil {
			return nil, err
		}
		if list, ok := resp.Vms(); ok {
			for _, vm := range list.Slice() {
				out = append(out, vmFrom(vm))
			}
		}
		return out, nil
	})
}

// GetVM returns the machine with that ID.
func (c *Client) GetVM(ctx context.Context, id string) (VM, error) {
	return ask(ctx, c, "read virtual machine "+id, func(s *session) (VM, error) {
		var out VM
		resp, err := s.api.VmsService().VmService(id).Get().Send()
		if err != nil {
			return out, err
		}
		if vm, ok := resp.Vm(); ok {
			out = vmFrom(vm)
		}
		return out, nil
	})
}

func vmFrom(v *ovirtsdk.Vm) VM {
	vm := VM{}
	vm.ID, _ = v.Id()
	vm.Name, _ = v.Name()
	vm.Description, _ = v.Description()
	if s, ok := v.Status(); ok {
		vm.Status = string(s)
	}
	if cl, ok := v.Cluster(); ok {
		vm.ClusterID, _ = cl.Id()
	}
	if t, ok := v.Template(); ok {
		vm.TemplateID, _ = t.Id()
	}
	if t, ok := v.OriginalTemplate(); ok {
		vm.OriginalTemplateID, _ = t.Id()
	}
	if t, ok := v.Type(); ok {
		vm.Type = string(t)
	}
	if o, ok := v.Os(); ok {
		vm.OSType, _ = o.Type()
	}
	if cpu, ok := v.Cpu(); ok {
		if t, ok := cpu.Topology(); ok {
			vm.Sockets, _ = t.Sockets()
			vm.Cores, _ = t.Cores()
			vm.Threads, _ = t.Threads()
		}
	}
	vm.MemoryBytes, _ = v.Memory()
	_, started := v.StartTime()
	stop, stopped := v.StopTime()
	// A machine that never ran may have the time of its creation there.
	if made, ok := v.CreationTime(); stopped && ok {
		stopped = stop.Sub(made) > time.Minute
	}
	vm.RanBefore = started || stopped
	return vm
}

// CreateVM asks for a machine; it is image_locked until its disks are there.
func (c *Client) CreateVM(ctx context.Context, spec VMSpec) (VM, error) {
	op := "create virtual machine " + spec.Name
	vm, err := sdkVM(spec)
	if err != nil {
		return VM{}, fmt.Errorf("%s: %w", op, err)
	}
	return send(ctx, c, op, func(s *session) (VM, error) {
		var out VM
		resp, err := s.api.VmsService().Add().Clone(spec.Clone).Vm(vm).Send()
		if err != nil {
			return out, err
		}
		created, ok := resp.Vm()
		if !ok {
			return out, &Error{Op: op, Kind: Broken, Detail: "the answer holds no virtual machine"}
		}
		out = vmFrom(created)
		return out, nil
	})
}

func sdkVM(spec VMSpec) (*ovirtsdk.Vm, error) {
	template := spec.TemplateID
	if template == "" {
		template = BlankTemplate
	}
	b := ovirtsdk.NewVmBuilder().
		Name(spec.Name).
		Description(spec.Description).
		ClusterBuilder(ovirtsdk.NewClusterBuilder().Id(spec.ClusterID)).
		TemplateBuilder(ovirtsdk.NewTemplateBuilder().Id(template)).
		Type(ovirtsdk.VmType(spec.Type)).
		OsBuilder(ovirtsdk.NewOperatingSystemBuilder().Type(spec.OSType))
	if spec.InstanceTypeID != "" {
		b.InstanceTypeBuilder(ovirtsdk.NewInstanceTypeBuilder().Id(spec.InstanceTypeID))
	} else {
		cpu := ovirtsdk.NewCpuBuilder().TopologyBuilder(ovirtsdk.NewCpuTopologyBuilder().
			Sockets(spec.Sockets).Cores(spec.Cores).Threads(spec.Threads))
		if spec.Type == "high_performance" {
			cpu.Mode(ovirtsdk.CPUMODE_HOST_PASSTHROUGH)
		}
		policy := ovirtsdk.NewMemoryPolicyBuilder().Max(spec.MemoryBytes).Guaranteed(spec.MemoryBytes)
		if spec.Type == "high_performance" {
			policy.Ballooning(false)
		}
		b.CpuBuilder(cpu).Memory(spec.MemoryBytes).MemoryPolicyBuilder(policy)
	}
	if spec.Type == "high_performance" {
		b.ConsoleBuilder(ovirtsdk.NewConsoleBuilder().Enabled(true)).SoundcardEnabled(false)
	}
	if spec.HugepagesKiB > 0 {
		b.CustomPropertiesBuilderOfAny(*ovirtsdk.NewCustomPropertyBuilder().Name("hugepages").Value(strconv.Itoa(spec.HugepagesKiB)))
	}
	if len(spec.Script) > 0 {
		// Never a host name: if the config has no /etc/hostname the engine injects
		// one and may replace a storage section that has no files.
		b.InitializationBuilder(ovirtsdk.NewInitializationBuilder().CustomScript(string(spec.Script)))
	}
	if len(spec.PinToHosts) > 0 {
		policy := ovirtsdk.NewVmPlacementPolicyBuilder().Affinity(ovirtsdk.VMAFFINITY_MIGRATABLE)
		for _, id := range spec.PinToHosts {
			policy.HostsBuilderOfAny(*ovirtsdk.NewHostBuilder().Id(id))
		}
		b.PlacementPolicyBuilder(policy)
	}
	for _, d := range spec.Disks {
		disk := ovirtsdk.NewDiskBuilder().Id(d.DiskID)
		if d.Sparse != nil {
			disk.Sparse(*d.Sparse)
		}
		if d.Format != "" {
			disk.Format(ovirtsdk.DiskFormat(d.Format))
		}
		if d.StorageDomainID != "" {
			disk.StorageDomainsBuilderOfAny(*ovirtsdk.NewStorageDomainBuilder().Id(d.StorageDomainID))
		}
		b.DiskAttachmentsBuilderOfAny(*ovirtsdk.NewDiskAttachmentBuilder().DiskBuilder(disk))
	}
	return b.Build()
}

// WaitVM waits until a machine is in one of the given states.
func (c *Client) WaitVM(ctx context.Context, id string, limit time.Duration, states ...string) (VM, error) {
	var out VM
	err := c.wait(ctx, limit, "virtual machine to be "+strings.Join(states, " or "), func(ctx context.Context) (bool, string, error) {
		vm, err := c.GetVM(ctx, id)
		if err != nil {
			return false, err.Error(), permanent(err)
		}
		out = vm
		for _, s := range states {
			if vm.Status == s {
				return true, "", nil
			}
		}
		return false, fmt.Sprintf("virtual machine %s is %s", vm.Name, vm.Status), nil
	})
	return out, err
}

// StartVM powers a machine on. A machine that ran before gets its Ignition
// attached again: the engine detaches it when the guest first comes up, which
// may be before Ignition is done with it.
func (c *Client) StartVM(ctx context.Context, vm VM) error {
	return c.write(ctx, "start virtual machine "+vm.Name, func(s *session) error {
		req := s.api.VmsService().VmService(vm.ID).Start()
		if vm.RanBefore {
			req.UseIgnition(true)
		}
		_, err := req.Send()
		return err
	})
}

// StopVM cuts a machine's power; one that is down stays down.
func (c *Client) StopVM(ctx context.Context, vm VM) error {
	return c.read(ctx, "stop virtual machine "+vm.Name, func(s *session) error {
		_, err := s.api.VmsService().VmService(vm.ID).Stop().Send()
		return err
	})
}

// DeleteVM removes a machine with its disks. One that is gone is fine.
func (c *Client) DeleteVM(ctx context.Context, vm VM) error {
	return gone(c.read(ctx, "delete virtual machine "+vm.Name, func(s *session) error {
		_, err := s.api.VmsService().VmService(vm.ID).Remove().DetachOnly(false).Send()
		return err
	}))
}

// UpdateVMDescription replaces a machine's description.
func (c *Client) UpdateVMDescription(ctx context.Context, vm VM, description string) error {
	return c.read(ctx, "describe virtual machine "+vm.Name, func(s *session) error {
		_, err := s.api.VmsService().VmService(vm.ID).Update().
			Vm(ovirtsdk.NewVmBuilder().Description(description).MustBuild()).Send()
		return err
	})
}

// AutoPin lets the engine fit CPU and NUMA layout of a machine to its host.
func (c *Client) AutoPin(ctx context.Context, vm VM) error {
	return c.read(ctx, "pin virtual machine "+vm.Name, func(s *session) error {
		_, err := s.api.VmsService().VmService(vm.ID).AutoPinCpuAndNumaNodes().OptimizeCpuSettings(true).Send()
		return err
	})
}

// RemoveGraphicsConsoles leaves a machine headless.
func (c *Client) RemoveGraphicsConsoles(ctx context.Context, vm VM) error {
	return c.read(ctx, "remove consoles of virtual machine "+vm.Name, func(s *session) error {
		consoles := s.api.VmsService().VmService(vm.ID).GraphicsConsolesService()
		resp, err := consoles.List().Send()
		if err != nil {
			return err
		}
		list, ok := resp.Consoles()
		if !ok {
			return nil
		}
		for _, console := range list.Slice() {
			id, _ := console.Id()
			if _, err := consoles.ConsoleService(id).Remove().Send(); err != nil && gone(classify("", err)) != nil {
				return err
			}
		}
		return nil
	})
}

// gone makes "not found" a success of a deletion.
func gone(err error) error {
	if Is(err, NotFound) {
		return nil
	}
	return err
}

// permanent keeps a wait going over failures that may pass.
func permanent(err error) error {
	if Is(err, Unavailable, Unreachable, Locked) {
		return nil
	}
	return err
}
