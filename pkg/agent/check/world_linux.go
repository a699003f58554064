package check

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"slices"
	"time"

	"github.com/mdlayher/arp"
	"github.com/mdlayher/ethernet"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

const (
	// probes is how often an address is asked for, and answerTime how long each has.
	probes     = 3
	answerTime = time.Second
)

// Probe implements Network.
func (systemNetwork) Probe(ctx context.Context, nic string, a netip.Addr) (string, error) {
	ifi, err := net.InterfaceByName(nic)
	if err != nil {
		return "", err
	}
	if a.Is4() {
		return probe4(ctx, ifi, a)
	}
	return probe6(ctx, ifi, a)
}

// probe4 sends ARP probes (RFC 5227): requests without an address of their own, which change
// no table of others.
func probe4(ctx context.Context, ifi *net.Interface, a netip.Addr) (string, error) {
	c, err := arp.Dial(ifi)
	if err != nil {
		return "", fmt.Errorf("send ARP on %s: %w", ifi.Name, err)
	}
	defer c.Close()
	request, err := arp.NewPacket(arp.OperationRequest, ifi.HardwareAddr, netip.IPv4Unspecified(), make([]byte, 6), a)
	if err != nil {
		return "", err
	}
	for range probes {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		if err := c.SetDeadline(time.Now().Add(answerTime)); err != nil {
			return "", err
		}
		if err := c.WriteTo(request, ethernet.Broadcast); err != nil {
			return "", fmt.Errorf("send ARP on %s: %w", ifi.Name, err)
		}
		for {
			p, _, err := c.Read()
			if errors.Is(err, os.ErrDeadlineExceeded) {
				break
			}
			if err != nil {
				return "", fmt.Errorf("receive ARP on %s: %w", ifi.Name, err)
			}
			// Whoever sends from the address has it, whether that is an answer or not.
			if p.SenderIP == a && !slices.Equal(p.SenderHardwareAddr, ifi.HardwareAddr) {
				return p.SenderHardwareAddr.String(), nil
			}
		}
	}
	return "", nil
}

// probe6 lets the kernel find the neighbour. An address of the host itself it has asked for
// already, when it was added, and knows if somebody else has it.
func probe6(ctx context.Context, ifi *net.Interface, a netip.Addr) (string, error) {
	link, err := netlink.LinkByIndex(ifi.Index)
	if err != nil {
		return "", err
	}
	own, err := netlink.AddrList(link, netlink.FAMILY_V6)
	if err != nil {
		return "", fmt.Errorf("list the addresses of %s: %w", ifi.Name, err)
	}
	for _, o := range own {
		if ip, _ := netip.AddrFromSlice(o.IP); ip == a {
			if o.Flags&unix.IFA_F_DADFAILED != 0 {
				return "that the kernel found when it added the address", nil
			}
			return "", nil
		}
	}
	// What is known may be old.
	stale := &netlink.Neigh{LinkIndex: ifi.Index, IP: a.AsSlice(), Family: netlink.FAMILY_V6}
	_ = netlink.NeighDel(stale)                                                                       // there may be none
	conn, err := net.Dial("udp6", netip.AddrPortFrom(a.WithZone(zone(a, ifi)), discardPort).String()) //nolint:noctx // UDP
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if _, err := conn.Write([]byte{0}); err != nil {
		return "", err
	}
	for end := time.Now().Add(probes * answerTime); time.Now().Before(end); {
		neighbours, err := netlink.NeighList(ifi.Index, netlink.FAMILY_V6)
		if err != nil {
			return "", fmt.Errorf("list the neighbours on %s: %w", ifi.Name, err)
		}
		for _, n := range neighbours {
			ip, _ := netip.AddrFromSlice(n.IP)
			if ip == a && len(n.HardwareAddr) > 0 && n.State&(netlink.NUD_FAILED|netlink.NUD_INCOMPLETE) == 0 {
				return n.HardwareAddr.String(), nil
			}
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-time.After(answerTime / 10):
		}
	}
	return "", nil
}

// discardPort is one that nothing listens on: only the way there matters.
const discardPort = 9

func zone(a netip.Addr, ifi *net.Interface) string {
	if a.IsLinkLocalUnicast() {
		return ifi.Name
	}
	return ""
}

// forget makes the kernel read from the medium, not from memory.
func forget(f *os.File) { _ = unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED) }

const (
	block    = 4096
	reads    = 300
	readTime = 5 * time.Second
	enough   = 20
)

// readLatency reads blocks from all over the disk, past all caches of the kernel.
func readLatency(ctx context.Context, path string) (time.Duration, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_DIRECT|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, fmt.Errorf("open %s: %w", path, err)
	}
	defer func() { _ = unix.Close(fd) }()
	size, err := unix.Seek(fd, 0, unix.SEEK_END)
	if err != nil || size < block {
		return 0, errors.Join(err, fmt.Errorf("%s has %d bytes", path, size))
	}
	// Its own pages: what is read directly has to be aligned.
	b, err := unix.Mmap(-1, 0, block, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return 0, err
	}
	defer func() { _ = unix.Munmap(b) }()
	var all []time.Duration
	for begin := time.Now(); len(all) < reads && time.Since(begin) < readTime; {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		at := rand.Int64N(size/block) * block
		start := time.Now()
		switch n, err := unix.Pread(fd, b, at); {
		case err != nil:
			return 0, fmt.Errorf("read %s at %d: %w", path, at, err)
		case n != block:
			return 0, fmt.Errorf("read %s at %d: %d of %d bytes", path, at, n, block)
		}
		all = append(all, time.Since(start))
	}
	if len(all) < enough {
		return 0, fmt.Errorf("only %d reads from %s were done in %v", len(all), path, readTime)
	}
	slices.Sort(all)
	return all[len(all)*99/100], nil
}
