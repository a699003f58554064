package agent

import (
	"net/netip"
	"time"
)

// Report is what a host says every Interval: POST /v1/hosts/{id}.
type Report struct {
	// Boot is different after every boot of the live system.
	Boot string `json:"boot"`
	// Time is the host's clock.
	Time time.Time `json:"time"`
	// Hostname and Role that the host was told last. The checks are for this role, and a
	// service that has lost its state gives them again.
	Hostname  string    `json:"hostname,omitempty"`
	Role      string    `json:"role,omitempty"`
	Stage     Stage     `json:"stage"`
	Inventory Inventory `json:"inventory"`
	Checks    []Check   `json:"checks"`
	// Disk is the one that its hints choose; empty if there is none, or more than one.
	Disk string `json:"disk,omitempty"`
	// Doing is a line about the stage, such as "1,204 of 2,560 MiB written".
	Doing string `json:"doing,omitempty"`
	// Percent of the disk that is written.
	Percent int `json:"percent,omitempty"`
	// Problem is what a failed host stopped at.
	Problem *Problem `json:"problem,omitempty"`
}

// Problem is what is wrong, and what to do about it, in a sentence each.
type Problem struct {
	Message string `json:"message"`
	Next    string `json:"next"`
}

// Result of a check.
type Result string

// The results. A check that cannot be made yet is pending, which blocks like a failure.
const (
	Pass    Result = "pass"
	Fail    Result = "fail"
	Warn    Result = "warn" // does not block
	Pending Result = "pending"
)

// Check is one check of a host.
type Check struct {
	// ID is a constant of package check, such as "memory".
	ID     string `json:"id"`
	Result Result `json:"result"`
	Problem
}

// Blocks reports whether the host cannot be installed because of the check.
func (c Check) Blocks() bool { return c.Result == Fail || c.Result == Pending }

// Inventory is the hardware of a host as its live system sees it.
type Inventory struct {
	ID           string `json:"id"` // of the host, the same after every boot
	UUID         string `json:"uuid"`
	Vendor       string `json:"vendor,omitempty"`
	Product      string `json:"product,omitempty"`
	Serial       string `json:"serial,omitempty"`
	Hostname     string `json:"hostname,omitempty"`
	Architecture string `json:"architecture"`
	CPUs         int    `json:"cpus"`
	MemoryMiB    int    `json:"memoryMiB"` // usable and reserved
	UEFI         bool   `json:"uefi"`
	Disks        []Disk `json:"disks"`
	NICs         []NIC  `json:"nics"`
	// Gateways are those of the default routes.
	Gateways []netip.Addr `json:"gateways,omitempty"`
}

// Disk is one disk.
type Disk struct {
	Name   string `json:"name"`             // sda
	Path   string `json:"path"`             // /dev/sda
	ByPath string `json:"byPath,omitempty"` // /dev/disk/by-path/...
	// Links are all names in /dev/disk/by-path that the disk has; some have two.
	Links      []string `json:"links,omitempty"`
	ByID       string   `json:"byID,omitempty"` // /dev/disk/by-id/...
	HCTL       string   `json:"hctl,omitempty"`
	Model      string   `json:"model,omitempty"`
	Vendor     string   `json:"vendor,omitempty"`
	Serial     string   `json:"serial,omitempty"`
	WWN        string   `json:"wwn,omitempty"`
	SizeBytes  int64    `json:"sizeBytes"`
	Rotational bool     `json:"rotational,omitempty"`
	Removable  bool     `json:"removable,omitempty"`
	// Unusable says why the disk cannot be installed to, such as "read-only" or "the live
	// system was started from it".
	Unusable string `json:"unusable,omitempty"`
}

// NIC is one network interface, bonds and VLANs included.
type NIC struct {
	Name      string         `json:"name"`
	MAC       string         `json:"mac"` // lower case; of a card its own, also when it is in a bond
	Physical  bool           `json:"physical,omitempty"`
	Carrier   bool           `json:"carrier,omitempty"`
	MTU       int            `json:"mtu,omitempty"`
	SpeedMbps int            `json:"speedMbps,omitempty"`
	Addresses []netip.Prefix `json:"addresses,omitempty"`
}

