// Package check finds out whether a host can become a node, before anything is written to it.
package check

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/okd-install/okd-install/pkg/agent"
)

// The IDs of the checks. They are in reports, logs and documents, so they stay.
const (
	CPUs            = "cpus"
	Memory          = "memory"
	Disk            = "disk"
	DiskSpeed       = "disk-speed"
	Media           = "media"
	Hostname        = "hostname"
	MachineNetwork  = "machine-network"
	DefaultRoute    = "default-route"
	Overlap         = "network-overlap"
	Rendezvous      = "rendezvous"
	Time            = "time"
	NTP             = "ntp"
	Connectivity    = "connectivity"
	MTU             = "mtu"
	DNS             = "dns"
	DNSWildcard     = "dns-wildcard"
	AddressConflict = "address-conflict"
	VIPs            = "virtual-addresses"
	Image           = "release-image"

	// Of hosts that join a cluster.
	API          = "api"
	ConfigServer = "config-server"
	Written      = "written-before"
)

// Input is what a host knows of itself and of the others.
type Input struct {
	Config    *agent.Config
	Inventory agent.Inventory
	// Host are the settings of this host; nil if there are none.
	Host *agent.Host
	// Rendezvous: this host has the rendezvous address.
	Rendezvous bool
	// Order is the last answer of the rendezvous host, at OrderAt by this host's clock; nil
	// before the first.
	Order   *agent.Order
	OrderAt time.Time
	// Silence is why the rendezvous host cannot be reached now; nil if it can.
	Silence error
	// Installing: the installation has begun, so that something has the virtual addresses.
	Installing bool
}

// The roles.
const (
	master  = "master"
	arbiter = "arbiter"
	worker  = "worker"
)

// role is that of the host. While it is not decided, a host counts as a worker if there may
// be workers, so that the wrong minimums do not keep it from being one.
func (in *Input) role() string {
	role := ""
	if in.Order != nil {
		role = in.Order.Role
	}
	if in.Host != nil {
		role = cmp.Or(role, in.Host.Role)
	}
	if role == "" && in.Config.Workers == 0 && in.Config.Arbiters == 0 {
		role = master
	}
	return cmp.Or(role, worker)
}

// hostname is the name that the host is going to have.
func (in *Input) hostname() string {
	name := in.Inventory.Hostname
	if in.Host != nil {
		name = cmp.Or(in.Host.Hostname, name)
	}
	if in.Order != nil {
		name = cmp.Or(in.Order.Hostname, name)
	}
	return name
}

func (in *Input) peers() []agent.Peer {
	if in.Order == nil {
		return nil
	}
	return in.Order.Peers
}

// address is an address of the host, and the interface that has it.
type address struct {
	nic    agent.NIC
	prefix netip.Prefix
}

// addresses are those of the host that others can use.
func (in *Input) addresses() []address {
	var out []address
	for _, n := range in.Inventory.NICs {
		for _, p := range n.Addresses {
			if p.Addr().IsGlobalUnicast() {
				out = append(out, address{n, p})
			}
		}
	}
	return out
}

// inMachineNetworks are the addresses that the cluster uses.
func (in *Input) inMachineNetworks() []address {
	return slices.DeleteFunc(in.addresses(), func(a address) bool {
		return !slices.ContainsFunc(in.Config.MachineNetworks,
			func(n netip.Prefix) bool { return n.Contains(a.prefix.Addr()) })
	})
}

// Minimum is the least that a host of a role needs. Sizes, latency and loss are those of
// OpenShift's assisted installer; fsync in 10 ms is what etcd asks for.
type Minimum struct {
	CPUs      int
	MemoryGiB int
	DiskBytes int64
	Latency   time.Duration
	Loss      float64       // in percent
	Sync      time.Duration // zero: there is no etcd
}

// single is the role of the only host of a cluster.
const single = "single"

// Minimums are those of each role.
func Minimums() map[string]Minimum {
	return map[string]Minimum{
		master:  {4, 16, 100e9, 100 * time.Millisecond, 0, 10 * time.Millisecond},
		arbiter: {2, 8, 100e9, 100 * time.Millisecond, 0, 10 * time.Millisecond},
		worker:  {2, 8, 100e9, 1000 * time.Millisecond, 10, 0},
		single:  {8, 16, 100e9, 100 * time.Millisecond, 0, 10 * time.Millisecond},
	}
}

