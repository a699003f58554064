// Package config is platform.baremetal of an install-config: its fields, defaults
// and rules.
package config

import (
	"net/netip"

	"github.com/okd-install/okd-install/pkg/secret"
	"github.com/okd-install/okd-install/pkg/types"
	"github.com/okd-install/okd-install/pkg/types/vips"
)

// Name is the key of the platform.
const Name = "baremetal"

// Kind is the platform, as readers of an install-config know it.
func Kind() types.PlatformKind {
	return types.PlatformKind{
		Name: Name, New: func() types.PlatformSettings { return &Platform{} }, NewPool: func() any { return &MachinePool{} },
		Help:     "is hosts with a management controller, which the installer starts.",
		PoolHelp: "has no settings; the hosts carry them.",
		Arbiters: true, Fencing: true, AnyFamilyFirst: true, Agent: true,
	}
}

// Kind implements types.PlatformSettings.
func (*Platform) Kind() types.PlatformKind { return Kind() }

// Of returns the settings of a config, nil if it is for another platform.
func Of(c *types.InstallConfig) *Platform {
	p, _ := c.Platform.Settings.(*Platform)
	return p
}

// Kinds of provisioning network.
const (
	ProvisioningManaged   = "Managed"
	ProvisioningUnmanaged = "Unmanaged"
	ProvisioningDisabled  = "Disabled"
)

// DNSRecordsExternal says that the user's DNS server has the cluster's names.
const DNSRecordsExternal = "External"

// Platform is hosts with a management controller (BMC).
type Platform struct {
	// LibvirtURI is the libvirt that releases of the reference installer run their
	// bootstrap VM in. Default: qemu:///system. This installer needs no libvirt and
	// ignores it.
	LibvirtURI string `json:"libvirtURI,omitempty" default:"qemu:///system"`

	// APIVIPs are the virtual addresses of the API. Default: what DNS has for
	// api.<name>.<baseDomain>. One, or for dual stack one per IP family; free
	// addresses in machineNetwork, outside of any DHCP range.
	APIVIPs []netip.Addr `json:"apiVIPs,omitempty" maxitems:"2"`
	// IngressVIPs are the virtual addresses of routes. Default: what DNS has for
	// test.apps.<name>.<baseDomain>. As apiVIPs, and different from them.
	IngressVIPs []netip.Addr `json:"ingressVIPs,omitempty" maxitems:"2"`
	// LegacyAPIVIP is the old form of apiVIPs, with one address.
	LegacyAPIVIP netip.Addr `json:"apiVIP,omitzero" renamed:"apiVIPs"`
	// LegacyIngressVIP is the old form of ingressVIPs, with one address.
	LegacyIngressVIP netip.Addr `json:"ingressVIP,omitzero" renamed:"ingressVIPs"`
	// LegacyDNSVIP is an address that releases before 4.5 needed. It means nothing
	// any more.
	LegacyDNSVIP netip.Addr `json:"dnsVIP,omitzero" renamed:""`
	// LoadBalancer says who balances API and routes. Default: the nodes do.
	LoadBalancer *vips.LoadBalancer `json:"loadBalancer,omitempty"`
	// DNSRecordsType says who answers for the names of API and routes. Default:
	// Internal, the nodes do. One of Internal, External; External needs your load
	// balancer, the feature gate OnPremDNSRecords and a release since 4.22, and the
	// nodes have to ask your DNS server.
	DNSRecordsType string `json:"dnsRecordsType,omitempty" enum:"Internal,External"`

	// ProvisioningNetwork says whether there is a network of its own to boot hosts
	// from, and who runs DHCP in it. Default: Managed. One of Managed, Unmanaged,
	// Disabled; with Disabled every BMC has to have virtual media.
	ProvisioningNetwork string `json:"provisioningNetwork,omitempty" enum:"Managed,Unmanaged,Disabled" default:"Managed"`
	// ProvisioningNetworkCIDR is the provisioning network. Default: 172.22.0.0/24,
	// with Disabled the machine network that has clusterProvisioningIP.
	ProvisioningNetworkCIDR netip.Prefix `json:"provisioningNetworkCIDR,omitzero" default:"172.22.0.0/24"`
	// ProvisioningNetworkInterface is the network interface of the control-plane
	// hosts that is in the provisioning network. Default: found by bootMACAddress.
	ProvisioningNetworkInterface string `json:"provisioningNetworkInterface,omitempty"`
	// ProvisioningDHCPRange is the addresses for hosts that boot from the network.
	// Default: with Managed from the tenth to the last of provisioningNetworkCIDR,
	// otherwise none. First and last address, separated by a comma.
	ProvisioningDHCPRange string `json:"provisioningDHCPRange,omitempty"`
	// ProvisioningNetworkGateway is the router that hosts get by DHCP in the
	// provisioning network. Default: none. With Managed only, since release 5.0; in
	// provisioningNetworkCIDR, and neither in provisioningDHCPRange nor one of the two
	// provisioning addresses.
	ProvisioningNetworkGateway netip.Addr `json:"provisioningNetworkGateway,omitzero"`
	// LegacyProvisioningDHCPExternal is the old form of provisioningNetwork:
	// Unmanaged.
	LegacyProvisioningDHCPExternal bool `json:"provisioningDHCPExternal,omitempty" renamed:"provisioningNetwork"`
	// ProvisioningBridge is the bridge to the provisioning network on the host that
	// runs the bootstrap VM. Default: provisioning, with Disabled none.
	ProvisioningBridge string `json:"provisioningBridge,omitempty" default:"provisioning"`
	// ProvisioningMACAddress is the hardware address of the bootstrap host in the
	// provisioning network. Default: one is made up when it is needed.
	ProvisioningMACAddress string `json:"provisioningMACAddress,omitempty"`
	// BootstrapProvisioningIP is the address of the bootstrap host for booting
	// others. Default: the second of provisioningNetworkCIDR, with Disabled one by
	// DHCP.
	BootstrapProvisioningIP netip.Addr `json:"bootstrapProvisioningIP,omitzero"`
	// ClusterProvisioningIP is the address in the cluster for booting further
	// hosts. Default: the third of provisioningNetworkCIDR, with Disabled none.
	ClusterProvisioningIP netip.Addr `json:"clusterProvisioningIP,omitzero"`
	// LegacyProvisioningHostIP is the old name of clusterProvisioningIP.
	LegacyProvisioningHostIP netip.Addr `json:"provisioningHostIP,omitzero" renamed:"clusterProvisioningIP"`

	// ExternalBridge is the bridge to machineNetwork on the host that runs the
	// bootstrap VM. Default: baremetal.
	ExternalBridge string `json:"externalBridge,omitempty" default:"baremetal"`
	// ExternalMACAddress is the hardware address of the bootstrap host in
	// machineNetwork. Default: one is made up when it is needed.
	ExternalMACAddress string `json:"externalMACAddress,omitempty"`
	// BootstrapExternalStaticIP is the address of the bootstrap host where there is
	// no DHCP. Default: by DHCP. Set all three bootstrapExternalStatic fields or
	// none.
	BootstrapExternalStaticIP netip.Addr `json:"bootstrapExternalStaticIP,omitzero"`
	// BootstrapExternalStaticGW is the gateway of the bootstrap host. Default: by
	// DHCP.
	BootstrapExternalStaticGW netip.Addr `json:"bootstrapExternalStaticGateway,omitzero"`
	// BootstrapExternalStaticDNS is the name server of the bootstrap host. Default:
	// by DHCP.
	BootstrapExternalStaticDNS netip.Addr `json:"bootstrapExternalStaticDNS,omitzero"`

	// BootstrapOSImage is the image that the bootstrap host starts from. Default:
	// the release's. An http or https URL with ?sha256= and the checksum of the
	// image. Releases since 5.0 are not meant to be given another.
	BootstrapOSImage string `json:"bootstrapOSImage,omitempty"`
	// ClusterOSImage is the image that the hosts are installed from. Default: the
	// release's. As bootstrapOSImage.
	ClusterOSImage string `json:"clusterOSImage,omitempty"`
	// AdditionalNTPServers are time servers for the hosts while they boot. Default:
	// none. Addresses or names.
	AdditionalNTPServers []string `json:"additionalNTPServers,omitempty"`
	// BMCVerifyCA is certificates of authorities that the BMCs' certificates are
	// checked with. Default: the operating system's. PEM.
	BMCVerifyCA string `json:"bmcVerifyCA,omitempty"`
	// Hosts are the hosts, at least as many as all replicas together. Hosts without
	// role become control plane first, then arbiters, then compute.
	Hosts []Host `json:"hosts,omitempty"`
	// DefaultMachinePlatform has no settings.
	DefaultMachinePlatform *MachinePool `json:"defaultMachinePlatform,omitempty"`

	// LegacyIronicURI is where early releases ran Ironic. It means nothing any more.
	LegacyIronicURI string `json:"ironicURI,omitempty" renamed:""`
	// LegacyImage is the image that early releases installed from. It means nothing
	// any more.
	LegacyImage any `json:"image,omitempty" renamed:""`
}

