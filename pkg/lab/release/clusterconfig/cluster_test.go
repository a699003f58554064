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

func TestEtcdMembers(t *testing.T) {
	for _, tt := range []struct {
		config  string
		members int
		inPlace bool
	}{
		{"controlPlane: {replicas: 3}", 3, false},
		{"controlPlane: {replicas: 5}", 5, false},
		{"controlPlane: {replicas: 2}\narbiter: {replicas: 1}", 3, false},
		{"controlPlane: {replicas: 1}\nbootstrapInPlace: {installationDisk: ''}", 1, true},
		{"controlPlane: {replicas: 1}", 1, false},
		{"controlPlane: {replicas: 3}\nbootstrapInPlace: {}", 3, false},
	} {
		n, err := EtcdMembers(map[string]string{"install-config": tt.config})
		if err != nil || n != tt.members {
			t.Errorf("%s: %d members, %v", tt.config, n, err)
		}
		if c, err := ParseCluster(tt.config); err != nil || c.InPlace != tt.inPlace {
			t.Errorf("%s: %+v, %v", tt.config, c, err)
		}
	}
	if _, err := EtcdMembers(map[string]string{"install-config": "arbiter: {replicas: 1}"}); err == nil {
		t.Error("no error without controlPlane.replicas")
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
