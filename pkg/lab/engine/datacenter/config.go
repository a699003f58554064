package datacenter

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/engine/fault"
	"github.com/okd-install/okd-install/pkg/lab/engine/sso"
)

// Config describes a data center with one cluster. The zero value of every
// optional field stands for something that works.
type Config struct {
	FQDN string // of the engine; required
	// BaseURL is where clients reach Handler, for example
	// https://engine.lab.okd.test. Default: https://FQDN.
	BaseURL string
	// TransferURL and ProxyURL are where clients reach ImageHandler, on the
	// hypervisor and on the engine. Defaults: https://<first host>:54322 and
	// https://FQDN:54323.
	TransferURL, ProxyURL string

	Users    []sso.User // at least one
	Sessions sso.Limits
	CA       []byte // PEM, served as pki-resource

	DataCenter string // default Default
	Cluster    string // default Default
	CPUType    string // of the cluster; default Intel Cascadelake Server Family
	Hosts      []Host // at least one
	Domains    []StorageDomain
	Networks   []Network // default: ovirtmgmt
	MACPrefix  string    // first four bytes of the MAC pool; default 56:6f:6c:ab
	MaxVMName  int       // longest VM name, the engine's MaxVmNameLength; default 64

	Faults []fault.Fault // injected from the start

	Clock  clock.Clock // default: the machine's
	Log    *slog.Logger
	Delays Delays
}

// Host is a hypervisor of the cluster.
type Host struct {
	Name     string
	Address  string // default: Name
	MemoryMB int64  // default 1 TiB: the lab's machines do not own memory
	CPUs     int    // default 64
	Status   string // default up
}

// StorageDomain is a place for disks.
type StorageDomain struct {
	Name string
	Type string // nfs (default), iscsi, fcp, localfs ...
	Size int64  // bytes; default 1 TiB
}

// Network is a logical network; it gets a vNIC profile of the same name.
type Network struct {
	Name string
}

// Delays say how long things take. Zero means the default.
type Delays struct {
	Disk     time.Duration // creating, resizing, copying or removing a disk, besides the work itself
	VM       time.Duration // creating or removing a VM
	Template time.Duration // creating a template
	Launch   time.Duration // from the order to start to the start
	Stop     time.Duration // from the order to stop to the stop
	Transfer time.Duration // opening and finalizing an image transfer
	Poll     time.Duration // between looks at machines and transfers
	GiveUp   time.Duration // until a shutdown that the guest ignores is forgotten
}

func orElse[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

func (c *Config) complete() error {
	if c.FQDN == "" {
		return fmt.Errorf("no FQDN")
	}
	if len(c.Users) == 0 {
		return fmt.Errorf("engine %s has no users", c.FQDN)
	}
	if len(c.Hosts) == 0 {
		return fmt.Errorf("engine %s has no hosts", c.FQDN)
	}
	orElse(&c.DataCenter, "Default")
	orElse(&c.Cluster, "Default")
	orElse(&c.CPUType, "Intel Cascadelake Server Family")
	orElse(&c.MACPrefix, "56:6f:6c:ab")
	orElse(&c.MaxVMName, 64)
	orElse(&c.Clock, clock.Real())
	orElse(&c.Log, slog.New(slog.DiscardHandler))
	c.Hosts = slices.Clone(c.Hosts)
	for i := range c.Hosts {
		h := &c.Hosts[i]
		orElse(&h.Address, h.Name)
		orElse(&h.MemoryMB, 1<<20)
		orElse(&h.CPUs, 64)
		orElse(&h.Status, HostUp)
	}
	c.Domains = slices.Clone(c.Domains)
	for i := range c.Domains {
		orElse(&c.Domains[i].Type, "nfs")
		orElse(&c.Domains[i].Size, 1<<40)
	}
	if len(c.Networks) == 0 {
		c.Networks = []Network{{Name: "ovirtmgmt"}}
	}
	orElse(&c.BaseURL, "https://"+c.FQDN)
	orElse(&c.TransferURL, "https://"+c.Hosts[0].Address+":54322")
	orElse(&c.ProxyURL, "https://"+c.FQDN+":54323")
	for _, u := range []*string{&c.BaseURL, &c.TransferURL, &c.ProxyURL} {
		*u = strings.TrimSuffix(*u, "/")
	}
	d := &c.Delays
	for _, delay := range []*time.Duration{&d.Disk, &d.VM, &d.Launch, &d.Stop, &d.Transfer, &d.Poll} {
		orElse(delay, 200*time.Millisecond)
	}
	orElse(&d.Template, 300*time.Millisecond)
	orElse(&d.GiveUp, 5*time.Minute)
	return nil
}

// ID derives the ID of a configured object, so that it is the same after
// a restart and in every lab of that name.
func (c *Config) ID(kind, name string) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte("https://"+c.FQDN+"/"+kind+"/"+name)).String()
}
