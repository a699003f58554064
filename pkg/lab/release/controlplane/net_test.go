package controlplane

import (
	"strings"
	"testing"

	configv1 "github.com/openshift/api/config/v1"

	"github.com/okd-install/okd-install/pkg/lab/release/clusterconfig"
)

func testNetwork(t *testing.T) *clusterconfig.Network {
	t.Helper()
	n, err := clusterconfig.NewNetwork(configv1.NetworkSpec{
		ClusterNetwork: []configv1.ClusterNetworkEntry{{CIDR: "198.19.0.0/17", HostPrefix: 24}},
		ServiceNetwork: []string{"198.19.128.0/17"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestDualStackMasks(t *testing.T) {
	n, err := clusterconfig.NewNetwork(configv1.NetworkSpec{
		ClusterNetwork: []configv1.ClusterNetworkEntry{
			{CIDR: "198.19.0.0/17", HostPrefix: 24}, {CIDR: "fd01::/48", HostPrefix: 64},
		},
		ServiceNetwork: []string{"198.19.128.0/17", "fd02::/112"},
	})
	if err != nil {
		t.Fatal(err)
	}
	pod, err := masterControllers("i", n)
	if err != nil {
		t.Fatal(err)
	}
	args := strings.Join(pod.Spec.Containers[0].Args, " ")
	for _, want := range []string{
		"--node-cidr-mask-size-ipv4=24", "--node-cidr-mask-size-ipv6=64", "--cluster-cidr=198.19.0.0/17,fd01::/48",
	} {
		if !strings.Contains(args, want) {
			t.Errorf("%s is missing in %s", want, args)
		}
	}
	if strings.Contains(args, "--node-cidr-mask-size=") {
		t.Error("the single-stack flag is set too")
	}
}