// need returns the minimum of the host, and what to call its role.
func (in *Input) need() (Minimum, string) {
	role := in.role()
	if in.Config.Required() == 1 && in.Config.Join == nil {
		role = single
	}
	name := map[string]string{
		master: "a control plane node", arbiter: "an arbiter", worker: "a worker", single: "a single-node cluster",
	}[role]
	m, known := Minimums()[role]
	if !known { // of a newer service
		return Minimums()[master], "role " + role
	}
	return m, name
}

// Check is one check.
type Check struct {
	ID string
	// Run makes it. Of a check with Every it runs beside the others, else whenever results
	// are asked for: it only looks at its input.
	Run func(context.Context, *Input, *World) agent.Check
	// Every is the time from the end of a run that passed to the next, or Retry if it did not.
	// Never: it is not repeated.
	Every time.Duration
	// Timeout of one run.
	Timeout time.Duration
	// Key changes when what is known is out of date. It may be nil.
	Key func(*Input) string
	// Uses reports whether the check means something for the host. It may be nil.
	Uses func(*Input) bool
}

// Retry is the time to the next run of a check that did not pass.
const Retry = 15 * time.Second

// Never is more than any installation takes.
const Never = 365 * 24 * time.Hour

// All are the checks, in the order in which they are shown.
func All() []Check {
	const soon, often, seldom = 20 * time.Second, time.Minute, 5 * time.Minute
	return []Check{
		{ID: CPUs, Run: cpus},
		{ID: Memory, Run: memory},
		{ID: Disk, Run: chosenDisk},
		{ID: DiskSpeed, Run: diskSpeed, Every: Never, Timeout: soon, Key: diskKey},
		{ID: Media, Run: media, Every: seldom, Timeout: often},
		{ID: Hostname, Run: hostname},
		{ID: MachineNetwork, Run: machineNetwork},
		{ID: DefaultRoute, Run: defaultRoute},
		{ID: Overlap, Run: overlap},
		{ID: AddressConflict, Run: addressConflict, Every: often, Timeout: soon, Key: addressKey},
		{ID: Rendezvous, Run: rendezvous, Uses: installs},
		{ID: Time, Run: clockOfRendezvous, Uses: installs},
		{ID: NTP, Run: ntpSources, Every: often, Timeout: soon},
		{ID: Connectivity, Run: connectivity, Every: often, Timeout: often, Key: peerKey},
		{ID: MTU, Run: mtu, Every: seldom, Timeout: often, Key: peerKey},
		{ID: DNS, Run: names, Every: often, Timeout: soon},
		{ID: DNSWildcard, Run: wildcard, Every: seldom, Timeout: soon},
		{ID: VIPs, Run: vips, Every: often, Timeout: soon, Key: vipKey, Uses: hasVIPs},
		{ID: API, Run: api, Every: often, Timeout: soon, Key: addressKey, Uses: joins},
		{ID: ConfigServer, Run: configServer, Every: often, Timeout: soon, Key: addressKey, Uses: joins},
		{ID: Written, Run: writtenBefore, Every: Never, Timeout: often, Key: disksKey, Uses: joins},
		{ID: Image, Run: image, Every: Never, Timeout: 20 * time.Minute},
	}
}

func pass(format string, args ...any) agent.Check {
	return agent.Check{Result: agent.Pass, Problem: agent.Problem{Message: fmt.Sprintf(format, args...)}}
}

func result(r agent.Result, next, format string, args ...any) agent.Check {
	return agent.Check{Result: r, Problem: agent.Problem{Message: fmt.Sprintf(format, args...), Next: next}}
}

func fail(next, format string, args ...any) agent.Check {
	return result(agent.Fail, next, format, args...)
}

func warn(next, format string, args ...any) agent.Check {
	return result(agent.Warn, next, format, args...)
}

func pending(next, format string, args ...any) agent.Check {
	return result(agent.Pending, next, format, args...)
}
