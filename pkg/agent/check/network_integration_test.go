//go:build integration

package check

import (
	"context"
	"net"
	"runtime"
	"testing"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
)

// pair makes a pair of interfaces, one of which is another host, in a network namespace of
// its own. The thread stays in the first one, and ends with the test.
func pair(t *testing.T) (theirMAC string) {
	t.Helper()
	runtime.LockOSThread()
	theirs, err := netns.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = theirs.Close() })
	setUp(t, "lo")
	ours, err := netns.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ours.Close() })
	attrs := netlink.NewLinkAttrs()
	attrs.Name = "eno1"
	veth := &netlink.Veth{LinkAttrs: attrs, PeerName: "eno2", PeerNamespace: netlink.NsFd(theirs)}
	if err := netlink.LinkAdd(veth); err != nil {
		t.Fatal(err)
	}
	setUp(t, "lo")
	setUp(t, "eno1", "192.0.2.1/24", "192.0.2.2/24", "2001:db8::1/64")
	if err := netns.Set(theirs); err != nil {
		t.Fatal(err)
	}
	setUp(t, "eno2", "192.0.2.50/24", "2001:db8::50/64", "192.0.2.2/32")
	peer, err := netlink.LinkByName("eno2")
	if err != nil {
		t.Fatal(err)
	}
	if err := netns.Set(ours); err != nil {
		t.Fatal(err)
	}
	return peer.Attrs().HardwareAddr.String()
}

// setUp gives an interface addresses, which are usable at once.
func setUp(t *testing.T, name string, addresses ...string) {
	t.Helper()
	l, err := netlink.LinkByName(name)
	if err != nil {
		t.Fatal(err)
	}
	const noDAD = 0x2
	for _, a := range addresses {
		parsed, err := netlink.ParseAddr(a)
		if err != nil {
			t.Fatal(err)
		}
		if parsed.IP.To4() == nil {
			parsed.Flags = noDAD
		}
		if err := netlink.AddrAdd(l, parsed); err != nil {
			t.Fatal(err)
		}
	}
	if err := netlink.LinkSetUp(l); err != nil {
		t.Fatal(err)
	}
}

// TestSystemNetwork asks a real kernel. It needs root.
func TestSystemNetwork(t *testing.T) {
	mac := pair(t)
	ctx := context.Background()
	var network systemNetwork
	for a, want := range map[string]string{
		"192.0.2.50": mac, "192.0.2.51": "", "2001:db8::50": mac, "2001:db8::51": "", "2001:db8::1": "",
		"192.0.2.2": mac, // an address of our own that the other host has, too
	} {
		got, err := network.Probe(ctx, "eno1", addr(a))
		if err != nil || got != want {
			t.Errorf("%s is that of %q, %v; want %q", a, got, err, want)
		}
	}
	if _, err := network.Probe(ctx, "eno9", addr("192.0.2.50")); err == nil {
		t.Error("no error for an interface that is not there")
	}
	for _, a := range []string{"192.0.2.50", "2001:db8::50"} {
		if p, err := network.Ping(ctx, addr(a)); err != nil || p.Loss > 0 || p.Latency <= 0 || p.TCP {
			t.Errorf("%s: %+v, %v", a, p, err)
		}
		if full, err := network.PingFull(ctx, addr(a), 1500); err != nil || !full {
			t.Errorf("%s: %t, %v", a, full, err)
		}
		// Larger than what our own interface sends.
		if full, err := network.PingFull(ctx, addr(a), 9000); err == nil && full {
			t.Errorf("%s: a packet of 9000 bytes got there", a)
		}
	}
	if p, err := network.Ping(ctx, addr("192.0.2.51")); err == nil {
		t.Errorf("nobody answered with %+v", p)
	}
	if _, err := net.InterfaceByName("eno1"); err != nil {
		t.Errorf("the test has left its namespace: %v", err)
	}
}
