package api

import "encoding/xml"

// VM is a virtual machine.
type VM struct {
	XMLName          xml.Name           `xml:"vm"`
	Href             string             `xml:"href,attr,omitempty"`
	ID               string             `xml:"id,attr,omitempty"`
	Actions          *Actions           `xml:"actions"`
	Links            []Link             `xml:"link"`
	Name             *string            `xml:"name"`
	Description      *string            `xml:"description"`
	Comment          *string            `xml:"comment"`
	Cluster          *Ref               `xml:"cluster"`
	Console          *Console           `xml:"console"`
	CPU              *CPU               `xml:"cpu"`
	CreationTime     *string            `xml:"creation_time"`
	CustomProperties *[]CustomProperty  `xml:"custom_properties>custom_property"`
	DeleteProtected  *bool              `xml:"delete_protected"`
	Host             *Ref               `xml:"host"`
	Initialization   *Initialization    `xml:"initialization"`
	InstanceType     *Ref               `xml:"instance_type"`
	Memory           *int64             `xml:"memory"`
	MemoryPolicy     *MemoryPolicy      `xml:"memory_policy"`
	Origin           *string            `xml:"origin"`
	OriginalTemplate *Ref               `xml:"original_template"`
	OS               *OperatingSystem   `xml:"os"`
	PlacementPolicy  *PlacementPolicy   `xml:"placement_policy"`
	RunOnce          *bool              `xml:"run_once"`
	SoundcardEnabled *bool              `xml:"soundcard_enabled"`
	StartTime        *string            `xml:"start_time"`
	Stateless        *bool              `xml:"stateless"`
	Status           *string            `xml:"status"`
	StopReason       *string            `xml:"stop_reason"`
	StopTime         *string            `xml:"stop_time"`
	Template         *Ref               `xml:"template"`
	Type             *string            `xml:"type"`
	DiskAttachments  *[]*DiskAttachment `xml:"disk_attachments>disk_attachment"`
	Nics             *[]*NIC            `xml:"nics>nic"`
	Tags             *[]*Tag            `xml:"tags>tag"`
	ReportedDevices  *[]*ReportedDevice `xml:"reported_devices>reported_device"`
}

// Actions lists what may be posted to an object.
type Actions struct {
	Links []Link `xml:"link"`
}

// Console is the serial console switch.
type Console struct {
	Enabled *bool `xml:"enabled"`
}

// CPU is shape and mode of a virtual CPU.
type CPU struct {
	Mode     *string   `xml:"mode" json:"mode,omitempty"`
	Topology *Topology `xml:"topology" json:"topology,omitempty"`
}

// Topology counts cores per socket, sockets and threads per core.
type Topology struct {
	Cores   int `xml:"cores" json:"cores"`
	Sockets int `xml:"sockets" json:"sockets"`
	Threads int `xml:"threads" json:"threads"`
}

// CustomProperty is a named setting, for example hugepages.
type CustomProperty struct {
	Name  string `xml:"name" json:"name"`
	Value string `xml:"value" json:"value"`
}

// Initialization is what the guest gets at its first boot.
type Initialization struct {
	AuthorizedSSHKeys *string             `xml:"authorized_ssh_keys" json:"authorizedSSHKeys,omitempty"`
	CustomScript      *string             `xml:"custom_script" json:"customScript,omitempty"`
	DNSSearch         *string             `xml:"dns_search" json:"dnsSearch,omitempty"`
	DNSServers        *string             `xml:"dns_servers" json:"dnsServers,omitempty"`
	HostName          *string             `xml:"host_name" json:"hostName,omitempty"`
	NICConfigurations *[]NICConfiguration `xml:"nic_configurations>nic_configuration" json:"nicConfigurations,omitempty"`
	RegenerateSSHKeys *bool               `xml:"regenerate_ssh_keys" json:"regenerateSSHKeys,omitempty"`
	UserName          *string             `xml:"user_name" json:"userName,omitempty"`
}

// NICConfiguration is a guest's network setting.
type NICConfiguration struct {
	BootProtocol *string `xml:"boot_protocol" json:"bootProtocol,omitempty"`
	IP           *IP     `xml:"ip" json:"ip,omitempty"`
	IPv6         *IP     `xml:"ipv6" json:"ipv6,omitempty"`
	Name         *string `xml:"name" json:"name,omitempty"`
	OnBoot       *bool   `xml:"on_boot" json:"onBoot,omitempty"`
}

