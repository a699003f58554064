// Package network is the lab's network: one namespace per lab with a bridge,
// DHCP and DNS on it, a second namespace for installers, and a cable
// per machine. Nothing in it has a way out.
package network

import (
	"fmt"
	"net/netip"
)

// The address plan. RFC 2544 reserves 198.18.0.0/15 for benchmarks, so it
// collides with no real network, and OKD accepts it (it rejects the ranges
// for documentation).
var (
	MachineNetwork = netip.MustParsePrefix("198.18.0.0/24")
	PodNetwork     = netip.MustParsePrefix("198.19.0.0/17")
	ServiceNetwork = netip.MustParsePrefix("198.19.128.0/17")

	Gateway  = netip.MustParseAddr("198.18.0.1") // bridge, DNS, DHCP
	Registry = netip.MustParseAddr("198.18.0.2") // and the file server
	Engine   = netip.MustParseAddr("198.18.0.3")
	// Hosts are the hypervisors with their imageio. Three of them, so that
	// affinity groups can keep three masters apart.
	Hosts = []netip.Addr{
		netip.MustParseAddr("198.18.0.4"), netip.MustParseAddr("198.18.0.5"), netip.MustParseAddr("198.18.0.6"),
	}
	Provisioner = netip.MustParseAddr("198.18.0.9")

	// bmcFirst and bmcLast are for the management controllers of hosts.
	bmcFirst = netip.MustParseAddr("198.18.0.200")
	bmcLast  = netip.MustParseAddr("198.18.0.249")

	poolFirst = netip.MustParseAddr("198.18.0.100")
	poolLast  = netip.MustParseAddr("198.18.0.199")
)

// Names in the lab's DNS.
const (
	BaseDomain   = "okd.test" // of clusters
	Domain       = "lab." + BaseDomain
	EngineName   = "engine." + Domain
	RegistryName = "registry." + Domain
	MirrorName   = "mirror." + Domain
	ImagesName   = "images." + Domain
	// LivePath is where the image server has live ISOs; OS images are at its root.
	LivePath    = "/live"
	UpdatesName = "updates." + Domain

	RegistryPort = 5000
	// MirrorPort is where the registry is, under another name, as the mirror of a
	// disconnected site: it goes on when the registry is cut off.
	MirrorPort  = 5001
	ImageioPort = 54322
	ProxyPort   = 54323
	BMCPort     = 443
)

// OutsideNames are the registries of the world that clusters pull from by default.
// The lab's registry stands for them: its repository NAME/REPOSITORY is REPOSITORY at
// NAME, port 443.
func OutsideNames() []string { return []string{PublicCatalogs, Quay, LoginCatalogs} }

// PublicCatalogs and Quay give images to everybody, LoginCatalogs to customers only,
// which a lab is not.
const (
	PublicCatalogs = "registry.access.redhat.com"
	Quay           = "quay.io"
	LoginCatalogs  = "registry.redhat.io"
)

// HostName is the name of hypervisor n, counted from 0.
func HostName(n int) string { return fmt.Sprintf("host%d.%s", n+1, Domain) }

// BMCs are the addresses for management controllers.
func BMCs() []netip.Addr {
	var list []netip.Addr
	for a := bmcFirst; !bmcLast.Less(a); a = a.Next() {
		list = append(list, a)
	}
	return list
}

// Services are the names and addresses of everything that the lab serves.
func Services() (names []string, addresses []netip.Addr) {
	names = []string{EngineName, RegistryName, MirrorName, ImagesName, UpdatesName}
	names = append(names, OutsideNames()...)
	addresses = []netip.Addr{Registry, Engine}
	for n, addr := range Hosts {
		names, addresses = append(names, HostName(n)), append(addresses, addr)
	}
	return names, addresses
}

// Cluster is a cluster that an operator has prepared DNS for.
type Cluster struct {
	Name       string     `json:"name"`
	BaseDomain string     `json:"baseDomain"`
	API        netip.Addr `json:"apiVIP"`
	Ingress    netip.Addr `json:"ingressVIP"`
}

// Domain is the cluster's own domain.
func (c Cluster) Domain() string { return c.Name + "." + c.BaseDomain }

// Clusters are those that the lab has names and addresses for. The names are
// fixed, since DNS has to be ready before a cluster is installed.
func Clusters() []Cluster {
	var list []Cluster
	vip := netip.MustParseAddr("198.18.0.10")
	for _, name := range []string{"demo", "second", "third", "fourth"} {
		list = append(list, Cluster{Name: name, BaseDomain: BaseDomain, API: vip, Ingress: vip.Next()})
		vip = vip.Next().Next()
	}
	return list
}

// Lab names the namespaces of one lab.
type Lab struct{ Name string }

// Namespace is where the lab's services are.
func (l Lab) Namespace() string { return "okdlab-" + l.Name }

// ProvisionerNamespace is where installers run.
func (l Lab) ProvisionerNamespace() string { return l.Namespace() + "-provisioner" }

// File is where ip(8) keeps a named namespace.
func File(namespace string) string { return "/run/netns/" + namespace }

// Bridge is the name of the bridge inside the lab's namespace.
const Bridge = "br0"

// port is the name of the switch's end of a cable; interface names have at
// most 15 characters.
func port(id string, index int) string {
	if len(id) > 8 {
		id = id[:8]
	}
	return fmt.Sprintf("v%d-%s", index, id)
}
