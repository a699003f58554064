package clusterconfig

import (
	"net/netip"
	"strings"
	"testing"
)

const installConfig = `
baseDomain: okd.test
metadata: {name: demo}
controlPlane: {name: master, replicas: 3}
networking:
  machineNetwork: [{cidr: 198.18.0.0/24}]
platform:
  baremetal: {apiVIP: 198.18.0.10, apiVIPs: [198.18.0.10], ingressVIPs: [198.18.0.11]}
`

func TestBootstrapAddress(t *testing.T) {
	c, err := ParseCluster(installConfig)
	if err != nil {
		t.Fatal(err)
	}
	if c.ControlPlaneReplicas != 3 || len(c.VIPs) != 2 {
		t.Fatalf("parsed %+v", c)
	}
	doc := *c
	doc.MachineNetworks = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	for _, x := range []struct {
		what  string
		c     *Cluster
		local []string
		want  string
		fails string
	}{
		{"inside the network", c, []string{"198.18.7.1", "198.18.0.104"}, "198.18.0.104", ""},
		{"VIP is skipped", c, []string{"198.18.0.10", "198.18.0.104"}, "198.18.0.104", ""},
		{"mapped address", c, []string{"::ffff:198.18.0.104"}, "198.18.0.104", ""},
		{"none", c, []string{"198.18.7.1"}, "", "inside networking.machineNetwork"},
		{"documentation range", &doc, []string{"192.0.2.7"}, "", "documentation range"},
	} {
		var local []netip.Addr
		for _, s := range x.local {
			local = append(local, netip.MustParseAddr(s))
		}
		got, err := x.c.BootstrapAddress(local)
		if x.fails != "" {
			if err == nil || !strings.Contains(err.Error(), x.fails) {
				t.Errorf("%s: error %v, want %q", x.what, err, x.fails)
			}
			continue
		}
		if err != nil || got.String() != x.want {
			t.Errorf("%s: %v %v, want %s", x.what, got, err, x.want)
		}
	}
}

func FuzzParseCluster(f *testing.F) {
	f.Add(installConfig)
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		c, err := ParseCluster(s)
		if (c == nil) == (err == nil) {
			t.Errorf("config %v with error %v", c, err)
		}
	})
}
