package check

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/agent/disk"
	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/types"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

// scene is a host and what surrounds it; all checks of it pass.
type scene struct {
	in       Input
	names    map[string]string // name to address; other names do not exist
	dnsError error
	pings    map[netip.Addr]Pings // of hosts that answer
	cut      bool                 // packets of full size do not get there
	owners   map[netip.Addr]string
	probeErr error
	ntp      map[string]time.Duration
	programs map[string]program
	latency  time.Duration
	medium   error
	mark     string           // of the image, in the boot partition
	closed   map[string]error // addresses with port that do not answer
	server   error            // of the machine config server
	serverAt time.Time
	world    *World
}

// program is what one prints, and how it ends.
type program struct {
	out string
	err error
}

func (s *scene) Run(_ context.Context, line func(disk.Line), name string, args ...string) error {
	p, known := s.programs[name+" "+args[0]]
	if name == "umount" {
		p, known = s.programs[name]
	}
	if !known {
		return &exec.Error{Name: name, Err: exec.ErrNotFound}
	}
	if name == "mount" { // at the last argument
		return os.WriteFile(args[len(args)-1]+"/okd-agent-image", []byte(s.mark+"\n"), 0o600)
	}
	if name == "umount" {
		return os.Remove(args[0] + "/okd-agent-image")
	}
	for text := range strings.SplitSeq(p.out, "\n") {
		if line != nil && text != "" {
			line(disk.Line{Text: text})
		}
	}
	return p.err
}

func (s *scene) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	if s.dnsError != nil {
		return nil, s.dnsError
	}
	name := strings.TrimSuffix(host, ".")
	for pattern, a := range s.names {
		if rest, ok := strings.CutPrefix(pattern, "*"); pattern == name || ok && strings.HasSuffix(name, rest) {
			return []netip.Addr{addr(a)}, nil
		}
	}
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

func (s *scene) Ping(_ context.Context, a netip.Addr) (Pings, error) {
	p, ok := s.pings[a]
	if !ok {
		return p, errors.New(a.String() + " does not answer")
	}
	return p, nil
}

func (s *scene) PingFull(_ context.Context, a netip.Addr, mtu int) (bool, error) {
	if _, ok := s.pings[a]; !ok {
		return false, errors.New("no answer")
	}
	return !s.cut || mtu < 9000, nil
}

func (s *scene) Probe(_ context.Context, _ string, a netip.Addr) (string, error) {
	return s.owners[a], s.probeErr
}

