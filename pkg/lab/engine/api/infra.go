package api

import "encoding/xml"

// DataCenter groups clusters, networks and storage.
type DataCenter struct {
	XMLName     xml.Name `xml:"data_center"`
	Href        string   `xml:"href,attr,omitempty"`
	ID          string   `xml:"id,attr,omitempty"`
	Links       []Link   `xml:"link"`
	Name        *string  `xml:"name"`
	Description *string  `xml:"description"`
	Comment     *string  `xml:"comment"`
	Local       *bool    `xml:"local"`
	Status      *string  `xml:"status"`
	Version     *Version `xml:"version"`
}

// Cluster groups hosts.
type Cluster struct {
	XMLName     xml.Name    `xml:"cluster"`
	Href        string      `xml:"href,attr,omitempty"`
	ID          string      `xml:"id,attr,omitempty"`
	Links       []Link      `xml:"link"`
	Name        *string     `xml:"name"`
	Description *string     `xml:"description"`
	Comment     *string     `xml:"comment"`
	CPU         *HostCPU    `xml:"cpu"`
	DataCenter  *Ref        `xml:"data_center"`
	Version     *Version    `xml:"version"`
	Networks    *[]*Network `xml:"networks>network"`
}

// HostCPU is the processor of a cluster or a host.
type HostCPU struct {
	Architecture string    `xml:"architecture,omitempty"`
	Name         string    `xml:"name,omitempty"`
	Type         string    `xml:"type,omitempty"`
	Topology     *Topology `xml:"topology"`
}

// Host is a hypervisor.
type Host struct {
	XMLName     xml.Name `xml:"host" json:"-"`
	Href        string   `xml:"href,attr,omitempty" json:"-"`
	ID          string   `xml:"id,attr,omitempty" json:"id,omitempty"`
	Links       []Link   `xml:"link" json:"-"`
	Name        *string  `xml:"name" json:"name,omitempty"`
	Description *string  `xml:"description" json:"-"`
	Comment     *string  `xml:"comment" json:"-"`
	Address     *string  `xml:"address" json:"-"`
	Cluster     *Ref     `xml:"cluster" json:"-"`
	CPU         *HostCPU `xml:"cpu" json:"-"`
	Memory      *int64   `xml:"memory" json:"-"`
	Status      *string  `xml:"status" json:"-"`
	Summary     *Count   `xml:"summary" json:"-"`
	Type        *string  `xml:"type" json:"-"`
}

// Network is a logical network of a data center.
type Network struct {
	XMLName     xml.Name  `xml:"network"`
	Href        string    `xml:"href,attr,omitempty"`
	ID          string    `xml:"id,attr,omitempty"`
	Links       []Link    `xml:"link"`
	Name        *string   `xml:"name"`
	Description *string   `xml:"description"`
	Comment     *string   `xml:"comment"`
	Cluster     *Ref      `xml:"cluster"`
	DataCenter  *Ref      `xml:"data_center"`
	MTU         *int      `xml:"mtu"`
	Status      *string   `xml:"status"`
	STP         *bool     `xml:"stp"`
	Usages      *[]string `xml:"usages>usage"`
}

// VNICProfile is how VMs reach a network.
type VNICProfile struct {
	XMLName     xml.Name `xml:"vnic_profile"`
	Href        string   `xml:"href,attr,omitempty"`
	ID          string   `xml:"id,attr,omitempty"`
	Links       []Link   `xml:"link"`
	Name        *string  `xml:"name"`
	Description *string  `xml:"description"`
	Comment     *string  `xml:"comment"`
	Network     *Ref     `xml:"network"`
	PassThrough *Mode    `xml:"pass_through"`
	PortMirror  *bool    `xml:"port_mirroring"`
	Filter      *Ref     `xml:"network_filter"`
}

// Mode wraps a mode element.
type Mode struct {
	Mode string `xml:"mode"`
}

