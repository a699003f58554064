package agent

import (
	"slices"

	"github.com/google/uuid"

	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/secret"
	"github.com/okd-install/okd-install/pkg/types"
	"github.com/okd-install/okd-install/pkg/types/values"
)

// NodeHost is a host that is added to a cluster.
type NodeHost struct {
	// Hostname is the name of the host. Default: the one from DHCP or DNS. Required with bmc and ovirt.
	Hostname string `json:"hostname,omitempty"`
	// Role is what the host is for. Default: worker. One of worker, master.
	Role string `json:"role,omitempty" enum:"worker,master"`
	// RootDeviceHints picks the disk to install on. Default: the first. All hints have to match.
	RootDeviceHints *types.RootDeviceHints `json:"rootDeviceHints,omitempty"`
	// Interfaces are network interfaces of the host, at least one.
	Interfaces []Interface `json:"interfaces,omitempty"`
	// NetworkConfig is the network configuration of the host. Default: DHCP. In the format of nmstate, with the
	// interfaces called as in interfaces.
	NetworkConfig map[string]any `json:"networkConfig,omitempty"`

	// BMC is how the installer starts the host. Default: somebody else boots it from the image. Excludes ovirt.
	BMC *BMC `json:"bmc,omitempty"`
	// BootMACAddress is the hardware address of an interface of the host, which the BMC is asked for. Default: that of
	// the first of interfaces. Only with bmc.
	BootMACAddress string `json:"bootMACAddress,omitempty"`
	// BootMode is the firmware's mode. Default: UEFI. One of UEFI, legacy. Only with bmc.
	BootMode string `json:"bootMode,omitempty" enum:"UEFI,legacy"`

	// OVirt makes the host a VM that the installer creates on oVirt. Default: none. {} is one like the workers of the
	// cluster's install-config.
	OVirt *VM `json:"ovirt,omitempty"`
}

// BMC is how to reach a host's management controller.
type BMC struct {
	// Address is the URL of the controller, like redfish-virtualmedia://192.168.1.10/redfish/v1/Systems/1. No other
	// host has it.
	Address string `json:"address" required:"true"`
	// Username is the user to log in as.
	Username string `json:"username" required:"true"`
	// Password is the user's password.
	Password secret.String `json:"password" required:"true"`
	// DisableCertificateVerification accepts any certificate of the controller. Default: false.
	DisableCertificateVerification bool `json:"disableCertificateVerification,omitempty"`
}

// VM is a VM of oVirt. What is not there is taken from the cluster's install-config.
type VM struct {
	// ClusterID is the oVirt cluster. Default: that of the install-config. A UUID.
	ClusterID string `json:"ovirt_cluster_id,omitempty" pattern:"uuid"`
	// StorageDomainID is where the disk is, and the image while the VM starts from it. Default: that of the
	// install-config. A UUID.
	StorageDomainID string `json:"ovirt_storage_domain_id,omitempty" pattern:"uuid"`
	// NetworkName is the network of the VM. Default: that of the install-config.
	NetworkName string `json:"ovirt_network_name,omitempty"`
	// VNICProfileID is the vNIC profile. Default: that of the install-config, else found by the network. A UUID.
	VNICProfileID string `json:"vnicProfileID,omitempty" pattern:"uuid"`
	// CPU is the virtual CPUs. Default: as the workers of the install-config, else 4 cores.
	CPU *VMCPU `json:"cpu,omitempty"`
	// MemoryMB is the memory in MiB. Default: as the workers of the install-config, else 16348.
	MemoryMB int32 `json:"memoryMB,omitempty" min:"1"`
	// OSDisk is the disk. Default: as the workers of the install-config, else 120 GiB.
	OSDisk *VMDisk `json:"osDisk,omitempty"`
}

// VMCPU is a CPU topology.
type VMCPU struct {
	// Sockets is the number of sockets. Default: 1.
	Sockets int32 `json:"sockets,omitempty" min:"1"`
	// Cores is the number of cores in each socket.
	Cores int32 `json:"cores" required:"true" min:"1"`
	// Threads is the number of threads of each core. Default: 1.
	Threads int32 `json:"threads,omitempty" min:"1"`
}