func newScene() *scene {
	s := &scene{
		in: Input{
			Config: &agent.Config{
				ClusterName: "demo", BaseDomain: "example.org", Masters: 3, Workers: 2, Rendezvous: addr("192.0.2.10"),
				MachineNetworks: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")},
				OtherNetworks:   []netip.Prefix{netip.MustParsePrefix("10.128.0.0/14"), netip.MustParsePrefix("172.30.0.0/16")},
				APIVIPs:         []netip.Addr{addr("192.0.2.5")}, IngressVIPs: []netip.Addr{addr("192.0.2.6")},
				NTPSources: []string{"ntp1.example.org"}, ReleaseImage: "quay.example.org/okd@sha256:abc",
			},
			Inventory: agent.Inventory{
				Hostname: "localhost", CPUs: 4, MemoryMiB: 16384, Gateways: []netip.Addr{addr("192.0.2.1")},
				NICs: []agent.NIC{{
					Name: "eno1", MAC: "52:54:00:aa:bb:01", MTU: 1500,
					Addresses: []netip.Prefix{netip.MustParsePrefix("192.0.2.11/24"), netip.MustParsePrefix("fe80::1/64")},
				}},
				Disks: []agent.Disk{{Name: "sda", Path: "/dev/sda", Serial: "S1", SizeBytes: 200e9}},
			},
			Host: &agent.Host{Hostname: "master-1"},
			Order: &agent.Order{
				Role: "master", Time: now,
				Peers: []agent.Peer{
					{ID: "1", Hostname: "master-0", Role: "master", Addresses: []netip.Addr{addr("192.0.2.10")}},
					{ID: "2", Hostname: "worker-0", Role: "worker", Addresses: []netip.Addr{addr("192.0.2.20")}},
					{ID: "3", Hostname: "worker-1", Role: "worker", Addresses: []netip.Addr{addr("192.0.2.21")}},
				},
			},
			OrderAt: now.Add(20 * time.Second),
		},
		names: map[string]string{
			"api.demo.example.org": "192.0.2.5", "*.apps.demo.example.org": "192.0.2.6",
		},
		pings: map[netip.Addr]Pings{
			addr("192.0.2.10"): {Latency: time.Millisecond}, addr("192.0.2.20"): {Latency: 100 * time.Millisecond},
			addr("192.0.2.21"): {},
		},
		owners:  map[netip.Addr]string{},
		ntp:     map[string]time.Duration{"ntp1.example.org": time.Second},
		latency: time.Millisecond,
		programs: map[string]program{
			"podman image": {err: errors.New("exit status 1")}, "podman pull": {out: "abc"}, "timedatectl show": {out: "yes"},
		},
	}
	s.world = &World{
		Clock: clock.NewFake(now), Runner: s, Resolver: s, Network: s,
		QueryNTP: func(_ context.Context, server string) (time.Duration, error) {
			offset, ok := s.ntp[server]
			if !ok {
				return 0, errors.New("i/o timeout")
			}
			return offset, nil
		},
		ReadLatency: func(context.Context, string) (time.Duration, error) {
			switch s.latency {
			case 0:
				return 0, fmt.Errorf("read: %w", syscall.EIO)
			case -1:
				return 0, errors.New("only 3 reads were done")
			}
			return s.latency, nil
		},
		ReadMedium: func(context.Context) (string, error) { return "/run/media/iso/images/rootfs.img", s.medium },
		Connect:    func(_ context.Context, address string) error { return s.closed[address] },
		AskTime: func(_ context.Context, url string, ca []byte) (time.Time, error) {
			if url != "https://192.0.2.5:22623/healthz" || string(ca) != "ca" {
				return time.Time{}, errors.New("unexpected " + url)
			}
			return s.serverAt, s.server
		},
	}
	return s
}

// joining makes the host one that joins a cluster.
func (s *scene) joining() {
	s.in.Config.Masters, s.in.Config.Workers = 0, 1
	s.in.Order.Role, s.in.Rendezvous = "worker", true
	s.in.Config.Join = &agent.Join{
		Image: "IMAGE", API: []string{"192.0.2.5:6443"}, ConfigServer: "https://192.0.2.5:22623/config/worker",
		ConfigServerCA: "ca",
	}
}

func (s *scene) worker() { s.in.Order.Role = "worker" }

// results makes all checks.
func (s *scene) results(t *testing.T) map[string]agent.Check {
	t.Helper()
	out := map[string]agent.Check{}
	for _, c := range All() {
		if c.Uses == nil || c.Uses(&s.in) {
			out[c.ID] = c.Run(context.Background(), &s.in, s.world)
		}
	}
	return out
}

// dnsDown is an error of a name server that does not answer.
func dnsDown() error {
	return &net.DNSError{Err: "i/o timeout", Server: "192.0.2.53:53", IsTimeout: true}
}

// change is something that is wrong with a host.
type change struct {
	name   string
	change func(*scene)
	id     string
	result agent.Result
	want   string // in the message
}

