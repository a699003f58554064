package types

import (
	"net/netip"

	"github.com/okd-install/okd-install/pkg/secret"
)

// BareMetalPlatform is hosts with a BMC.
type BareMetalPlatform struct {
	LibvirtURI                   string                `json:"libvirtURI,omitempty"`
	APIVIPs                      []netip.Addr          `json:"apiVIPs,omitempty"`
	IngressVIPs                  []netip.Addr          `json:"ingressVIPs,omitempty"`
	LegacyAPIVIP                 netip.Addr            `json:"apiVIP,omitzero"`
	LegacyIngressVIP             netip.Addr            `json:"ingressVIP,omitzero"`
	LoadBalancer                 *LoadBalancer         `json:"loadBalancer,omitempty"`
	ProvisioningNetwork          string                `json:"provisioningNetwork,omitempty"`
	ProvisioningNetworkCIDR      netip.Prefix          `json:"provisioningNetworkCIDR,omitzero"`
	ProvisioningNetworkInterface string                `json:"provisioningNetworkInterface,omitempty"`
	ProvisioningDHCPRange        string                `json:"provisioningDHCPRange,omitempty"`
	ProvisioningBridge           string                `json:"provisioningBridge,omitempty"`
	ProvisioningMACAddress       string                `json:"provisioningMACAddress,omitempty"`
	BootstrapProvisioningIP      netip.Addr            `json:"bootstrapProvisioningIP,omitzero"`
	ClusterProvisioningIP        netip.Addr            `json:"clusterProvisioningIP,omitzero"`
	ExternalBridge               string                `json:"externalBridge,omitempty"`
	ExternalMACAddress           string                `json:"externalMACAddress,omitempty"`
	BootstrapExternalStaticIP    netip.Addr            `json:"bootstrapExternalStaticIP,omitzero"`
	BootstrapExternalStaticGW    netip.Addr            `json:"bootstrapExternalStaticGateway,omitzero"`
	BootstrapExternalStaticDNS   netip.Addr            `json:"bootstrapExternalStaticDNS,omitzero"`
	BootstrapOSImage             string                `json:"bootstrapOSImage,omitempty"`
	ClusterOSImage               string                `json:"clusterOSImage,omitempty"`
	AdditionalNTPServers         []string              `json:"additionalNTPServers,omitempty"`
	Hosts                        []BareMetalHost       `json:"hosts,omitempty"`
	DefaultMachinePlatform       *BareMetalMachinePool `json:"defaultMachinePlatform,omitempty"`
}

// BareMetalHost is one host.
type BareMetalHost struct {
	Name            string           `json:"name"`
	Role            string           `json:"role,omitempty"`
	BMC             BMC              `json:"bmc"`
	BootMACAddress  string           `json:"bootMACAddress"`
	BootMode        string           `json:"bootMode,omitempty"`
	HardwareProfile string           `json:"hardwareProfile,omitempty"`
	RootDeviceHints *RootDeviceHints `json:"rootDeviceHints,omitempty"`
	NetworkConfig   map[string]any   `json:"networkConfig,omitempty"`
}

// BMC is how to reach a host's management controller.
type BMC struct {
	Address                        string        `json:"address"`
	Username                       string        `json:"username"`
	Password                       secret.String `json:"password"`
	DisableCertificateVerification bool          `json:"disableCertificateVerification,omitempty"`
}

// RootDeviceHints picks the disk to install on.
type RootDeviceHints struct {
	DeviceName         string `json:"deviceName,omitempty"`
	HCTL               string `json:"hctl,omitempty"`
	Model              string `json:"model,omitempty"`
	Vendor             string `json:"vendor,omitempty"`
	SerialNumber       string `json:"serialNumber,omitempty"`
	MinSizeGigabytes   int    `json:"minSizeGigabytes,omitempty"`
	WWN                string `json:"wwn,omitempty"`
	WWNWithExtension   string `json:"wwnWithExtension,omitempty"`
	WWNVendorExtension string `json:"wwnVendorExtension,omitempty"`
	Rotational         *bool  `json:"rotational,omitempty"`
}
