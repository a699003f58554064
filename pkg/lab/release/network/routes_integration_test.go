//go:build integration

package network

import (
	"net"
	"runtime"
	"slices"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// TestKernelRoutes sets routes in a network namespace of its own. It needs root.
func TestKernelRoutes(t *testing.T) {
	runtime.LockOSThread() // and never unlocked: the thread ends with the test
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Fatal(err)
	}
	link := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "host0"}}
	address, err := netlink.ParseAddr("198.18.0.1/24")
	if err != nil {
		t.Fatal(err)
	}
	foreign := &netlink.Route{
		Dst: &net.IPNet{IP: net.IPv4(198, 19, 9, 0), Mask: net.CIDRMask(24, 32)}, Gw: net.IPv4(198, 18, 0, 9),
	}
	for _, do := range []func() error{
		func() error { return netlink.LinkAdd(link) },
		func() error { return netlink.AddrAdd(link, address) },
		func() error { return netlink.LinkSetUp(link) },
		func() error { return netlink.RouteAdd(foreign) },
	} {
		if err := do(); err != nil {
			t.Fatal(err)
		}
	}
	a, b := route{"198.19.1.0/24", "198.18.0.101"}, route{"198.19.2.0/24", "198.18.0.102"}
	moved := route{"198.19.1.0/24", "198.18.0.109"}
	for _, wanted := range [][]route{{a, b}, {a, b}, {moved, b}, {b}, nil} {
		if err := setRoutes(wanted); err != nil {
			t.Fatal(err)
		}
		list, err := netlink.RouteList(link, netlink.FAMILY_V4)
		if err != nil {
			t.Fatal(err)
		}
		var have []route
		for _, r := range list {
			if r.Gw != nil && r.Protocol == protocol {
				have = append(have, route{r.Dst.String(), r.Gw.String()})
			}
		}
		if !slices.Equal(have, wanted) {
			t.Errorf("routes %v, want %v", have, wanted)
		}
		if !slices.ContainsFunc(list, func(r netlink.Route) bool { return r.Dst.String() == foreign.Dst.String() }) {
			t.Error("the route of another program is gone")
		}
	}
	if err := setRoutes([]route{{"198.19.3.0/24", "203.0.113.1"}}); err == nil {
		t.Error("a gateway that cannot be reached was accepted")
	}
}