// VMDisk is a disk of a VM.
type VMDisk struct {
	// SizeGB is its size in GiB.
	SizeGB int64 `json:"sizeGB" required:"true" min:"1"`
}

// Host is what a host has in common with those of agent-config.yaml.
func (h *NodeHost) Host() Host {
	return Host{
		Hostname: h.Hostname, Role: h.Role, RootDeviceHints: h.RootDeviceHints, Interfaces: h.Interfaces,
		NetworkConfig: h.NetworkConfig,
	}
}

// Started reports whether the installer starts the host.
func (h *NodeHost) Started() bool { return h.BMC != nil || h.OVirt != nil }

// BootMAC is the hardware address that the BMC is asked for, empty without interfaces.
func (h *NodeHost) BootMAC() string {
	switch {
	case h.BootMACAddress != "":
		return h.BootMACAddress
	case len(h.Interfaces) > 0:
		return h.Interfaces[0].MACAddress
	}
	return ""
}

// check applies the rules for hosts that the installer starts.
func (h *NodeHost) check(at report.Field, addresses values.Unique) {
	if h.Role == types.ArbiterPool {
		at.Child("role").Unsupported(h.Role, types.WorkerPool, types.MasterPool)
	}
	if h.Started() && h.Hostname == "" {
		at.Child("hostname").Required("hosts that the installer starts need one, by which their node is found")
	}
	if h.BMC != nil && h.OVirt != nil {
		at.Child("ovirt").Invalid("", "a host is started through its BMC or is a VM, not both")
	}
	h.OVirt.check(at.Child("ovirt"))
	if h.BMC == nil {
		for _, f := range []struct{ name, value string }{
			{"bootMACAddress", h.BootMACAddress}, {"bootMode", h.BootMode},
		} {
			if f.value != "" {
				at.Child(f.name).Invalid(f.value, "is for hosts with bmc")
			}
		}
		return
	}
	bmc := at.Child("bmc")
	if h.BMC.Username == "" {
		bmc.Child("username").Required("the user to log in to the management controller as")
	}
	if h.BMC.Password.IsZero() {
		bmc.Child("password").Required("the user's password")
	}
	if c := values.BMCAddress(bmc, bmc.Child("address"), h.BMC.Address, addresses); c != nil &&
		c.RequiresProvisioningNetwork() {
		bmc.Child("address").Invalid(h.BMC.Address, "boots hosts from a network; use virtual media, like "+
			"redfish-virtualmedia://...")
	}
	if mac := h.BootMACAddress; mac != "" && values.MAC(at.Child("bootMACAddress"), mac) &&
		!slices.ContainsFunc(h.Interfaces, func(nic Interface) bool {
			return values.PlainMAC(nic.MACAddress) == values.PlainMAC(mac)
		}) {
		at.Child("bootMACAddress").Warn(mac, "no interface of the host has it")
	}
}

// check applies the rules for VMs; nil has none.
func (v *VM) check(at report.Field) {
	if v == nil {
		return
	}
	for _, id := range []struct{ name, value string }{
		{"ovirt_cluster_id", v.ClusterID}, {"ovirt_storage_domain_id", v.StorageDomainID},
		{"vnicProfileID", v.VNICProfileID},
	} {
		if id.value != "" && (len(id.value) != 36 || uuid.Validate(id.value) != nil) { // other forms are none of the engine
			at.Child(id.name).Invalid(id.value, "must be a UUID")
		}
	}
	positive := func(at report.Field, n int64) {
		if n < 0 {
			at.Invalid(n, "must be at least 1")
		}
	}
	positive(at.Child("memoryMB"), int64(v.MemoryMB))
	if cpu := at.Child("cpu"); v.CPU != nil {
		positive(cpu.Child("sockets"), int64(v.CPU.Sockets))
		positive(cpu.Child("threads"), int64(v.CPU.Threads))
		if v.CPU.Cores < 1 {
			cpu.Child("cores").Invalid(v.CPU.Cores, "must be at least 1")
		}
	}
	if v.OSDisk != nil && v.OSDisk.SizeGB < 1 {
		at.Child("osDisk", "sizeGB").Invalid(v.OSDisk.SizeGB, "must be at least 1")
	}
}
