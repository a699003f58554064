// Package model is what the engine remembers: plain values that can be written
// to disk and read back, and compared before and after something happened.
package model

import (
	"time"

	"github.com/okd-install/okd-install/pkg/lab/engine/api"
)

// BlankTemplate is the ID of the template that is always there.
const BlankTemplate = "00000000-0000-0000-0000-000000000000"

// The statuses of disks and templates.
const (
	StatusOK      = "ok"
	StatusLocked  = "locked"
	StatusIllegal = "illegal"
)

// The statuses of VMs that the engine uses.
const (
	VMDown         = "down"
	VMImageLocked  = "image_locked"
	VMWaitLaunch   = "wait_for_launch"
	VMPoweringUp   = "powering_up"
	VMUp           = "up"
	VMPoweringDown = "powering_down"
	VMRebooting    = "reboot_in_progress"
)

// The phases of image transfers that the engine uses.
const (
	PhaseInitializing      = "initializing"
	PhaseTransferring      = "transferring"
	PhasePausedSystem      = "paused_system"
	PhasePausedUser        = "paused_user"
	PhaseFinalizingSuccess = "finalizing_success"
	PhaseFinalizingFailure = "finalizing_failure"
	PhaseFinishedSuccess   = "finished_success"
	PhaseFinishedFailure   = "finished_failure"
)

// The statuses of jobs that the engine uses.
const (
	JobStarted  = "started"
	JobFinished = "finished"
	JobFailed   = "failed"
)

// Disk formats.
const (
	FormatRaw = "raw"
	FormatCow = "cow"
)

// What disks hold.
const (
	ContentData = "data"
	ContentISO  = "iso" // for drives of VMs, in which it is read-only
)

// Spec is what VMs and templates have in common.
type Spec struct {
	CPU            api.CPU              `json:"cpu"`
	Memory         int64                `json:"memory"`
	MemoryPolicy   api.MemoryPolicy     `json:"memoryPolicy"`
	OS             string               `json:"os"`
	BootDevices    []string             `json:"bootDevices,omitempty"`
	Type           string               `json:"type"`
	Console        bool                 `json:"console"`
	Soundcard      bool                 `json:"soundcard"`
	Properties     []api.CustomProperty `json:"properties,omitempty"`
	Placement      *api.PlacementPolicy `json:"placement,omitempty"`
	Initialization *api.Initialization  `json:"initialization,omitempty"`
}

// VM is a virtual machine.
type VM struct {
	ID               string        `json:"id"`
	Name             string        `json:"name"`
	Comment          string        `json:"comment,omitempty"`
	Description      string        `json:"description,omitempty"`
	Cluster          string        `json:"cluster"`
	Template         string        `json:"template"`
	OriginalTemplate string        `json:"originalTemplate"`
	InstanceType     string        `json:"instanceType,omitempty"`
	Status           string        `json:"status"`
	StopReason       string        `json:"stopReason,omitempty"`
	Host             string        `json:"host,omitempty"`
	Spec             Spec          `json:"spec"`
	NICs             []*NIC        `json:"nics,omitempty"`
	Disks            []*Attachment `json:"disks,omitempty"`
	CD               string        `json:"cd,omitempty"`       // disk in the drive at the next start
	Consoles         []string      `json:"consoles,omitempty"` // protocols
	Tags             []string      `json:"tags,omitempty"`
	DeleteProtected  bool          `json:"deleteProtected,omitempty"`
	Owner            string        `json:"owner"`
	Created          time.Time     `json:"created"`
	Started          time.Time     `json:"started,omitzero"`
	Stopped          time.Time     `json:"stopped,omitzero"`

	// Initialized is set once the VM has been up: from then on the payload is
	// attached only on request.
	Initialized bool `json:"initialized,omitempty"`
	// Payload is the initialization of the present run; nil: none attached.
	Payload *api.Initialization `json:"payload,omitempty"`
	// CurrentCD is the disk in the drive during the present run.
	CurrentCD string `json:"currentCD,omitempty"`
	// Once are the boot devices of the present run, if it was to have others.
	Once []string `json:"once,omitempty"`
	// Run counts power-ons, so that what belongs to an earlier one is told
	// from the present.
	Run int `json:"run,omitempty"`
	// Stuck VMs never boot: a fault keeps their machine switched off.
	Stuck bool `json:"stuck,omitempty"`
	// GiveUp is when a shutdown that the guest ignores is forgotten.
	GiveUp time.Time `json:"giveUp,omitzero"`
}

// NIC is a network card of a VM or, without MAC, of a template.
type NIC struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Comment   string `json:"comment,omitempty"`
	MAC       string `json:"mac,omitempty"`
	Profile   string `json:"profile,omitempty"`
	Interface string `json:"interface"`
	Plugged   bool   `json:"plugged"`
	Linked    bool   `json:"linked"`
}

