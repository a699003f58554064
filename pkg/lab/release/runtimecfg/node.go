package runtimecfg

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

// Cluster is what all nodes agree on.
type Cluster struct {
	Name          string
	Domain        string // <name>.<base domain>
	DomainPattern string // Domain for a regular expression without backslashes
	APIVIP        string
	IngressVIP    string
	APIVRID       int
	IngressVRID   int
}

// NewCluster computes what follows from names and addresses.
func NewCluster(name, domain, apiVIP, ingressVIP string) (Cluster, error) {
	if name == "" || domain == "" {
		return Cluster{}, errors.New("describe cluster: its name and domain must be known")
	}
	for _, vip := range []string{apiVIP, ingressVIP} {
		if a, err := netip.ParseAddr(vip); err != nil || !a.Is4() {
			return Cluster{}, fmt.Errorf("describe cluster: VIP %q is not an IPv4 address", vip)
		}
	}
	c := Cluster{
		Name: name, Domain: domain, APIVIP: apiVIP, IngressVIP: ingressVIP,
		DomainPattern: strings.ReplaceAll(regexp.QuoteMeta(domain), `\.`, "[.]"),
	}
	c.APIVRID, c.IngressVRID = IDs(name)
	return c, nil
}

// Local is this machine's place on the network of the VIPs.
type Local struct {
	Interface string
	Address   string
}

// FindLocal looks for the interface whose network holds vip, which is itself a /32.
func FindLocal(vip string, nets []Net) (Local, error) {
	want, err := netip.ParseAddr(vip)
	if err != nil {
		return Local{}, fmt.Errorf("find own address: %w", err)
	}
	for _, n := range nets {
		if n.Prefix.Bits() < n.Prefix.Addr().BitLen() && n.Prefix.Masked().Contains(want) {
			return Local{Interface: n.Interface, Address: n.Prefix.Addr().String()}, nil
		}
	}
	return Local{}, fmt.Errorf("find own address: no interface is on the network of %s", vip)
}

// Net is one address of an interface with its network.
type Net struct {
	Interface string
	Prefix    netip.Prefix
}

// Nets lists the addresses of the interfaces that are up.
func Nets() ([]Net, error) {
	ifs, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("list interfaces: %w", err)
	}
	var out []Net
	for _, i := range ifs {
		if i.Flags&net.FlagUp == 0 || i.Flags&net.FlagLoopback != 0 {
			continue
		}
		addrs, err := i.Addrs()
		if err != nil {
			return nil, fmt.Errorf("list addresses of %s: %w", i.Name, err)
		}
		for _, a := range addrs {
			if p, err := netip.ParsePrefix(a.String()); err == nil {
				out = append(out, Net{i.Name, netip.PrefixFrom(p.Addr().Unmap(), p.Bits())})
			}
		}
	}
	return out, nil
}

// Upstreams are the name servers of a resolv.conf besides the node's own.
func Upstreams(resolvConf []byte, own ...string) []string {
	var out []string
	for _, line := range strings.Split(string(resolvConf), "\n") {
		f := strings.Fields(line)
		if len(f) < 2 || f[0] != "nameserver" {
			continue
		}
		a, err := netip.ParseAddr(f[1])
		if err != nil || a.IsLoopback() || slices.Contains(own, f[1]) || slices.Contains(out, f[1]) {
			continue
		}
		out = append(out, f[1])
	}
	return out
}

// ID is OKD's router id of a name: Fletcher's checksum with 4-bit sums, plus 1.
func ID(name string) int {
	var a, b int
	for _, c := range []byte(name) {
		a = (a + int(c)) % 15
		b = (b + a) % 15
	}
	return (b<<4 | a) + 1
}

// IDs are the router ids of a cluster's API and ingress addresses; they differ.
func IDs(cluster string) (api, ingress int) {
	api, ingress = ID(cluster+"-api"), ID(cluster+"-ingress")
	if api == ingress {
		ingress++
	}
	return api, ingress
}
