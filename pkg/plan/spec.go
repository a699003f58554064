package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Spec is what an object should look like.
type Spec interface {
	// Fields lists the settings in the order of the output. Secrets never appear.
	Fields() []Field
}

// Field is one setting of an object.
type Field struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Image is the operating system image that machines start from: a file to be
// uploaded or, with Template, a template that exists already.
type Image struct {
	Template string // reuse this one; nothing is uploaded
	Path     string // local file; may be empty while the plan is only shown
	URL      string // where the file came from, for people
	SHA256   string // of the file
	Format   string // qcow2 or raw
	Size     int64  // bytes in the file
	Virtual  int64  // bytes that the guest sees; 0 until the file was looked into
	CPULevel string // what the system needs of a processor, as CPULevelV3; empty: nothing special
}

// CPULevelV3 is the processor level of CentOS 10: AVX2, BMI2, FMA and what comes
// with them.
const CPULevelV3 = "x86-64-v3"

// Tag carries ownership.
type Tag struct {
	Description string `json:"description"`
}

// Disk is a disk of its own, filled from an image file.
type Disk struct {
	StorageDomainID string `json:"storageDomainID"`
	Format          string `json:"format"` // cow or raw
	Sparse          bool   `json:"sparse"`
	Bytes           int64  `json:"bytes"`
	Image           Image  `json:"-"`
}

// Template is what machines are cloned from.
type Template struct {
	FromVM Key    `json:"fromVM,omitempty"`
	OSType string `json:"osType"`
}

// AffinityGroup keeps machines apart.
type AffinityGroup struct {
	ClusterID   string `json:"clusterID"`
	Description string `json:"description,omitempty"`
	Priority    int    `json:"priority"`
	Enforcing   bool   `json:"enforcing"`
}

// CPU is a processor topology.
type CPU struct {
	Sockets int `json:"sockets"`
	Cores   int `json:"cores"`
	Threads int `json:"threads"`
}

// VM is a virtual machine.
type VM struct {
	Role            string   `json:"role"` // image, bootstrap, master, worker
	ClusterID       string   `json:"clusterID"`
	Template        string   `json:"template,omitempty"` // empty: blank
	Disk            Key      `json:"disk,omitempty"`     // attached instead of a template's disk
	Medium          Key      `json:"medium,omitempty"`   // installs itself from it on an empty disk
	Type            string   `json:"type"`               // server, high_performance, desktop
	InstanceTypeID  string   `json:"instanceTypeID,omitempty"`
	OSType          string   `json:"osType"`
	CPU             CPU      `json:"cpu"`
	MemoryMiB       int64    `json:"memoryMiB"`
	DiskGiB         int64    `json:"diskGiB,omitempty"` // grown to this before the first start
	StorageDomainID string   `json:"storageDomainID,omitempty"`
	VNICProfileID   string   `json:"vnicProfileID,omitempty"`
	MAC             string   `json:"mac,omitempty"`     // of its network card; the platform chooses if it is empty
	Network         string   `json:"network,omitempty"` // the profile is looked up by it if none is named
	AffinityGroups  []string `json:"affinityGroups,omitempty"`
	HugepagesKiB    int      `json:"hugepagesKiB,omitempty"`
	AutoPinning     bool     `json:"autoPinning,omitempty"`
	Clone           bool     `json:"clone,omitempty"`
	Sparse          *bool    `json:"sparse,omitempty"`
	Format          string   `json:"format,omitempty"`
	Start           bool     `json:"start,omitempty"`
	Ignition        Payload  `json:"ignition,omitzero"`
}

// Medium is what hosts are started from, and install themselves with.
type Medium struct {
	Image Image  `json:"-"`
	From  string `json:"from"` // where BMCs fetch it
	// StorageDomainID is where VMs have it.
	StorageDomainID string `json:"storageDomainID,omitempty"`
}

// Server is a host with a BMC.
type Server struct {
	Role     string `json:"role,omitempty"`
	BMC      string `json:"bmc"`
	MAC      string `json:"mac"`
	BootMode string `json:"bootMode"`
}

// Payload is secret content that appears only as size and checksum.
type Payload struct{ data []byte }

// NewPayload wraps content.
func NewPayload(data []byte) Payload { return Payload{data: data} }

// Bytes returns the content, for the one call that sends it.
func (p Payload) Bytes() []byte { return p.data }