// Attachment joins a disk to a VM or a template.
type Attachment struct {
	Disk      string `json:"disk"`
	Interface string `json:"interface"`
	Bootable  bool   `json:"bootable"`
	Active    bool   `json:"active"`
	ReadOnly  bool   `json:"readOnly,omitempty"`
}

// Disk is a virtual disk.
type Disk struct {
	ID          string   `json:"id"`
	Image       string   `json:"image"`
	Alias       string   `json:"alias"`
	Description string   `json:"description,omitempty"`
	Size        int64    `json:"size"`
	Allocated   int64    `json:"allocated"` // bytes it takes from its domain
	Format      string   `json:"format"`
	Sparse      bool     `json:"sparse"`
	Shareable   bool     `json:"shareable,omitempty"`
	Status      string   `json:"status"`
	Domains     []string `json:"domains"`
	Owner       string   `json:"owner"`
	// Holds is what the disk is for, its content type; empty: data.
	Holds string `json:"holds,omitempty"`
	// Content is the format the bytes were uploaded in.
	Content string `json:"content"`
	// Template is the template the disk belongs to.
	Template string `json:"template,omitempty"`
	// Base is the template's disk that a thin disk builds on.
	Base string `json:"base,omitempty"`
}

// Template is a frozen VM.
type Template struct {
	ID          string        `json:"id"`
	Name        string        `json:"name"`
	Comment     string        `json:"comment,omitempty"`
	Description string        `json:"description,omitempty"`
	Cluster     string        `json:"cluster,omitempty"`
	Status      string        `json:"status"`
	Spec        Spec          `json:"spec"`
	NICs        []*NIC        `json:"nics,omitempty"`
	Disks       []*Attachment `json:"disks,omitempty"`
	Owner       string        `json:"owner"`
	Created     time.Time     `json:"created"`
}

// Tag labels VMs.
type Tag struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	Parent      string `json:"parent,omitempty"`
}

// Rule is one rule of an affinity group.
type Rule struct {
	Enabled   bool `json:"enabled"`
	Enforcing bool `json:"enforcing"`
	Positive  bool `json:"positive"`
}

// AffinityGroup rules where VMs may run.
type AffinityGroup struct {
	ID          string   `json:"id"`
	Name        string   `json:"name"`
	Description string   `json:"description,omitempty"`
	Cluster     string   `json:"cluster"`
	Enforcing   bool     `json:"enforcing"`
	Priority    float64  `json:"priority"`
	HostsRule   Rule     `json:"hostsRule"`
	VMsRule     Rule     `json:"vmsRule"`
	Hosts       []string `json:"hosts,omitempty"`
	VMs         []string `json:"vms,omitempty"`
}

// Profile is how VMs reach a network.
type Profile struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	Network     string `json:"network"`
}

// Transfer is an image transfer.
type Transfer struct {
	ID        string        `json:"id"`
	Ticket    string        `json:"ticket"`
	Disk      string        `json:"disk"`
	Upload    bool          `json:"upload"`
	Format    string        `json:"format"`
	Phase     string        `json:"phase"`
	Timeout   time.Duration `json:"timeout"`
	Policy    string        `json:"policy"`
	Host      string        `json:"host"`
	Job       string        `json:"job"`
	Activity  time.Time     `json:"activity"`
	Moved     int64         `json:"moved"`
	HighWater int64         `json:"highWater"` // end of what was written
	Magic     []byte        `json:"magic,omitempty"`
}

// Job follows one command.
type Job struct {
	ID          string    `json:"id"`
	Correlation string    `json:"correlation"`
	Description string    `json:"description"`
	Status      string    `json:"status"`
	Started     time.Time `json:"started"`
	Ended       time.Time `json:"ended,omitzero"`
}

// Pair is a copy from one disk to another.
type Pair struct {
	From string `json:"from"`
	To   string `json:"to"`
	Size int64  `json:"size,omitempty"` // to grow to, 0: as it is
}

// Task is work in progress; it outlives a restart of the engine.
type Task struct {
	ID       string    `json:"id"`
	Kind     string    `json:"kind"`
	Due      time.Time `json:"due"`
	Job      string    `json:"job,omitempty"`
	VM       string    `json:"vm,omitempty"`
	Run      int       `json:"run,omitempty"`
	Disk     string    `json:"disk,omitempty"`
	Template string    `json:"template,omitempty"`
	Transfer string    `json:"transfer,omitempty"`
	Domain   string    `json:"domain,omitempty"`
	Size     int64     `json:"size,omitempty"`
	Pairs    []Pair    `json:"pairs,omitempty"`
	Disks    []string  `json:"disks,omitempty"`
}
