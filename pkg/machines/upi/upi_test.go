package upi_test

import (
	"bytes"
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/machines/upi"
	"github.com/okd-install/okd-install/pkg/plan"
	metal "github.com/okd-install/okd-install/pkg/platforms/baremetal/config"
	"github.com/okd-install/okd-install/pkg/platforms/none"
	"github.com/okd-install/okd-install/pkg/testkit/golden"
	"github.com/okd-install/okd-install/pkg/types"
	"github.com/okd-install/okd-install/pkg/types/vips"
)

func count(n int64) *int64 { return &n }

func config(masters, workers int64) *types.InstallConfig {
	return &types.InstallConfig{
		Metadata: types.Metadata{Name: "demo"}, BaseDomain: "okd.test",
		ControlPlane: &types.MachinePool{Name: types.MasterPool, Replicas: count(masters)},
		Compute:      []types.MachinePool{{Name: types.WorkerPool, Replicas: count(workers)}},
		Platform:     types.Platform{Settings: &none.Platform{}},
	}
}

func withArbiter() *types.InstallConfig {
	c := config(2, 0)
	c.Arbiter = &types.MachinePool{Name: types.ArbiterPool, Replicas: count(1)}
	return c
}

func bareMetal(balancer string) *types.InstallConfig {
	c := config(2, 1)
	c.Platform = types.Platform{Settings: &metal.Platform{
		APIVIPs:      []netip.Addr{netip.MustParseAddr("198.18.0.10")},
		IngressVIPs:  []netip.Addr{netip.MustParseAddr("198.18.0.11")},
		LoadBalancer: &vips.LoadBalancer{Type: balancer},
		Hosts: []metal.Host{
			{Name: "rack1-w", Role: "worker", BootMACAddress: "52:54:00:00:00:03"},
			{Name: "rack1-a", BootMACAddress: "52:54:00:00:00:01"},
			{Name: "rack1-m", Role: "master", BootMACAddress: "52:54:00:00:00:02"},
		},
	}}
	return c
}

func singleNode() *types.InstallConfig {
	c := config(1, 0)
	c.BootstrapInPlace = &types.BootstrapInPlace{InstallationDisk: "/dev/sda"}
	return c
}

var ignitions = upi.Ignitions{Bootstrap: []byte("bootstrap key"), Master: []byte("master key"),
	Worker: []byte("worker key")}

// The text that people read, for each shape of a cluster.
func TestText(t *testing.T) {
	for name, cfg := range map[string]*types.InstallConfig{
		"none": config(3, 2), "arbiter": withArbiter(), "compact": config(3, 0), "single-node": singleNode(),
		"baremetal": bareMetal(""), "baremetal-user-managed": bareMetal(vips.UserManaged),
	} {
		t.Run(name, func(t *testing.T) {
			d, err := upi.Provider{}.Diff(t.Context(), upi.Plan(cfg, "demo-x7k2p", ignitions))
			if err != nil {
				t.Fatal(err)
			}
			for _, form := range []plan.Format{plan.Text, plan.JSON, plan.DOT} {
				var got bytes.Buffer
				if err := d.Render(&got, form); err != nil {
					t.Fatal(err)
				}
				for _, config := range [][]byte{ignitions.Bootstrap, ignitions.Master, ignitions.Worker} {
					if bytes.Contains(got.Bytes(), config) {
						t.Errorf("shows what is in an Ignition config: %s", config)
					}
				}
				if form == plan.Text || name == "none" {
					golden.Compare(t, "testdata/"+name+"."+string(form), got.Bytes())
				}
			}
		})
	}
}

func TestDiffLooksAtDNS(t *testing.T) {
	answers := map[string]string{
		"api.demo.okd.test":                                 "198.18.0.10",
		"console-openshift-console.apps.demo.okd.test":      "198.18.0.99",
		"console-openshift-console.apps.elsewhere.okd.test": "198.18.0.1",
	}
	p := upi.Provider{Lookup: func(_ context.Context, host string) ([]netip.Addr, error) {
		if a, ok := answers[host]; ok {
			return []netip.Addr{netip.MustParseAddr(a)}, nil
		}
		if strings.HasPrefix(host, "api-int.") {
			return nil, errors.New("no answer")
		}
		return nil, nil
	}}
	seen := func(cfg *types.InstallConfig) map[string]string {
		d, err := p.Diff(t.Context(), upi.Plan(cfg, "demo-x7k2p", ignitions))
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]string{}
		for _, r := range d.Provide {
			if r.Kind == plan.KindRecord {
				out[r.Name] = r.Seen
			} else if r.Seen != "" {
				t.Errorf("%s: %s", r.Key(), r.Seen)
			}
		}
		return out
	}
	if d := cmp.Diff(map[string]string{
		"api.demo.okd.test": "198.18.0.10", "*.apps.demo.okd.test": "198.18.0.99, which is not 198.18.0.11",
	}, seen(bareMetal(""))); d != "" {
		t.Error(d)
	}
	if got := seen(config(3, 2))["api-int.demo.okd.test"]; !strings.HasPrefix(got, "unknown") {
		t.Errorf("a DNS server that does not answer: %q", got)
	}
	answers = nil
	if got := seen(bareMetal(""))["api.demo.okd.test"]; got != "not in DNS" {
		t.Errorf("no record: %q", got)
	}
}

func TestNothingIsMade(t *testing.T) {
	p := upi.Provider{}
	if err := p.Apply(t.Context(), plan.Plan{}, plan.StageBootstrap); !errors.Is(err, upi.ErrByHand) {
		t.Errorf("apply: %v", err)
	}
	if left, err := p.Destroy(t.Context(), "demo-x7k2p", machines.Everything); len(left) > 0 || err != nil {
		t.Errorf("destroy: %v, %v", left, err)
	}
	if found, err := p.Machines(t.Context(), "demo-x7k2p"); len(found) > 0 || err != nil {
		t.Errorf("machines: %v, %v", found, err)
	}
}