// IsZero reports whether there is no content.
func (p Payload) IsZero() bool { return len(p.data) == 0 }

// SHA256 returns the checksum in hex, empty if there is no content.
func (p Payload) SHA256() string {
	if p.IsZero() {
		return ""
	}
	sum := sha256.Sum256(p.data)
	return hex.EncodeToString(sum[:])
}

// String shows size and checksum.
func (p Payload) String() string {
	if p.IsZero() {
		return "none"
	}
	return fmt.Sprintf("%d bytes, sha256:%s", len(p.data), p.SHA256())
}

// Format shows what String shows for every verb.
func (p Payload) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(p.String())) }

// MarshalJSON shows size and checksum.
func (p Payload) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Size   int    `json:"size"`
		SHA256 string `json:"sha256"`
	}{len(p.data), p.SHA256()})
}

// Fields lists the settings.
func (t Tag) Fields() []Field { return nonEmpty(Field{"description", t.Description}) }

// Fields lists the settings.
func (d Disk) Fields() []Field {
	return nonEmpty(
		Field{"size", bytesText(d.Bytes)},
		Field{"format", d.Format},
		Field{"sparse", strconv.FormatBool(d.Sparse)},
		Field{"storage domain", d.StorageDomainID},
		Field{"image", d.Image.URL},
		Field{"image sha256", d.Image.SHA256},
	)
}

// Fields lists the settings.
func (t Template) Fields() []Field {
	return nonEmpty(Field{"from", string(t.FromVM)}, Field{"os type", t.OSType})
}

// Fields lists the settings.
func (a AffinityGroup) Fields() []Field {
	return nonEmpty(
		Field{"cluster", a.ClusterID},
		Field{"description", a.Description},
		Field{"priority", strconv.Itoa(a.Priority)},
		Field{"enforcing", strconv.FormatBool(a.Enforcing)},
	)
}

// Fields lists the settings.
func (v VM) Fields() []Field {
	var cpu, pinning, sparse, ignition string
	if v.CPU != (CPU{}) {
		cpu = fmt.Sprintf("%d sockets x %d cores x %d threads", v.CPU.Sockets, v.CPU.Cores, v.CPU.Threads)
	}
	if v.AutoPinning {
		pinning = "resize_and_pin"
	}
	if v.Sparse != nil {
		sparse = strconv.FormatBool(*v.Sparse)
	}
	if !v.Ignition.IsZero() {
		ignition = v.Ignition.String()
	}
	return nonEmpty([]Field{
		{"role", v.Role},
		{"cluster", v.ClusterID},
		{"template", v.Template},
		{"medium", string(v.Medium)},
		{"type", v.Type},
		{"instance type", v.InstanceTypeID},
		{"os type", v.OSType},
		{"cpu", cpu},
		{"memory", amount(v.MemoryMiB, "MiB")},
		{"disk", amount(v.DiskGiB, "GiB")},
		{"vnic profile", v.VNICProfileID},
		{"network", v.Network},
		{"mac", v.MAC},
		{"affinity groups", strings.Join(v.AffinityGroups, ", ")},
		{"hugepages", amount(int64(v.HugepagesKiB), "KiB")},
		{"auto pinning", pinning},
		{"sparse", sparse},
		{"disk format", v.Format},
		{"ignition", ignition},
	}...)
}

// Fields lists the settings.
func (m Medium) Fields() []Field {
	return nonEmpty(Field{"from", m.From}, Field{"storage domain", m.StorageDomainID}, Field{"image", m.Image.URL})
}

// Fields lists the settings.
func (s Server) Fields() []Field {
	return nonEmpty(
		Field{"role", s.Role},
		Field{"bmc", s.BMC},
		Field{"mac", s.MAC},
		Field{"boot mode", s.BootMode},
	)
}

func amount(n int64, unit string) string {
	if n <= 0 {
		return ""
	}
	return fmt.Sprintf("%d %s", n, unit)
}

func nonEmpty(in ...Field) []Field {
	return slices.DeleteFunc(in, func(f Field) bool { return f.Value == "" })
}

func bytesText(n int64) string {
	switch {
	case n <= 0:
		return ""
	case n%(1<<30) == 0:
		return fmt.Sprintf("%d GiB", n>>30)
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%d bytes", n)
}
