package clusterconfig

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
)

// The etcd operator refuses addresses of these documentation ranges, so an
// install that uses them must fail here as it would there.
var refusedRanges = []netip.Prefix{
	netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32"),
}

// BootstrapAddress picks this host's address for etcd and the API server: the
// first inside a machine network that is not a VIP.
func (c *Cluster) BootstrapAddress(local []netip.Addr) (netip.Addr, error) {
	for _, n := range c.MachineNetworks {
		for _, a := range local {
			a = a.Unmap()
			if !n.Contains(a) || slices.Contains(c.VIPs, a) {
				continue
			}
			for _, r := range refusedRanges {
				if r.Contains(a) {
					return netip.Addr{}, fmt.Errorf("choose bootstrap address: %s is in documentation range %s", a, r)
				}
			}
			return a, nil
		}
	}
	return netip.Addr{}, fmt.Errorf("choose bootstrap address: none of %v is inside networking.machineNetwork %v",
		local, c.MachineNetworks)
}

// LocalAddresses are the global unicast addresses of this host.
func LocalAddresses() ([]netip.Addr, error) {
	list, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("list host addresses: %w", err)
	}
	var out []netip.Addr
	for _, a := range list {
		n, ok := a.(*net.IPNet)
		if !ok {
			continue
		}
		if ip, ok := netip.AddrFromSlice(n.IP); ok && ip.Unmap().IsGlobalUnicast() {
			out = append(out, ip.Unmap())
		}
	}
	return out, nil
}