// Each of these changes makes one check say something else. What is not named passes.
var changes = []change{
	{"cpus", func(s *scene) { s.in.Inventory.CPUs = 3 }, CPUs, agent.Fail,
		"3 CPUs; a control plane node needs at least 4"},
	{"cpus of a worker", func(s *scene) { s.worker(); s.in.Inventory.CPUs = 1 }, CPUs, agent.Fail,
		"a worker needs at least 2"},
	{"memory", func(s *scene) { s.in.Inventory.MemoryMiB = 15000 }, Memory, agent.Fail,
		"14.6 GiB of memory; a control plane node needs at least 16 GiB"},
	{"memory of a worker", func(s *scene) { s.worker(); s.in.Inventory.MemoryMiB = 7000 }, Memory, agent.Fail,
		"at least 8 GiB"},
	{"no disk", func(s *scene) { s.in.Inventory.Disks[0].SizeBytes = 99e9 }, Disk, agent.Fail, "smaller than 100.0 GB"},
	{"wrong hint", func(s *scene) { s.in.Host.Hints = &types.RootDeviceHints{SerialNumber: "S2"} }, Disk, agent.Fail,
		"serialNumber is S1, not S2"},
	{"ambiguous hint", func(s *scene) {
		s.in.Inventory.Disks = append(s.in.Inventory.Disks, s.in.Inventory.Disks[0])
		s.in.Host.Hints = &types.RootDeviceHints{SerialNumber: "S1"}
	}, Disk, agent.Fail, "match 2 disks"},
	{"slow disk", func(s *scene) { s.latency = 12 * time.Millisecond }, DiskSpeed, agent.Warn,
		"12ms; etcd needs a disk that syncs within 10ms"},
	{"broken disk", func(s *scene) { s.latency = 0 }, DiskSpeed, agent.Fail, "cannot be read: read: input/output error"},
	{"unknown speed", func(s *scene) { s.latency = -1 }, DiskSpeed, agent.Warn, "only 3 reads"},
	{"medium", func(s *scene) { s.medium = errors.New("input/output error") }, Media, agent.Fail, "input/output error"},
	{"no hostname", func(s *scene) { s.in.Host = nil }, Hostname, agent.Fail, `it is called "localhost"`},
	{"wrong hostname", func(s *scene) { s.in.Host.Hostname = "Master_1" }, Hostname, agent.Fail,
		`"Master_1" is not valid`},
	{"long hostname", func(s *scene) { s.in.Host.Hostname = strings.Repeat("a", 64) }, Hostname, agent.Fail,
		"64 characters; at most 63"},
	{"another's hostname", func(s *scene) { s.in.Order.Hostname = "worker-0" }, Hostname, agent.Fail, "(192.0.2.20)"},
	{"default route", func(s *scene) { s.in.Inventory.Gateways = nil }, DefaultRoute, agent.Fail, "no default route"},
	{"overlap", func(s *scene) {
		s.in.Inventory.NICs = append(s.in.Inventory.NICs, agent.NIC{
			Name: "eno2", Addresses: []netip.Prefix{netip.MustParsePrefix("10.130.0.7/24")},
		})
	}, Overlap, agent.Fail, "10.130.0.0/24 of eno2 overlaps with 10.128.0.0/14"},
	{"conflict", func(s *scene) { s.owners[addr("192.0.2.11")] = "52:54:00:00:00:99" }, AddressConflict, agent.Fail,
		"192.0.2.11, an address of this host, is also that of the network card 52:54:00:00:00:99"},
	{"conflict with a peer", func(s *scene) {
		s.in.Order.Peers[1].Addresses = append(s.in.Order.Peers[1].Addresses, addr("192.0.2.11"))
		s.pings[addr("192.0.2.11")] = Pings{}
	}, AddressConflict, agent.Fail, "192.0.2.11 is also the address of host worker-0"},
	{"rendezvous host", func(s *scene) { s.in.Silence = errors.New("connection refused") }, Rendezvous, agent.Fail,
		"the rendezvous host, 192.0.2.10, cannot be reached: connection refused; addresses of this host: 192.0.2.11/24 " +
			"(eno1)"},
	{"clock", func(s *scene) { s.in.OrderAt = now.Add(-2 * time.Minute) }, Time, agent.Fail,
		"the clock of this host says 2026-01-02T03:02:05Z and that of the rendezvous host 2026-01-02T03:04:05Z: 2m0s " +
			"apart, at most 1m0s"},
	{"time servers", func(s *scene) { s.ntp = nil }, NTP, agent.Fail, "ntp1.example.org (i/o timeout)"},
	{"a time server", func(s *scene) { s.in.Config.NTPSources = append(s.in.Config.NTPSources, "b") }, NTP,
		agent.Warn, "b (i/o timeout)"},
	{"clock and time server", func(s *scene) { s.ntp["ntp1.example.org"] = -time.Hour }, NTP, agent.Fail,
		"is 1h0m0s from that of ntp1"},
	{"no time server", func(s *scene) {
		s.in.Config.NTPSources = nil
		s.programs["timedatectl show"] = program{out: "no"}
	}, NTP, agent.Warn, "not synchronized"},
	{"no timedatectl", func(s *scene) {
		s.in.Config.NTPSources = nil
		delete(s.programs, "timedatectl show")
	}, NTP, agent.Warn, "executable file not found"},
	{"silent master", func(s *scene) {
		delete(s.pings, addr("192.0.2.10"))
		s.in.Order.Peers[0].Addresses = []netip.Addr{addr("198.51.100.10")} // not in the way of the MTU
	}, Connectivity, agent.Fail, "reaches 3 of 4 hosts, itself included; it does not reach master-0"},
	{"slow peer", func(s *scene) { s.pings[addr("192.0.2.20")] = Pings{Latency: 101 * time.Millisecond} },
		Connectivity, agent.Fail,
		"worker-0 answers after 101ms, and a control plane node needs at most 100ms"},
	{"lossy peer", func(s *scene) { s.pings[addr("192.0.2.20")] = Pings{Loss: 1} }, Connectivity, agent.Fail,
		"1 % of the packets to worker-0 are lost, and a control plane node needs at most 0 %"},
	{"lossy peer of a worker", func(s *scene) { s.worker(); s.pings[addr("192.0.2.20")] = Pings{Loss: 20} },
		Connectivity, agent.Fail,
		"a worker needs at most 10 %"},
	{"path", func(s *scene) { s.cut, s.in.Inventory.NICs[0].MTU = true, 9000 }, MTU, agent.Fail,
		"packets of 9000 bytes"},
	{"small MTU", func(s *scene) { s.in.Inventory.NICs[0].MTU = 1000 }, MTU, agent.Fail,
		"the MTU of eno1 is 1000; at least 1280"},
	{"no record", func(s *scene) { delete(s.names, "api.demo.example.org") }, DNS, agent.Warn,
		"api.demo.example.org does not resolve: no such host"},
	{"wrong record", func(s *scene) { s.names["api.demo.example.org"] = "192.0.2.7" }, DNS, agent.Warn,
		"api.demo.example.org is 192.0.2.7, and the virtual address is 192.0.2.5"},
	{"no record and no VIPs", func(s *scene) { s.in.Config.ResolvedByOthers = true }, DNS, agent.Fail,
		"api-int.demo.example.org does not"},
	{"wildcard", func(s *scene) { s.names["*.demo.example.org"] = "203.0.113.9" }, DNSWildcard, agent.Fail,
		"resolves to 203.0.113.9"},
	{"VIP", func(s *scene) { s.owners[addr("192.0.2.6")] = "52:54:00:00:00:98" }, VIPs, agent.Fail,
		"the network card 52:54:00:00:00:98 answers for the virtual address 192.0.2.6"},
	{"image", func(s *scene) {
		s.programs["podman pull"] = program{err: errors.New("podman: exit status 125: x509: unknown authority")}
	},
		Image, agent.Fail, "quay.example.org/okd@sha256:abc cannot be pulled: podman: exit status 125: x509: unknown " +
			"authority"},
	{"slow registry", func(s *scene) { s.programs["podman pull"] = program{err: context.DeadlineExceeded} }, Image,
		agent.Fail, "in time"},
	{"no API", func(s *scene) {
		s.joining()
		s.closed = map[string]error{"192.0.2.5:6443": errors.New("connection refused")}
	}, API, agent.Fail, "192.0.2.5:6443: connection refused"},
	{"no config server", func(s *scene) { s.joining(); s.server = errors.New("i/o timeout") }, ConfigServer, agent.Fail,
		"i/o timeout"},
	{"clock and config server", func(s *scene) { s.joining(); s.serverAt = now.Add(time.Hour) }, ConfigServer, agent.Fail,
		"1h0m0s apart"},
	{"written before", func(s *scene) {
		s.joining()
		s.programs["lsblk --noheadings"] = program{out: `NAME="/dev/sda3" TYPE="part"`}
		s.programs["blkid --probe"] = program{out: "PART_ENTRY_NAME=boot\nPART_ENTRY_NUMBER=3"}
		s.programs["mount --options"], s.programs["umount"] = program{}, program{}
		s.mark = "IMAGE"
	}, Written, agent.Fail, "was written from this image already"},
	{"another image", func(s *scene) {
		s.joining()
		s.programs["lsblk --noheadings"] = program{out: `NAME="/dev/sda3" TYPE="part"`}
		s.programs["blkid --probe"] = program{out: "PART_ENTRY_NAME=boot\nPART_ENTRY_NUMBER=3"}
		s.programs["mount --options"], s.programs["umount"] = program{}, program{}
		s.mark = "OTHER"
		s.in.Inventory.Gateways = nil // so that something fails
	}, DefaultRoute, agent.Fail, "no default route"},
	{"no podman", func(s *scene) { s.programs = nil }, Image, agent.Fail, "executable file not found"},
}

