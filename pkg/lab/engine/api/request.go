package api

import "encoding/xml"

// The documents of requests have the fields that the engine reads. Pointers tell
// "absent" from "zero": a client that leaves a field out wants the default or no
// change.

// Val returns what p points to, or the zero value.
func Val[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// Ref names another object.
type Ref struct {
	ID   string  `xml:"id,attr" json:"id,omitempty"`
	Name *string `xml:"name" json:"name,omitempty"`
}

// Means reports whether a reference is to the object of that ID and name; an ID
// in it decides alone.
func (r *Ref) Means(id, name string) bool {
	return r.ID == id || r.ID == "" && Val(r.Name) == name
}

// Action is the body of a POST to an action.
type Action struct {
	XMLName           xml.Name `xml:"action"`
	UseIgnition       *bool    `xml:"use_ignition"`
	UseCloudInit      *bool    `xml:"use_cloud_init"`
	UseInitialization *bool    `xml:"use_initialization"`
	VM                *VM      `xml:"vm"`
	Disk              *Disk    `xml:"disk"`
	StorageDomain     *Ref     `xml:"storage_domain"`
}

// VM is a virtual machine.
type VM struct {
	XMLName          xml.Name          `xml:"vm"`
	ID               string            `xml:"id,attr"`
	Name             *string           `xml:"name"`
	Description      *string           `xml:"description"`
	Comment          *string           `xml:"comment"`
	Cluster          *Ref              `xml:"cluster"`
	Console          *bool             `xml:"console>enabled"`
	CPU              *CPU              `xml:"cpu"`
	CustomProperties []CustomProperty  `xml:"custom_properties>custom_property"`
	DeleteProtected  *bool             `xml:"delete_protected"`
	Initialization   *Initialization   `xml:"initialization"`
	InstanceType     *Ref              `xml:"instance_type"`
	Memory           *int64            `xml:"memory"`
	MemoryPolicy     *MemoryPolicy     `xml:"memory_policy"`
	OS               *string           `xml:"os>type"`
	BootDevices      []string          `xml:"os>boot>devices>device"`
	CDROMs           []*CDROM          `xml:"cdroms>cdrom"`
	PlacementPolicy  *PlacementPolicy  `xml:"placement_policy"`
	SoundcardEnabled *bool             `xml:"soundcard_enabled"`
	Template         *Ref              `xml:"template"`
	Type             *string           `xml:"type"`
	DiskAttachments  []*DiskAttachment `xml:"disk_attachments>disk_attachment"`
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

// PlacementPolicy pins a VM to hosts.
type PlacementPolicy struct {
	Affinity *string `xml:"affinity" json:"affinity,omitempty"`
	Hosts    []*Ref  `xml:"hosts>host" json:"hosts,omitempty"`
}

// NIC is a virtual network card.
type NIC struct {
	XMLName     xml.Name `xml:"nic"`
	Name        *string  `xml:"name"`
	Comment     *string  `xml:"comment"`
	Interface   *string  `xml:"interface"`
	Linked      *bool    `xml:"linked"`
	MAC         *string  `xml:"mac>address"`
	Plugged     *bool    `xml:"plugged"`
	VNICProfile *Ref     `xml:"vnic_profile"`
}

// Template is a frozen VM.
type Template struct {
	Name        *string `xml:"name"`
	Description *string `xml:"description"`
	Comment     *string `xml:"comment"`
	VM          *VM     `xml:"vm"`
}

// Disk is a virtual disk.
type Disk struct {
	XMLName         xml.Name `xml:"disk"`
	ID              string   `xml:"id,attr"`
	Name            *string  `xml:"name"`
	Alias           *string  `xml:"alias"`
	ContentType     *string  `xml:"content_type"`
	Description     *string  `xml:"description"`
	Format          *string  `xml:"format"`
	InitialSize     *int64   `xml:"initial_size"`
	ProvisionedSize *int64   `xml:"provisioned_size"`
	Shareable       *bool    `xml:"shareable"`
	Sparse          *bool    `xml:"sparse"`
	StorageDomain   *Ref     `xml:"storage_domain"`
	StorageDomains  []*Ref   `xml:"storage_domains>storage_domain"`
}

// CDROM is the drive of a VM. A file without an ID empties it.
type CDROM struct {
	XMLName xml.Name `xml:"cdrom"`
	File    *Ref     `xml:"file"`
}

// Title is the disk's alias or, without one, its name; nil when it has neither.
func (d *Disk) Title() *string {
	if d.Alias != nil {
		return d.Alias
	}
	return d.Name
}

// Domain is the first storage domain that the document names, or nil.
func (d *Disk) Domain() *Ref {
	if len(d.StorageDomains) > 0 {
		return d.StorageDomains[0]
	}
	return d.StorageDomain
}

// DiskAttachment joins a disk to a VM or a template.
type DiskAttachment struct {
	XMLName   xml.Name `xml:"disk_attachment"`
	ID        string   `xml:"id,attr"`
	Active    *bool    `xml:"active"`
	Bootable  *bool    `xml:"bootable"`
	Disk      *Disk    `xml:"disk"`
	Interface *string  `xml:"interface"`
	ReadOnly  *bool    `xml:"read_only"`
}

// ImageTransfer moves a disk's content in or out.
type ImageTransfer struct {
	XMLName           xml.Name `xml:"image_transfer"`
	Direction         *string  `xml:"direction"`
	Disk              *Ref     `xml:"disk"`
	Format            *string  `xml:"format"`
	Host              *Ref     `xml:"host"`
	Image             *Ref     `xml:"image"`
	InactivityTimeout *int     `xml:"inactivity_timeout"`
	TimeoutPolicy     *string  `xml:"timeout_policy"`
}

// VNICProfile is how VMs reach a network.
type VNICProfile struct {
	XMLName     xml.Name `xml:"vnic_profile"`
	Name        *string  `xml:"name"`
	Description *string  `xml:"description"`
	Network     *Ref     `xml:"network"`
}

// Tag labels VMs.
type Tag struct {
	XMLName     xml.Name `xml:"tag"`
	ID          string   `xml:"id,attr"`
	Name        *string  `xml:"name"`
	Description *string  `xml:"description"`
	Parent      *Ref     `xml:"parent>tag"`
}

// AffinityGroup rules where VMs may run.
type AffinityGroup struct {
	XMLName     xml.Name      `xml:"affinity_group"`
	Name        *string       `xml:"name"`
	Description *string       `xml:"description"`
	Enforcing   *bool         `xml:"enforcing"`
	Positive    *bool         `xml:"positive"`
	Priority    *float64      `xml:"priority"`
	HostsRule   *AffinityRule `xml:"hosts_rule"`
	VMsRule     *AffinityRule `xml:"vms_rule"`
	Hosts       []*Ref        `xml:"hosts>host"`
	VMs         []*Ref        `xml:"vms>vm"`
}

// AffinityRule is one rule of an affinity group.
type AffinityRule struct {
	Enabled   *bool `xml:"enabled"`
	Enforcing *bool `xml:"enforcing"`
	Positive  *bool `xml:"positive"`
}
