package ovirt

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	sdk "github.com/ovirt/go-ovirt"
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
	ClusterID               string
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
	Drive                   bool     // boots the drive if no disk has a system
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
	return first(vms, func(vm VM) bool { return vm.Name == name }), err
}

// VMsByTag returns the machines that carry a tag.
func (c *Client) VMsByTag(ctx context.Context, tag string) ([]VM, error) {
	return c.searchVMs(ctx, "tag="+tag)
}

// VMsByPrefix returns the machines whose names begin so.
func (c *Client) VMsByPrefix(ctx context.Context, prefix string) ([]VM, error) {
	vms, err := c.searchVMs(ctx, "name="+prefix+"*")
	return only(vms, func(vm VM) bool { return strings.HasPrefix(vm.Name, prefix) }), err
}

// searchVMs goes to the SDK: the library cannot convert every machine that an
// engine may hold, and fails the whole list then.
func (c *Client) searchVMs(ctx context.Context, query string) ([]VM, error) {
	return call(ctx, c, "search virtual machines", repeatable, func(e *engine) *sdk.VmsServiceListRequest {
		return e.VmsService().List().Search(query)
	}, all((*sdk.VmsServiceListResponse).Vms, vmFrom))
}

// GetVM returns the machine with that ID.
func (c *Client) GetVM(ctx context.Context, id string) (VM, error) {
	return call(ctx, c, "read virtual machine "+id, repeatable, func(e *engine) *sdk.VmServiceGetRequest {
		return e.VmsService().VmService(id).Get()
	}, one((*sdk.VmServiceGetResponse).Vm, vmFrom))
}

func vmFrom(v *sdk.Vm) VM {
	cpu := part(part(v.Cpu()).Topology())
	return VM{
		ID: val(v.Id()), Name: val(v.Name()), Description: val(v.Description()),
		Status: string(val(v.Status())), Type: string(val(v.Type())), OSType: val(part(v.Os()).Type()),
		ClusterID: val(part(v.Cluster()).Id()), OriginalTemplateID: val(part(v.OriginalTemplate()).Id()),
		Sockets: val(cpu.Sockets()), Cores: val(cpu.Cores()), Threads: val(cpu.Threads()),
		MemoryBytes: val(v.Memory()), RanBefore: ranBefore(v),
	}
}

func ranBefore(v *sdk.Vm) bool {
	_, started := v.StartTime()
	stop, stopped := v.StopTime()
	// A machine that never ran may have the time of its creation there.
	if made, ok := v.CreationTime(); stopped && ok {
		stopped = stop.Sub(made) > time.Minute
	}
	return started || stopped
}

// CreateVM asks for a machine; it is image_locked until its disks are there.
func (c *Client) CreateVM(ctx context.Context, spec VMSpec) (VM, error) {
	op := "create virtual machine " + spec.Name
	vm, err := sdkVM(spec)
	if err != nil {
		return VM{}, fmt.Errorf("%s: %w", op, err)
	}
	return call(ctx, c, op, single, func(e *engine) *sdk.VmsServiceAddRequest {
		return e.VmsService().Add().Clone(spec.Clone).Vm(vm)
	}, one((*sdk.VmsServiceAddResponse).Vm, vmFrom))
}

func sdkVM(spec VMSpec) (*sdk.Vm, error) {
	b := sdk.NewVmBuilder().
		Name(spec.Name).
		Description(spec.Description).
		ClusterBuilder(sdk.NewClusterBuilder().Id(spec.ClusterID)).
		TemplateBuilder(sdk.NewTemplateBuilder().Id(cmp.Or(spec.TemplateID, BlankTemplate))).
		Type(sdk.VmType(spec.Type))
	if spec.Drive {
		b.OsBuilder(booting(sdk.BOOTDEVICE_HD, sdk.BOOTDEVICE_CDROM).Type(spec.OSType))
	} else {
		b.OsBuilder(sdk.NewOperatingSystemBuilder().Type(spec.OSType))
	}
	fast := spec.Type == "high_performance"
	if spec.InstanceTypeID != "" {
		b.InstanceTypeBuilder(sdk.NewInstanceTypeBuilder().Id(spec.InstanceTypeID))
	} else {
		cpu := sdk.NewCpuBuilder().TopologyBuilder(sdk.NewCpuTopologyBuilder().
			Sockets(spec.Sockets).Cores(spec.Cores).Threads(spec.Threads))
		policy := sdk.NewMemoryPolicyBuilder().Max(spec.MemoryBytes).Guaranteed(spec.MemoryBytes)
		if fast {
			cpu.Mode(sdk.CPUMODE_HOST_PASSTHROUGH)
			policy.Ballooning(false)
		}
		b.CpuBuilder(cpu).Memory(spec.MemoryBytes).MemoryPolicyBuilder(policy)
	}
	if fast {
		b.ConsoleBuilder(sdk.NewConsoleBuilder().Enabled(true)).SoundcardEnabled(false)
	}
	if spec.HugepagesKiB > 0 {
		size := strconv.Itoa(spec.HugepagesKiB)
		b.CustomPropertiesBuilderOfAny(*sdk.NewCustomPropertyBuilder().Name("hugepages").Value(size))
	}
	if len(spec.Script) > 0 {
		// Never a host name: if the config has no /etc/hostname the engine injects
		// one and may replace a storage section that has no files.
		b.InitializationBuilder(sdk.NewInitializationBuilder().CustomScript(string(spec.Script)))
	}
	if len(spec.PinToHosts) > 0 {
		policy := sdk.NewVmPlacementPolicyBuilder().Affinity(sdk.VMAFFINITY_MIGRATABLE)
		for _, id := range spec.PinToHosts {
			policy.HostsBuilderOfAny(*sdk.NewHostBuilder().Id(id))
		}
		b.PlacementPolicyBuilder(policy)
	}
	for _, d := range spec.Disks {
		disk := sdk.NewDiskBuilder().Id(d.DiskID)
		if d.Sparse != nil {
			disk.Sparse(*d.Sparse)
		}
		if d.Format != "" {
			disk.Format(sdk.DiskFormat(d.Format))
		}
		if d.StorageDomainID != "" {
			disk.StorageDomainsBuilderOfAny(*sdk.NewStorageDomainBuilder().Id(d.StorageDomainID))
		}
		b.DiskAttachmentsBuilderOfAny(*sdk.NewDiskAttachmentBuilder().DiskBuilder(disk))
	}
	return b.Build()
}

