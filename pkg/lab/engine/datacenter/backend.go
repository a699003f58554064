package datacenter

import (
	"context"
	"io"
	"net/netip"

	"github.com/okd-install/okd-install/pkg/lab/host"
)

// Hardware describes a virtual machine to what runs it. It is complete at
// every power-on; the engine keeps nothing about a machine in the backend.
type Hardware struct {
	ID       string // UUID of the VM; the guest must see it as its product UUID
	Name     string
	CPUs     int
	MemoryMB int64
	NICs     []NIC
	Disks    []Disk
	// UserData is the user_data file of the config-2 drive: an Ignition
	// config for OS type rhcos_x64, a cloud-config for any other. Nil means
	// that no payload is attached.
	UserData []byte
	// Media is in the machine's drive; nil means that the drive is empty.
	Media *Media
	// SecondMedia is in the second drive of a host, from which nothing is started.
	SecondMedia *Media `json:",omitempty"`
	// Standalone is a machine that the lab's operator made without the engine,
	// which does not know it.
	Standalone bool
	// Host is the hardware of a machine that must look like a physical one, or like
	// a VM to a system that installs itself; nil for all others.
	Host *host.Spec `json:",omitempty"`
}

// Media is a medium with a live system: an ISO image, or an OS image with a
// config. Unless the machine is a host with an order of its own, it is started
// when no disk can be.
type Media struct {
	ISO string `json:",omitempty"` // file
	// Disk is the Volumes ID of a disk with the ISO image.
	Disk string `json:",omitempty"`
	// URL is where a management controller fetched it from; empty: it did not.
	URL string `json:",omitempty"`

	Volume string // the Volumes ID of the system
	// Ignition is the config that was embedded in the medium.
	Ignition []byte
}

// NIC is one network card of a machine.
type NIC struct {
	ID      string
	MAC     string // lower case, colons
	Network string // name of the network its profile belongs to
}

// Disk is one disk of a machine, in attachment order.
type Disk struct {
	ID        string // the Volumes ID
	Interface string // virtio_scsi, virtio, ...
	Bootable  bool
	Active    bool
}

// State is what a machine does right now, as its runner sees it.
type State string

// The states of a machine. Starting lasts from power-on to the moment the
// guest's operating system runs, stopping from the ACPI event to power-off.
const (
	StateDown     State = "down"
	StateStarting State = "starting"
	StateUp       State = "up"
	StateStopping State = "stopping"
)

// Machines runs virtual machines for the engine. Implementations are safe for
// concurrent use; State and Addresses are polled and must not block.
type Machines interface {
	// Start powers a machine on and returns when its firmware runs. An error
	// means that it cannot start.
	Start(ctx context.Context, hw Hardware) error
	// Shutdown asks the guest to power off and does not wait for it.
	Shutdown(ctx context.Context, id string) error
	// Insert changes what is in the drive of a machine that runs; nil empties it. A
	// system that was started from the medium keeps it until its next start.
	Insert(id string, m *Media) error
	// PowerOff cuts the power. It is a no-op when the machine is down.
	PowerOff(ctx context.Context, id string) error
	// Reset presses the reset button.
	Reset(ctx context.Context, id string) error
	// Remove forgets a machine that is down. It is a no-op when unknown.
	Remove(ctx context.Context, id string) error
	// State tells what the machine does; an unknown one is down.
	State(id string) State
	// Addresses is what the guest agent reports; nil when unknown.
	Addresses(id string) []netip.Addr
}

// Volumes holds the contents of disks. Implementations are safe for
// concurrent use; the engine never runs two calls for one ID at a time, except
// several Reads.
type Volumes interface {
	// Create makes an empty disk.
	Create(ctx context.Context, id string, size int64) error
	// Write stores uploaded bytes as they were sent, raw or qcow2, starting
	// at offset of the upload. It returns how many it took.
	Write(ctx context.Context, id string, offset int64, r io.Reader) (int64, error)
	// Commit ends an upload: it checks the content against format ("raw", or
	// "cow" for QCOW2), makes it the disk's content and returns its virtual
	// size. An error makes the disk illegal.
	Commit(ctx context.Context, id string, format string) (virtualSize int64, err error)
	// Read opens a disk's content for download, in the form it was uploaded.
	Read(ctx context.Context, id string) (r io.ReadSeekCloser, size int64, err error)
	// Clone makes dst a copy of src. Later writes to one are not seen in the
	// other; sharing blocks underneath is fine.
	Clone(ctx context.Context, src, dst string) error
	// Resize changes the virtual size of a disk; it only grows.
	Resize(ctx context.Context, id string, size int64) error
	// Delete drops a disk. It is a no-op when absent.
	Delete(ctx context.Context, id string) error
}
