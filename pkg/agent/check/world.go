package check

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/beevik/ntp"
	probing "github.com/prometheus-community/pro-bing"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/agent/disk"
	"github.com/okd-install/okd-install/pkg/clock"
)

// World is what checks ask.
type World struct {
	Clock    clock.Clock
	Runner   disk.Runner
	Resolver Resolver
	Network  Network
	// QueryNTP returns how far the host's clock is from that of a time server.
	QueryNTP func(ctx context.Context, server string) (time.Duration, error)
	// Connect opens a TCP connection to an address with port, and closes it.
	Connect func(ctx context.Context, address string) error
	// AskTime makes a request to a server whose certificate the authorities, in PEM, have signed,
	// and returns the time in the answer; zero if there is none.
	AskTime func(ctx context.Context, url string, authorities []byte) (time.Time, error)
	// ReadLatency is how long 99 of 100 reads from a disk take at most.
	ReadLatency func(ctx context.Context, path string) (time.Duration, error)
	// ReadMedium reads from what the live system was started from, and names it. The error is
	// fs.ErrNotExist if the live system is in memory.
	ReadMedium func(context.Context) (string, error)
}

// Resolver resolves names; net.Resolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Network asks other hosts.
type Network interface {
	// Ping sends some packets. No answer at all is an error.
	Ping(context.Context, netip.Addr) (Pings, error)
	// PingFull reports whether packets of this size get there as they are. That small ones do
	// not is an error.
	PingFull(ctx context.Context, to netip.Addr, mtu int) (bool, error)
	// Probe asks the network of an interface who has an address, and returns the MAC address
	// of the answer; an empty one if there is none.
	Probe(ctx context.Context, nic string, a netip.Addr) (string, error)
}

// System is the world of this host.
func System(clk clock.Clock) *World {
	return &World{
		Clock: clk, Runner: disk.System{}, Resolver: net.DefaultResolver, Network: systemNetwork{},
		QueryNTP: queryNTP, ReadLatency: readLatency, Connect: connectTo, AskTime: timeOf,
		ReadMedium: func(ctx context.Context) (string, error) { return readMedium(ctx, "/run/media/iso/images") },
	}
}

func queryNTP(ctx context.Context, server string) (time.Duration, error) {
	const limit = 5 * time.Second
	timeout := limit
	if end, ok := ctx.Deadline(); ok {
		timeout = min(timeout, time.Until(end))
	}
	if timeout <= 0 {
		return 0, ctx.Err()
	}
	r, err := ntp.QueryWithOptions(server, ntp.QueryOptions{Timeout: timeout})
	if err != nil {
		return 0, err
	}
	return r.ClockOffset, r.Validate()
}

type systemNetwork struct{}

const (
	pings        = 10
	pingInterval = 100 * time.Millisecond
	pingTimeout  = 4 * time.Second
)

func (systemNetwork) Ping(ctx context.Context, a netip.Addr) (Pings, error) {
	s, err := ping(ctx, a, pings, 0)
	if err == nil && s.PacketsRecv > 0 {
		return Pings{Latency: s.AvgRtt, Loss: s.PacketLoss}, nil
	}
	if err == nil {
		err = fmt.Errorf("%s does not answer", a)
	}
	// Firewalls may drop ICMP only.
	start := time.Now()
	if e := connect(ctx, a, agent.Port); e != nil {
		return Pings{}, fmt.Errorf("%w, nor to TCP: %w", err, e)
	}
	return Pings{Latency: time.Since(start), TCP: true}, nil
}

func connectTo(ctx context.Context, address string) error {
	dialer := net.Dialer{Timeout: pingTimeout}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return conn.Close()
}

// connect reports whether a host answers to TCP: a refusal is an answer.
func connect(ctx context.Context, a netip.Addr, port uint16) error {
	dialer := net.Dialer{Timeout: pingTimeout}
	conn, err := dialer.DialContext(ctx, "tcp", netip.AddrPortFrom(a, port).String())
	switch {
	case err == nil:
		return conn.Close()
	case errors.Is(err, syscall.ECONNREFUSED):
		return nil
	}
	return err
}

// The headers of a packet, apart from the data of a ping.
const (
	header4 = 20 + 8
	header6 = 40 + 8
)

func (systemNetwork) PingFull(ctx context.Context, a netip.Addr, mtu int) (bool, error) {
	const few = 3
	if s, err := ping(ctx, a, few, 0); err != nil || s.PacketsRecv == 0 {
		return false, errors.Join(err, fmt.Errorf("%s does not answer pings", a))
	}
	size := mtu - header4
	if a.Is6() {
		size = mtu - header6
	}
	s, err := ping(ctx, a, few, size)
	if errors.Is(err, syscall.EMSGSIZE) { // the kernel has learnt a smaller one on the way
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return s.PacketsRecv > 0, nil
}

// ping sends packets, of a size that must not be changed on the way if it is not zero.
func ping(ctx context.Context, a netip.Addr, count, size int) (*probing.Statistics, error) {
	p := probing.New(a.String())
	p.SetIPAddr(&net.IPAddr{IP: a.AsSlice(), Zone: a.Zone()})
	p.SetPrivileged(true)
	p.Count, p.Interval, p.Timeout = count, pingInterval, pingTimeout
	p.RecordRtts = false
	if size > 0 {
		p.Size = size
		p.SetDoNotFragment(true)
	}
	if err := p.RunWithContext(ctx); err != nil {
		return nil, fmt.Errorf("ping %s: %w", a, err)
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("ping %s: %w", a, err)
	}
	return p.Statistics(), nil
}

// readMedium reads parts of the largest file, the image of the live system.
func readMedium(ctx context.Context, dir string) (string, error) {
	const parts, partSize = 8, 256 << 10
	name, size, err := largest(dir)
	if err != nil {
		return name, err
	}
	f, err := os.Open(name)
	if err != nil {
		return name, err
	}
	defer f.Close()
	b := make([]byte, partSize)
	for range parts {
		if err := ctx.Err(); err != nil {
			return name, fmt.Errorf("read %s: %w", name, err)
		}
		at := rand.Int64N(max(1, size-partSize))
		forget(f)
		if n, err := f.ReadAt(b[:min(partSize, size)], at); err != nil && int64(n) < min(partSize, size-at) {
			return name, fmt.Errorf("read %s at %d: %w", name, at, err)
		}
	}
	return name, nil
}

// largest finds the largest file below a directory.
func largest(dir string) (name string, size int64, err error) {
	err = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		info, err := e.Info()
		if err == nil && info.Size() > size {
			name, size = path, info.Size()
		}
		return err
	})
	if err == nil && name == "" {
		err = fmt.Errorf("%s has no file: %w", dir, fs.ErrNotExist)
	}
	return name, size, err
}