// Order is the answer to a report.
type Order struct {
	// Hostname and Role that the host gets; empty until they are decided.
	Hostname string `json:"hostname,omitempty"`
	Role     string `json:"role,omitempty"`
	Action   Action `json:"action"`
	// Reboot when the disk is written. Workers wait for it until there is a control plane.
	Reboot bool `json:"reboot,omitempty"`
	// Running: the cluster answers already, so that something has its virtual addresses.
	Running bool `json:"running,omitempty"`
	// Problem is why this host is not installed, if the service found it.
	Problem *Problem `json:"problem,omitempty"`
	// Time is the clock of the rendezvous host.
	Time time.Time `json:"time"`
	// Peers are the other hosts.
	Peers []Peer `json:"peers,omitempty"`
}

// Peer is what a host knows of another one.
type Peer struct {
	ID        string       `json:"id"`
	Hostname  string       `json:"hostname"`
	Role      string       `json:"role,omitempty"`
	Addresses []netip.Addr `json:"addresses"` // in the machine networks
}

// Status is what the rendezvous host knows: GET /v1/status.
type Status struct {
	ClusterName string    `json:"clusterName"`
	Time        time.Time `json:"time"`
	// Since is when the service began with nothing. It changes if the rendezvous host loses its
	// power, and with that all that it knew.
	Since time.Time `json:"since"`
	// Waiting is what the installation waits for, in a line; empty when it is done.
	Waiting string `json:"waiting,omitempty"`
	// Stages of the bootstrap that are done, as in its records, and the present one.
	Bootstrap []string     `json:"bootstrap,omitempty"`
	Hosts     []HostStatus `json:"hosts"`
	// Missing is the number of hosts that have not registered, and those of them that the
	// config names.
	Missing      int      `json:"missing"`
	MissingNames []string `json:"missingNames,omitempty"`
	// LeftOut are the hosts that the installation goes on without, by the names in the config.
	LeftOut []string `json:"leftOut,omitempty"`
	// Problem ends the installation until somebody does something.
	Problem *Problem `json:"problem,omitempty"`
	// Events are the newest, oldest first, at most 100.
	Events []Event `json:"events,omitempty"`
}

// HostStatus is one host in the status.
type HostStatus struct {
	ID         string       `json:"id"`
	Hostname   string       `json:"hostname"`
	Role       string       `json:"role,omitempty"`
	Rendezvous bool         `json:"rendezvous,omitempty"`
	Addresses  []netip.Addr `json:"addresses,omitempty"`
	MACs       []string     `json:"macs,omitempty"`
	Stage      Stage        `json:"stage"`
	Doing      string       `json:"doing,omitempty"`
	Percent    int          `json:"percent,omitempty"`
	Disk       string       `json:"disk,omitempty"`
	// DiskID is what that disk is recognized by, once the host has an order.
	DiskID    *DiskID   `json:"diskID,omitempty"`
	LastHeard time.Time `json:"lastHeard"`
	// Silent: nothing was heard for longer than Silence, and something should have been.
	Silent  bool     `json:"silent,omitempty"`
	Checks  []Check  `json:"checks,omitempty"` // that have not passed
	Problem *Problem `json:"problem,omitempty"`
}

// LeaveOut are hosts without which the installation goes on: POST /v1/leave-out. Only workers that the config names can
// be left out, and not all of them.
type LeaveOut struct {
	Hosts []string `json:"hosts"` // hostnames
}

// Event is something that happened.
type Event struct {
	Time    time.Time `json:"time"`
	Host    string    `json:"host,omitempty"` // its hostname
	Message string    `json:"message"`
}

// Self is what the agent of a host leaves in SelfFile for the console, which shows it
// when the rendezvous host does not answer.
type Self struct {
	Host HostStatus `json:"host"`
	// Rendezvous is the address of the rendezvous host.
	Rendezvous netip.Addr `json:"rendezvousIP"`
	// Contact says why the rendezvous host does not answer; empty if it does.
	Contact string `json:"contact,omitempty"`
}