// Everything passes, and with each of the changes one check does not, for its own reason.
func TestChecks(t *testing.T) {
	for id, c := range newScene().results(t) {
		if c.Result != agent.Pass || c.Message == "" {
			t.Errorf("%s: %s: %s", id, c.Result, c.Message)
		}
	}
	for _, c := range changes {
		t.Run(c.name, func(t *testing.T) {
			s := newScene()
			c.change(s)
			for id, got := range s.results(t) {
				switch {
				case id != c.id && got.Result != agent.Pass && !alsoSays(c.name, id):
					t.Errorf("%s, too: %s: %s", id, got.Result, got.Message)
				case id == c.id && (got.Result != c.result || !strings.Contains(got.Message, c.want) || got.Next == ""):
					t.Errorf("got %s: %s (%s); want %s: %s", got.Result, got.Message, got.Next, c.result, c.want)
				}
			}
		})
	}
}

// alsoSays has the changes that more than one check is about.
func alsoSays(change, id string) bool {
	return slices.Contains(map[string][]string{
		"no disk": {DiskSpeed}, "wrong hint": {DiskSpeed}, "ambiguous hint": {DiskSpeed},
		"no timedatectl": {}, "wildcard": {DNS},
	}[change], id)
}

// Each check fails or warns in a case above.
func TestEachCheckFails(t *testing.T) {
	others := []string{MachineNetwork} // see TestWithoutAddress
	for _, c := range All() {
		if !slices.ContainsFunc(changes, func(ch change) bool { return ch.id == c.ID }) && !slices.Contains(others, c.ID) {
			t.Errorf("no case has %s", c.ID)
		}
	}
}