// IP is an address with its neighbourhood.
type IP struct {
	Address *string `xml:"address" json:"address,omitempty"`
	Gateway *string `xml:"gateway" json:"gateway,omitempty"`
	Netmask *string `xml:"netmask" json:"netmask,omitempty"`
	Version *string `xml:"version" json:"version,omitempty"`
}

// MemoryPolicy bounds a VM's memory.
type MemoryPolicy struct {
	Ballooning *bool  `xml:"ballooning" json:"ballooning,omitempty"`
	Guaranteed *int64 `xml:"guaranteed" json:"guaranteed,omitempty"`
	Max        *int64 `xml:"max" json:"max,omitempty"`
}

// OperatingSystem decides, among others, how initialization is passed on.
type OperatingSystem struct {
	Type *string `xml:"type"`
	Boot *Boot   `xml:"boot"`
}

// Boot lists the boot devices in order.
type Boot struct {
	Devices *[]string `xml:"devices>device"`
}

// PlacementPolicy pins a VM to hosts.
type PlacementPolicy struct {
	Affinity *string  `xml:"affinity" json:"affinity,omitempty"`
	Hosts    *[]*Host `xml:"hosts>host" json:"hosts,omitempty"`
}

// NIC is a virtual network card.
type NIC struct {
	XMLName     xml.Name `xml:"nic"`
	Href        string   `xml:"href,attr,omitempty"`
	ID          string   `xml:"id,attr,omitempty"`
	Links       []Link   `xml:"link"`
	Name        *string  `xml:"name"`
	Comment     *string  `xml:"comment"`
	Description *string  `xml:"description"`
	Interface   *string  `xml:"interface"`
	Linked      *bool    `xml:"linked"`
	MAC         *MAC     `xml:"mac"`
	Plugged     *bool    `xml:"plugged"`
	VM          *Ref     `xml:"vm"`
	VNICProfile *Ref     `xml:"vnic_profile"`
}

// MAC is a hardware address.
type MAC struct {
	Address string `xml:"address"`
}

// GraphicsConsole is a display of a VM.
type GraphicsConsole struct {
	XMLName  xml.Name `xml:"graphics_console"`
	Href     string   `xml:"href,attr"`
	ID       string   `xml:"id,attr"`
	Protocol string   `xml:"protocol"`
	VM       *Ref     `xml:"vm"`
}

// ReportedDevice is what the guest agent reports about a network card.
type ReportedDevice struct {
	XMLName xml.Name `xml:"reported_device"`
	Href    string   `xml:"href,attr"`
	ID      string   `xml:"id,attr"`
	Name    string   `xml:"name"`
	IPs     *[]IP    `xml:"ips>ip"`
	MAC     *MAC     `xml:"mac"`
	Type    string   `xml:"type"`
	VM      *Ref     `xml:"vm"`
}

// Template is a frozen VM. Instance types are templates without disks and have
// the same fields under another element name.
type Template struct {
	XMLName          xml.Name
	Href             string             `xml:"href,attr,omitempty"`
	ID               string             `xml:"id,attr,omitempty"`
	Links            []Link             `xml:"link"`
	Name             *string            `xml:"name"`
	Description      *string            `xml:"description"`
	Comment          *string            `xml:"comment"`
	Cluster          *Ref               `xml:"cluster"`
	Console          *Console           `xml:"console"`
	CPU              *CPU               `xml:"cpu"`
	CreationTime     *string            `xml:"creation_time"`
	CustomProperties *[]CustomProperty  `xml:"custom_properties>custom_property"`
	Initialization   *Initialization    `xml:"initialization"`
	Memory           *int64             `xml:"memory"`
	MemoryPolicy     *MemoryPolicy      `xml:"memory_policy"`
	OS               *OperatingSystem   `xml:"os"`
	SoundcardEnabled *bool              `xml:"soundcard_enabled"`
	Status           *string            `xml:"status"`
	Type             *string            `xml:"type"`
	VM               *VM                `xml:"vm"`
	DiskAttachments  *[]*DiskAttachment `xml:"disk_attachments>disk_attachment"`
	Nics             *[]*NIC            `xml:"nics>nic"`
}