// Host is one host.
type Host struct {
	// Name is the name of the host. A DNS name that no other host has.
	Name string `json:"name" required:"true"`
	// Role is what the host is for. Default: whatever is still needed. One of
	// master, worker, arbiter.
	Role string `json:"role,omitempty" enum:"master,worker,arbiter"`
	// BMC is how to reach the host's management controller.
	BMC BMC `json:"bmc" required:"true"`
	// BootMACAddress is the hardware address of the network interface that the host
	// boots from, like 52:54:00:12:34:56. No other host has it.
	BootMACAddress string `json:"bootMACAddress" required:"true"`
	// BootMode is the firmware's mode. Default: UEFI. One of UEFI, UEFISecureBoot,
	// legacy.
	BootMode string `json:"bootMode,omitempty" enum:"UEFI,UEFISecureBoot,legacy" default:"UEFI"`
	// HardwareProfile is the kind of hardware, for releases that still look at it.
	// Default: default.
	HardwareProfile string `json:"hardwareProfile,omitempty" default:"default"`
	// RootDeviceHints picks the disk to install on. Default: the first. All hints
	// have to match.
	RootDeviceHints *types.RootDeviceHints `json:"rootDeviceHints,omitempty"`
	// NetworkConfig is the network configuration of the host. Default: DHCP. In the
	// format of nmstate.
	NetworkConfig map[string]any `json:"networkConfig,omitempty"`
}

// BMC is how to reach a host's management controller.
type BMC struct {
	// Address is the URL of the controller, like
	// redfish-virtualmedia+https://192.168.1.10/redfish/v1/Systems/1. No other host
	// has it.
	Address string `json:"address" required:"true"`
	// Username is the user to log in as.
	Username string `json:"username" required:"true"`
	// Password is the user's password.
	Password secret.String `json:"password" required:"true"`
	// DisableCertificateVerification accepts any certificate of the controller.
	// Default: false.
	DisableCertificateVerification bool `json:"disableCertificateVerification,omitempty" default:"false"`
}

// MachinePool has no settings; hosts carry them.
type MachinePool struct{}