func TestWithoutAddress(t *testing.T) {
	s := newScene()
	s.in.Inventory.NICs[0].Addresses = []netip.Prefix{netip.MustParsePrefix("198.51.100.7/24")}
	got := s.results(t)
	if c := got[MachineNetwork]; c.Result != agent.Fail || c.Next == "" || !strings.Contains(c.Message,
		"no address is in the machine networks (192.0.2.0/24); addresses: 198.51.100.7/24 (eno1)") {
		t.Errorf("got %+v", c)
	}
	if c := got[AddressConflict]; c.Result != agent.Pending {
		t.Errorf("got %+v", c)
	}
	if c := got[VIPs]; c.Result != agent.Warn || !strings.Contains(c.Message, "no network of this host") {
		t.Errorf("got %+v", c)
	}
}

func TestRoles(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Input)
		want   string
		sync   bool
	}{
		"ordered":         {func(*Input) {}, "a control plane node", true},
		"worker":          {func(in *Input) { in.Order.Role = "worker" }, "a worker", false},
		"arbiter":         {func(in *Input) { in.Order.Role = "arbiter" }, "an arbiter", true},
		"config":          {func(in *Input) { in.Order, in.Host.Role = nil, "master" }, "a control plane node", true},
		"order before it": {func(in *Input) { in.Host.Role = "worker" }, "a control plane node", true},
		"not decided":     {func(in *Input) { in.Order = nil }, "a worker", false},
		"only masters":    {func(in *Input) { in.Order, in.Config.Workers = nil, 0 }, "a control plane node", true},
		"unknown role":    {func(in *Input) { in.Order.Role = "storage" }, "role storage", true},
		"the only host": {func(in *Input) { in.Config.Masters, in.Config.Workers = 1, 0 }, "a single-node cluster",
			true},
		"one and a worker": {func(in *Input) { in.Config.Masters, in.Config.Workers = 1, 1 }, "a control plane node", true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene()
			c.change(&s.in)
			if m, role := s.in.need(); role != c.want || (m.Sync > 0) != c.sync {
				t.Errorf("got %s", role)
			}
		})
	}
	s := newScene()
	s.in.Config.Masters, s.in.Config.Workers = 1, 0
	got := s.results(t)
	if c := got[CPUs]; c.Result != agent.Fail || !strings.Contains(c.Message,
		"4 CPUs; a single-node cluster needs at least 8") {
		t.Errorf("got %+v", c)
	}
	if c := got[Connectivity]; c.Result != agent.Pass {
		t.Errorf("got %+v", c)
	}
}

