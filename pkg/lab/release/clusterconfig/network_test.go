package clusterconfig

import (
	"testing"

	configv1 "github.com/openshift/api/config/v1"
)

func TestNewNetwork(t *testing.T) {
	spec := func(pod string, prefix uint32, svc ...string) configv1.NetworkSpec {
		return configv1.NetworkSpec{
			ClusterNetwork: []configv1.ClusterNetworkEntry{{CIDR: pod, HostPrefix: prefix}}, ServiceNetwork: svc,
		}
	}
	if _, err := NewNetwork(spec("198.19.0.0/17", 24, "198.19.128.0/17")); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []configv1.NetworkSpec{
		{}, spec("198.19.0.0/17", 8, "198.19.128.0/17"), spec("x", 24, "198.19.128.0/17"), spec("198.19.0.0/17", 24),
		spec("198.19.0.0/17", 24, "x"),
	} {
		if _, err := NewNetwork(bad); err == nil {
			t.Errorf("%v: no error", bad)
		}
	}
}

func TestDNSAddress(t *testing.T) {
	for _, c := range []struct{ cidr, want string }{
		{"198.19.128.0/17", "198.19.128.10"},
		{"fd02::/112", "fd02::a"},
		{"198.19.128.0/30", ""},
		{"nonsense", ""},
	} {
		got, err := DNSAddress(configv1.NetworkSpec{ServiceNetwork: []string{c.cidr}})
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s: %q, %v", c.cidr, got, err)
		}
	}
}