// StorageDomain holds disks.
type StorageDomain struct {
	XMLName        xml.Name `xml:"storage_domain"`
	Href           string   `xml:"href,attr,omitempty"`
	ID             string   `xml:"id,attr,omitempty"`
	Links          []Link   `xml:"link"`
	Name           *string  `xml:"name"`
	Description    *string  `xml:"description"`
	Comment        *string  `xml:"comment"`
	Available      *int64   `xml:"available"`
	Committed      *int64   `xml:"committed"`
	DataCenters    *[]*Ref  `xml:"data_centers>data_center"`
	ExternalStatus *string  `xml:"external_status"`
	Master         *bool    `xml:"master"`
	Status         *string  `xml:"status"`
	Storage        *Storage `xml:"storage"`
	StorageFormat  *string  `xml:"storage_format"`
	Type           *string  `xml:"type"`
	Used           *int64   `xml:"used"`
}

// Storage is where a domain's bytes are.
type Storage struct {
	Address *string `xml:"address"`
	Path    *string `xml:"path"`
	Type    string  `xml:"type"`
}

// Disk is a virtual disk.
type Disk struct {
	XMLName         xml.Name          `xml:"disk"`
	Href            string            `xml:"href,attr,omitempty"`
	ID              string            `xml:"id,attr,omitempty"`
	Actions         *Actions          `xml:"actions"`
	Links           []Link            `xml:"link"`
	Name            *string           `xml:"name"`
	Description     *string           `xml:"description"`
	Alias           *string           `xml:"alias"`
	ActualSize      *int64            `xml:"actual_size"`
	Backup          *string           `xml:"backup"`
	ContentType     *string           `xml:"content_type"`
	Format          *string           `xml:"format"`
	ImageID         *string           `xml:"image_id"`
	InitialSize     *int64            `xml:"initial_size"`
	PropagateErrors *bool             `xml:"propagate_errors"`
	ProvisionedSize *int64            `xml:"provisioned_size"`
	QcowVersion     *string           `xml:"qcow_version"`
	Shareable       *bool             `xml:"shareable"`
	Sparse          *bool             `xml:"sparse"`
	Status          *string           `xml:"status"`
	StorageDomain   *Ref              `xml:"storage_domain"`
	StorageDomains  *[]*StorageDomain `xml:"storage_domains>storage_domain"`
	StorageType     *string           `xml:"storage_type"`
	TotalSize       *int64            `xml:"total_size"`
	WipeAfterDelete *bool             `xml:"wipe_after_delete"`
	Bootable        *bool             `xml:"bootable"`
	Interface       *string           `xml:"interface"`
}

// DiskAttachment joins a disk to a VM or a template.
type DiskAttachment struct {
	XMLName     xml.Name `xml:"disk_attachment"`
	Href        string   `xml:"href,attr,omitempty"`
	ID          string   `xml:"id,attr,omitempty"`
	Active      *bool    `xml:"active"`
	Bootable    *bool    `xml:"bootable"`
	Disk        *Disk    `xml:"disk"`
	Interface   *string  `xml:"interface"`
	LogicalName *string  `xml:"logical_name"`
	PassDiscard *bool    `xml:"pass_discard"`
	ReadOnly    *bool    `xml:"read_only"`
	Template    *Ref     `xml:"template"`
	VM          *Ref     `xml:"vm"`
}

// ImageTransfer moves a disk's content in or out.
type ImageTransfer struct {
	XMLName           xml.Name `xml:"image_transfer"`
	Href              string   `xml:"href,attr,omitempty"`
	ID                string   `xml:"id,attr,omitempty"`
	Actions           *Actions `xml:"actions"`
	Active            *bool    `xml:"active"`
	Direction         *string  `xml:"direction"`
	Disk              *Disk    `xml:"disk"`
	Format            *string  `xml:"format"`
	Host              *Host    `xml:"host"`
	Image             *Ref     `xml:"image"`
	InactivityTimeout *int     `xml:"inactivity_timeout"`
	Phase             *string  `xml:"phase"`
	ProxyURL          *string  `xml:"proxy_url"`
	Shallow           *bool    `xml:"shallow"`
	TimeoutPolicy     *string  `xml:"timeout_policy"`
	TransferURL       *string  `xml:"transfer_url"`
	Transferred       *int64   `xml:"transferred"`
}