// What cannot be found out is not taken for a pass.
func TestUnknown(t *testing.T) {
	s := newScene()
	s.dnsError, s.probeErr = dnsDown(), errors.New("operation not permitted")
	delete(s.pings, addr("192.0.2.21")) // a worker, and most others answer
	s.pings[addr("192.0.2.20")] = Pings{Latency: time.Millisecond}
	got := s.results(t)
	for id, want := range map[string]string{
		DNSWildcard:     "i/o timeout (name server 192.0.2.53:53)",
		DNS:             "i/o timeout",
		VIPs:            "192.0.2.5: operation not permitted",
		AddressConflict: "192.0.2.11: operation not permitted",
		Connectivity:    "reaches 3 of 4 hosts; it does not reach worker-1",
		MTU:             "worker-1",
	} {
		if c := got[id]; c.Result != agent.Warn || !strings.Contains(c.Message, want) {
			t.Errorf("%s: got %+v, want %q", id, c, want)
		}
	}
}

func TestBeforeTheFirstAnswer(t *testing.T) {
	s := newScene()
	s.in.Order = nil
	got := s.results(t)
	for id, want := range map[string]agent.Result{
		Rendezvous: agent.Fail, Time: agent.Pending, Connectivity: agent.Pending, Hostname: agent.Pass,
	} {
		if got[id].Result != want {
			t.Errorf("%s: got %+v, want %s", id, got[id], want)
		}
	}
	s.in.Rendezvous, s.in.Order = true, &agent.Order{}
	if c := s.results(t)[Time]; c.Result != agent.Pass {
		t.Errorf("the clock of the rendezvous host: %+v", c)
	}
}

func TestMinority(t *testing.T) {
	s := newScene()
	s.worker()
	delete(s.pings, addr("192.0.2.20"))
	delete(s.pings, addr("192.0.2.21"))
	if c := s.results(t)[Connectivity]; c.Result != agent.Fail || !strings.Contains(c.Message, "reaches 2 of 4") {
		t.Errorf("got %+v", c)
	}
}

func TestWithoutVIPs(t *testing.T) {
	s := newScene()
	s.in.Config.APIVIPs, s.in.Config.IngressVIPs, s.in.Config.ResolvedByOthers = nil, nil, true
	s.names["api-int.demo.example.org"] = "192.0.2.5"
	got := s.results(t)
	if _, made := got[VIPs]; made {
		t.Error("virtual addresses were looked for")
	}
	if c := got[DNS]; c.Result != agent.Pass {
		t.Errorf("got %+v", c)
	}
}

// Once the installation has begun, the bootstrap host has the virtual addresses.
func TestInstalling(t *testing.T) {
	s := newScene()
	s.in.Installing = true
	s.owners[addr("192.0.2.5")] = "52:54:00:00:00:98"
	if c := s.results(t)[VIPs]; c.Result != agent.Pass {
		t.Errorf("got %+v", c)
	}
}

// A host with two cards in a network answers with either.
func TestOwnCardsAreNoConflict(t *testing.T) {
	s := newScene()
	s.in.Inventory.NICs = append(s.in.Inventory.NICs, agent.NIC{Name: "eno2", MAC: "52:54:00:aa:bb:02"})
	s.owners[addr("192.0.2.11")] = "52:54:00:AA:BB:02"
	if c := s.results(t)[AddressConflict]; c.Result != agent.Pass {
		t.Errorf("got %+v", c)
	}
}

func TestMediumInMemory(t *testing.T) {
	s := newScene()
	s.medium = fs.ErrNotExist
	if c := s.results(t)[Media]; c.Result != agent.Pass || !strings.Contains(c.Message, "memory") {
		t.Errorf("got %+v", c)
	}
}

func TestPulledBefore(t *testing.T) {
	s := newScene()
	s.programs = map[string]program{"podman image": {}}
	if c := s.results(t)[Image]; c.Result != agent.Pass {
		t.Errorf("got %+v", c)
	}
}

// The documentation has a row for each check.
func TestDocumented(t *testing.T) {
	b, err := os.ReadFile("../../../docs/dev/agent.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range All() {
		if !strings.Contains(string(b), "`"+c.ID+"`") {
			t.Errorf("docs/dev/agent.md does not have %s", c.ID)
		}
	}
}
