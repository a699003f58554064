package types_test

import (
	"net/netip"
	"testing"

	"github.com/okd-install/okd-install/pkg/types"
)

var vipRefused = []row{
	{"no API address", ovirt, `drop platform.ovirt.api_vips`, `platform.ovirt.api_vips: Required value`},
	{"no ingress address", ovirt, `platform.ovirt.ingress_vips = []`, `platform.ovirt.ingress_vips: Required value`},
	{"no addresses", baremetal, `
		drop platform.baremetal.apiVIPs
		drop platform.baremetal.ingressVIPs`, `
		platform.baremetal.apiVIPs: Required value
		platform.baremetal.ingressVIPs: Required value`},
	{"API address outside", ovirt, `platform.ovirt.api_vips[0] = 10.1.0.10`,
		`platform.ovirt.api_vips: Invalid value @ 10.1.0.10`},
	{"ingress address outside", baremetal, `platform.baremetal.ingressVIPs[0] = 10.1.0.11`,
		`platform.baremetal.ingressVIPs: Invalid value @ 10.1.0.11`},
	{"the same address", ovirt, `platform.ovirt.ingress_vips[0] = 10.0.0.10`,
		`platform.ovirt.api_vips: Invalid value @ 10.0.0.10`},
	{"the same address", baremetal, `platform.baremetal.ingressVIPs[0] = 10.0.0.10`,
		`platform.baremetal.apiVIPs: Invalid value @ 10.0.0.10`},
	{"no address but a name", baremetal, `platform.baremetal.apiVIPs[0] = api.okd.test`,
		`platform.baremetal.apiVIPs[0]: Invalid value @ api.okd.test`},
	{"an address out of range", ovirt, `platform.ovirt.api_vips[0] = 10.0.0.256`,
		`platform.ovirt.api_vips[0]: Invalid value @ 10.0.0.256`},
	{"an address with a zone", baremetal, `platform.baremetal.apiVIPs[0] = "fe80::1%eth0"`,
		`platform.baremetal.apiVIPs[0]: Invalid value`},
	{"an IPv4 address in IPv6", ovirt, `platform.ovirt.api_vips[0] = "::ffff:10.0.0.10"`,
		`platform.ovirt.api_vips[0]: Invalid value`},
	{"an empty address", ovirt, `platform.ovirt.api_vips[0] = ""`, `platform.ovirt.api_vips: Invalid value`},
	{"a list as text", baremetal, `platform.baremetal.apiVIPs = 10.0.0.10`, `platform.baremetal.apiVIPs: Invalid value`},
	{"two addresses of a family", ovirt, `platform.ovirt.api_vips = [10.0.0.10, 10.0.0.12]`,
		`platform.ovirt.api_vips: Invalid value`},
	{"two addresses of a family", baremetal, `platform.baremetal.ingressVIPs = [10.0.0.11, 10.0.0.12]`,
		`platform.baremetal.ingressVIPs: Invalid value`},
	{"three addresses", baremetal, `platform.baremetal.apiVIPs = [10.0.0.10, "fd00::10", 10.0.0.12]`,
		`platform.baremetal.apiVIPs: Too many`},
	{"an IPv6 address in an IPv4 network", ovirt, `platform.ovirt.ingress_vips = ["fd00::11"]`,
		`platform.ovirt.ingress_vips: Invalid value`},
	{"only an IPv6 address in dual stack", ovirt, dualStack + `platform.ovirt.api_vips = ["fd00::10"]`,
		`platform.ovirt.api_vips: Invalid value`},
	{"only an IPv4 address with IPv6 first", baremetal, sixFirst + `platform.baremetal.apiVIPs = ["fd00::10"]`,
		`platform.baremetal.ingressVIPs: Invalid value`},
	{"load balancer of an unknown kind", ovirt, `platform.ovirt.loadBalancer.type = Mine`,
		`platform.ovirt.loadBalancer.type: Invalid value @ Mine`},
	{"load balancer of an unknown kind", baremetal, `platform.baremetal.loadBalancer.type = External`,
		`platform.baremetal.loadBalancer.type: Invalid value`},
	{"user's load balancer without addresses", baremetal, `
		platform.baremetal.loadBalancer.type = UserManaged
		drop platform.baremetal.apiVIPs`, `platform.baremetal.apiVIPs: Required value`},
	{"machine network that cannot be read", ovirt, `networking.machineNetwork = [{cidr: 10.0.0.0/33}]`,
		`networking.machineNetwork[0].cidr: Invalid value`},
	{"singular address that cannot be read", ovirt, `
		drop platform.ovirt.api_vips
		platform.ovirt.api_vip = nowhere`, `platform.ovirt.api_vip: Invalid value @ nowhere`},
}