// StartVM powers a machine on, one that ran before with its Ignition: the engine takes
// it away when the guest first comes up, perhaps before Ignition is done.
func (c *Client) StartVM(ctx context.Context, vm VM) error {
	return order(ctx, c, "start virtual machine "+vm.Name, single, func(e *engine) *sdk.VmServiceStartRequest {
		req := e.VmsService().VmService(vm.ID).Start()
		if vm.RanBefore {
			req.UseIgnition(true)
		}
		return req
	})
}

// StopVM cuts a machine's power; one that is down stays down.
func (c *Client) StopVM(ctx context.Context, vm VM) error {
	return order(ctx, c, "stop virtual machine "+vm.Name, repeatable, func(e *engine) *sdk.VmServiceStopRequest {
		return e.VmsService().VmService(vm.ID).Stop()
	})
}

// DeleteVM removes a machine with its disks. One that is gone is fine.
func (c *Client) DeleteVM(ctx context.Context, vm VM) error {
	op := "delete virtual machine " + vm.Name
	return gone(order(ctx, c, op, repeatable, func(e *engine) *sdk.VmServiceRemoveRequest {
		return e.VmsService().VmService(vm.ID).Remove().DetachOnly(false)
	}))
}

// AutoPin lets the engine fit CPU and NUMA layout of a machine to its host.
func (c *Client) AutoPin(ctx context.Context, vm VM) error {
	op := "pin virtual machine " + vm.Name
	return order(ctx, c, op, repeatable, func(e *engine) *sdk.VmServiceAutoPinCpuAndNumaNodesRequest {
		return e.VmsService().VmService(vm.ID).AutoPinCpuAndNumaNodes().OptimizeCpuSettings(true)
	})
}

// RemoveGraphicsConsoles leaves a machine headless.
func (c *Client) RemoveGraphicsConsoles(ctx context.Context, vm VM) error {
	op := "remove consoles of virtual machine " + vm.Name
	consoles, err := call(ctx, c, op, repeatable, func(e *engine) *sdk.VmGraphicsConsolesServiceListRequest {
		return e.VmsService().VmService(vm.ID).GraphicsConsolesService().List()
	}, func(r *sdk.VmGraphicsConsolesServiceListResponse) ([]string, bool) { return ids(r.Consoles()), true })
	if err != nil {
		return err
	}
	for _, id := range consoles {
		err := order(ctx, c, op, repeatable, func(e *engine) *sdk.VmGraphicsConsoleServiceRemoveRequest {
			return e.VmsService().VmService(vm.ID).GraphicsConsolesService().ConsoleService(id).Remove()
		})
		if gone(err) != nil {
			return err
		}
	}
	return nil
}

// HasNIC reports whether a machine has a network card.
func (c *Client) HasNIC(ctx context.Context, vmID string) (bool, error) {
	cards, err := call(ctx, c, "list network cards", repeatable, func(e *engine) *sdk.VmNicsServiceListRequest {
		return e.VmsService().VmService(vmID).NicsService().List()
	}, func(r *sdk.VmNicsServiceListResponse) ([]string, bool) { return ids(r.Nics()), true })
	return len(cards) > 0, err
}

// AddNIC plugs a network card into a machine. Without an address it gets one of the engine's.
func (c *Client) AddNIC(ctx context.Context, vmID, name, profileID, mac string) error {
	return order(ctx, c, "add network card "+name, single, func(e *engine) *sdk.VmNicsServiceAddRequest {
		nic := sdk.NewNicBuilder().Name(name).VnicProfileBuilder(sdk.NewVnicProfileBuilder().Id(profileID))
		if mac != "" {
			nic.MacBuilder(sdk.NewMacBuilder().Address(mac))
		}
		return e.VmsService().VmService(vmID).NicsService().Add().Nic(nic.MustBuild())
	})
}

// Addresses returns what the guest agent reports: nothing, where there is none.
func (c *Client) Addresses(ctx context.Context, vmID string) ([]netip.Addr, error) {
	const op = "read reported devices"
	devices, err := call(ctx, c, op, repeatable, func(e *engine) *sdk.VmReportedDevicesServiceListRequest {
		return e.VmsService().VmService(vmID).ReportedDevicesService().List()
	}, all((*sdk.VmReportedDevicesServiceListResponse).ReportedDevice, addressesFrom))
	return slices.Concat(devices...), err
}

// addressesFrom are the addresses of a device that others can reach.
func addressesFrom(d *sdk.ReportedDevice) []netip.Addr {
	found, ok := d.Ips()
	addresses := each(found, ok, func(ip *sdk.Ip) netip.Addr {
		a, _ := netip.ParseAddr(val(ip.Address())) // what is none is not valid
		return a
	})
	return only(addresses, func(a netip.Addr) bool {
		return a.IsValid() && !a.IsLoopback() && !a.IsLinkLocalUnicast()
	})
}
