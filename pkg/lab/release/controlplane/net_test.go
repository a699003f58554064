package controlplane

import (
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/lab/release/staticpod/clusterconfig"
)

func testNetwork(t *testing.T) *clusterconfig.Network {
	t.Helper()
	n, err := clusterconfig.ParseNetwork(map[string]any{"spec": map[string]any{
		"clusterNetwork": []any{map[string]any{"cidr": "198.19.0.0/17", "hostPrefix": 24}},
		"serviceNetwork": []any{"198.19.128.0/17"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestDualStackMasks(t *testing.T) {
	n, err := clusterconfig.ParseNetwork(map[string]any{"spec": map[string]any{
		"clusterNetwork": []any{map[string]any{"cidr": "198.19.0.0/17", "hostPrefix": 24}, map[string]any{"cidr": "fd01::/48", "hostPrefix": 64}},
		"serviceNetwork": []any{"198.19.128.0/17", "fd02::/112"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	args := strings.Join(masterControllers("i", n).flags().arguments(), " ")
	for _, want := range []string{"--node-cidr-mask-size-ipv4=24", "--node-cidr-mask-size-ipv6=64", "--cluster-cidr=198.19.0.0/17,fd01::/48"} {
		if !strings.Contains(args, want) {
			t.Errorf("%s is missing in %s", want, args)
		}
	}
	if strings.Contains(args, "--node-cidr-mask-size=") {
		t.Error("the single-stack flag is set too")
	}
}