var vipAccepted = []row{
	{"load balancer of the nodes", ovirt, `platform.ovirt.loadBalancer.type = OpenShiftManagedDefault`,
		`platform.ovirt.loadBalancer.type = "OpenShiftManagedDefault"`},
	{"load balancer without a kind", baremetal, `platform.baremetal.loadBalancer = {}`, ``},
	{"user's load balancer with one address anywhere", baremetal, `
		platform.baremetal.loadBalancer.type = UserManaged
		platform.baremetal.apiVIPs = [203.0.113.5]
		platform.baremetal.ingressVIPs = [203.0.113.5]`, `platform.baremetal.ingressVIPs = ["203.0.113.5"]`},
	{"user's load balancer", ovirt, `
		platform.ovirt.loadBalancer.type = UserManaged
		platform.ovirt.api_vips = [203.0.113.5]
		platform.ovirt.ingress_vips = [203.0.113.5]`, ``},
	{"any of several machine networks", ovirt, `
		networking.machineNetwork = [{cidr: 10.0.0.0/24}, {cidr: 10.0.1.0/24}]
		platform.ovirt.ingress_vips[0] = 10.0.1.11`, ``},
	{"singular addresses", ovirt, `
		drop platform.ovirt.api_vips
		drop platform.ovirt.ingress_vips
		platform.ovirt.api_vip = 10.0.0.10
		platform.ovirt.ingress_vip = 10.0.0.11`, `
		platform.ovirt.api_vips = ["10.0.0.10"]
		platform.ovirt.ingress_vips = ["10.0.0.11"]
		platform.ovirt.api_vip absent
		platform.ovirt.ingress_vip absent`},
	{"singular addresses", baremetal, `
		drop platform.baremetal.apiVIPs
		drop platform.baremetal.ingressVIPs
		platform.baremetal.apiVIP = 10.0.0.10
		platform.baremetal.ingressVIP = 10.0.0.11`, `
		platform.baremetal.apiVIPs = ["10.0.0.10"]
		platform.baremetal.ingressVIPs = ["10.0.0.11"]
		platform.baremetal.apiVIP absent`},
	{"both forms that agree", ovirt, `platform.ovirt.api_vip = 10.0.0.10`, `platform.ovirt.api_vips = ["10.0.0.10"]`},
}

func TestVIPs(t *testing.T) {
	testRefused(t, types.Options{}, vipRefused)
	testAccepted(t, types.Options{}, vipAccepted)
}

// Names that DNS has or lacks.
var lookupAccepted = []row{
	{"addresses from DNS", baremetal, `
		drop platform.baremetal.apiVIPs
		drop platform.baremetal.ingressVIPs`, `
		platform.baremetal.apiVIPs = ["10.0.0.20"]
		platform.baremetal.ingressVIPs = ["10.0.0.21"]`},
	{"what the file says counts", baremetal, `drop platform.baremetal.ingressVIPs`, `
		platform.baremetal.apiVIPs = ["10.0.0.10"]
		platform.baremetal.ingressVIPs = ["10.0.0.21"]`},
}

var lookupRefused = []row{
	{"oVirt has no addresses from DNS", ovirt, `drop platform.ovirt.api_vips`, `platform.ovirt.api_vips: Required value`},
	{"DNS has none", baremetal, `
		metadata.name = other
		drop platform.baremetal.apiVIPs`, `platform.baremetal.apiVIPs: Required value`},
	{"DNS has one outside", baremetal, `
		networking.machineNetwork = [{cidr: 10.0.0.0/28}]
		drop platform.baremetal.apiVIPs`, `platform.baremetal.apiVIPs: Invalid value`},
	{"DNS has the same for both", baremetal, `
		metadata.name = same
		drop platform.baremetal.apiVIPs
		drop platform.baremetal.ingressVIPs`, `platform.baremetal.apiVIPs: Invalid value`},
}

func TestLookup(t *testing.T) {
	records := map[string]string{
		"api.demo.okd.test": "10.0.0.20", "test.apps.demo.okd.test": "10.0.0.21",
		"api.same.okd.test": "10.0.0.20", "test.apps.same.okd.test": "10.0.0.20",
	}
	o := types.Options{Lookup: func(host string) []netip.Addr {
		if a, ok := records[host]; ok {
			return []netip.Addr{addr(a)}
		}
		return nil
	}}
	testAccepted(t, o, lookupAccepted)
	testRefused(t, o, lookupRefused)
}
