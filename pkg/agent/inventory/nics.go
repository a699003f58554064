package inventory

import (
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/okd-install/okd-install/pkg/agent"
)

// link is what the kernel says of a network interface.
type link struct {
	name, mac string
	mtu       int
	carrier   bool
	addresses []netip.Prefix
}

// systemLinks are the interfaces of this network namespace. In a container /sys/class/net
// may be that of another one.
func systemLinks() ([]link, error) {
	interfaces, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("list the network interfaces: %w", err)
	}
	out := []link{}
	for _, i := range interfaces {
		if i.Flags&net.FlagLoopback != 0 {
			continue
		}
		l := link{
			name: i.Name, mac: i.HardwareAddr.String(), mtu: i.MTU, carrier: i.Flags&net.FlagRunning != 0,
		}
		addresses, err := i.Addrs()
		if err != nil {
			return nil, fmt.Errorf("list the addresses of %s: %w", i.Name, err)
		}
		for _, a := range addresses {
			if p, err := netip.ParsePrefix(a.String()); err == nil {
				l.addresses = append(l.addresses, netip.PrefixFrom(p.Addr().Unmap(), p.Bits()))
			}
		}
		out = append(out, l)
	}
	return out, nil
}

// ethernet and infiniband are the types of interfaces that cards have, see if_arp.h.
const (
	ethernet   = 1
	infiniband = 32
)

// sysfsLinks are the interfaces in a tree, without addresses.
func (t tree) sysfsLinks() []link {
	out := []link{}
	for _, name := range t.list("sys/class/net") {
		at := "sys/class/net/" + name + "/"
		if kind := t.number(at + "type"); kind != ethernet && kind != infiniband {
			continue
		}
		out = append(out, link{
			name: name, mac: t.text(at + "address"), mtu: int(t.number(at + "mtu")), carrier: t.text(at+"carrier") == "1",
		})
	}
	return out
}

// nics are the cards of the host, and the interfaces made of them.
func (t tree) nics(known []link) ([]agent.NIC, error) {
	if known == nil {
		known = t.sysfsLinks()
	}
	nics := []agent.NIC{}
	hardware := false
	for _, l := range known {
		at := "sys/class/net/" + l.name + "/"
		n := agent.NIC{
			Name: l.name, MAC: strings.ToLower(l.mac), MTU: l.mtu, Carrier: l.carrier, Addresses: l.addresses,
			Physical: t.exists(at + "device"),
		}
		// A card in a bond has the bond's address until it leaves it.
		if own := t.text(at + "bonding_slave/perm_hwaddr"); own != "" {
			n.MAC = strings.ToLower(own)
		}
		if speed := t.number(at + "speed"); speed > 0 { // -1 without carrier
			n.SpeedMbps = int(speed)
		}
		if n.MAC == "" {
			continue // a tunnel
		}
		hardware = hardware || n.Physical
		nics = append(nics, n)
	}
	for i := range nics {
		nics[i].Physical = nics[i].Physical || !hardware && t.likeCard(nics[i].Name)
	}
	if slices.ContainsFunc(nics, func(n agent.NIC) bool { return n.Physical }) {
		nics = slices.DeleteFunc(nics, t.ofPod)
	}
	slices.SortFunc(nics, func(a, b agent.NIC) int { return strings.Compare(a.Name, b.Name) })
	return nics, nil
}

// likeCard reports whether an interface stands for a card on a host without hardware, such as
// a container: it is not made of others, and somebody has chosen its address. Those of the
// containers that the host itself runs have random ones.
func (t tree) likeCard(name string) bool {
	const random = "1" // see netdevice.h
	return !t.made(name) && t.text("sys/class/net/"+name+"/addr_assign_type") != random
}

// made reports whether an interface is a bond, VLAN, bridge or the like.
func (t tree) made(name string) bool {
	return strings.Contains(t.text("sys/class/net/"+name+"/uevent"), "DEVTYPE=")
}

// ofPod reports whether an interface is one end of a pair: those of the containers that run
// on the host.
func (t tree) ofPod(n agent.NIC) bool {
	return !n.Physical && !t.made(n.Name) &&
		!slices.ContainsFunc(n.Addresses, func(p netip.Prefix) bool { return p.Addr().IsGlobalUnicast() })
}

// gateways are those of the default routes, the preferred first.
func (t tree) gateways() ([]netip.Addr, error) {
	var routes []route
	b, err := t.read("proc/net/route")
	if err != nil {
		return nil, fmt.Errorf("read the routes: %w", err)
	}
	routes = append(routes, parseRoutes4(b)...)
	if b, err := t.read("proc/net/ipv6_route"); err == nil { // a kernel may lack IPv6
		routes = append(routes, parseRoutes6(b)...)
	}
	slices.SortStableFunc(routes, func(a, b route) int { return cmp.Compare(a.metric, b.metric) })
	var out []netip.Addr
	for _, r := range routes {
		if !slices.Contains(out, r.gateway) {
			out = append(out, r.gateway)
		}
	}
	return out, nil
}

// route is a default route.
type route struct {
	gateway netip.Addr
	metric  uint32
}

// The flags of routes, see linux/route.h.
const (
	routeUp      = 0x1
	routeGateway = 0x2
	routeReject  = 0x200
)

// parseRoutes4 reads the default routes of /proc/net/route: interface, destination, gateway,
// flags, references, use, metric, mask, in hexadecimal digits, addresses in the byte order of
// the host.
func parseRoutes4(b []byte) []route {
	var out []route
	for _, f := range lines(b) {
		if len(f) < 8 || f[1] != "00000000" || f[7] != "00000000" {
			continue
		}
		gateway, err := hex.DecodeString(f[2])
		flags, errFlags := strconv.ParseUint(f[3], 16, 32)
		metric, errMetric := strconv.ParseUint(f[6], 10, 31)
		if err != nil || len(gateway) != 4 || errFlags != nil || errMetric != nil ||
			flags&(routeUp|routeGateway) != routeUp|routeGateway {
			continue
		}
		var a [4]byte
		binary.NativeEndian.PutUint32(a[:], binary.BigEndian.Uint32(gateway))
		out = append(out, route{netip.AddrFrom4(a), uint32(metric)})
	}
	return out
}

// parseRoutes6 reads the default routes of /proc/net/ipv6_route: destination, its length,
// source, its length, gateway, metric, references, use, flags, interface.
func parseRoutes6(b []byte) []route {
	zero := strings.Repeat("0", 32)
	var out []route
	for _, f := range lines(b) {
		if len(f) < 10 || f[0] != zero || f[1] != "00" {
			continue
		}
		gateway, err := hex.DecodeString(f[4])
		flags, errFlags := strconv.ParseUint(f[8], 16, 32)
		metric, errMetric := strconv.ParseUint(f[5], 16, 32)
		if err != nil || len(gateway) != 16 || errFlags != nil || errMetric != nil ||
			flags&(routeUp|routeGateway|routeReject) != routeUp|routeGateway {
			continue
		}
		out = append(out, route{netip.AddrFrom16([16]byte(gateway)), uint32(metric)})
	}
	return out
}
