package uplink

import (
	"net"
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

func TestLease(t *testing.T) {
	for _, tt := range []struct {
		name             string
		modifiers        []dhcpv4.Modifier
		address, resolve string
	}{
		{"of dnsmasq", []dhcpv4.Modifier{
			dhcpv4.WithYourIP(net.IPv4(198, 18, 0, 100)),
			dhcpv4.WithNetmask(net.CIDRMask(24, 32)),
			dhcpv4.WithDNS(net.IPv4(198, 18, 0, 1), net.IPv4(198, 18, 0, 2)),
			dhcpv4.WithOption(dhcpv4.OptDomainName("lab.okd.test")),
		}, "198.18.0.100/24", "search lab.okd.test\nnameserver 198.18.0.1\nnameserver 198.18.0.2\n"},
		{"without options", []dhcpv4.Modifier{dhcpv4.WithYourIP(net.IPv4(198, 18, 0, 100))}, "198.18.0.100/32", ""},
	} {
		lease, err := dhcpv4.New(tt.modifiers...)
		if err != nil {
			t.Fatal(err)
		}
		if got := address(lease).String(); got != tt.address {
			t.Errorf("%s: address %s, want %s", tt.name, got, tt.address)
		}
		if got := string(resolvConf(lease)); got != tt.resolve {
			t.Errorf("%s: resolv.conf %q, want %q", tt.name, got, tt.resolve)
		}
	}
}
