package ovirt_test

import (
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/lab/engine"
	"github.com/okd-install/okd-install/pkg/machines/ovirt"
	api "github.com/okd-install/okd-install/pkg/ovirt"
	"github.com/okd-install/okd-install/pkg/plan"
	ovirtconfig "github.com/okd-install/okd-install/pkg/platforms/ovirt/config"
	"github.com/okd-install/okd-install/pkg/types"
)

func TestPreflight(t *testing.T) {
	const nowhere = "11111111-2222-3333-4444-555555555555"
	for _, c := range []struct {
		name    string
		hosts   int
		edit    func(*testing.T, *lab, *types.InstallConfig)
		errors  []string
		warning string
	}{
		{"good", 3, nil, nil, ""},
		{"disks that may outgrow 1 TiB", 3, func(_ *testing.T, _ *lab, c *types.InstallConfig) {
			ovirtconfig.PoolOf(&c.Compute[0]).OSDisk.SizeGB = 500
		}, []string{"platform.ovirt.ovirt_storage_domain_id: Invalid value", "storage domain data has 1024.0 GiB free",
			"can fill 1460.0 GiB", "compute 1000.0 GiB, bootstrap 100.0 GiB", "osDisk.sizeGB", "--skip preflight"}, ""},
		{"disks that do not fit", 3, func(_ *testing.T, _ *lab, c *types.InstallConfig) {
			no := false
			ovirtconfig.PoolOf(&c.Compute[0]).OSDisk.SizeGB = 600
			ovirtconfig.PoolOf(&c.Compute[0]).Sparse = &no
		}, []string{"platform.ovirt.ovirt_storage_domain_id: Invalid value", "can fill 1660.0 GiB"}, ""},
		{"unknown cluster", 3, func(_ *testing.T, _ *lab, c *types.InstallConfig) { ovirtconfig.Of(c).ClusterID = nowhere },
			[]string{"platform.ovirt.ovirt_cluster_id: Not found: \"" + nowhere + "\"", "(Default)"}, ""},
		{"unknown storage domain", 3,
			func(_ *testing.T, _ *lab, c *types.InstallConfig) { ovirtconfig.Of(c).StorageDomainID = nowhere },
			[]string{"platform.ovirt.ovirt_storage_domain_id: Not found: \"" + nowhere + "\"", "(data)"}, ""},
		{"unknown profile", 3,
			func(_ *testing.T, _ *lab, c *types.InstallConfig) { ovirtconfig.Of(c).VNICProfileID = nowhere },
			[]string{"platform.ovirt.vnicProfileID: Not found", "(ovirtmgmt)"}, ""},
		{"unknown network", 3, func(_ *testing.T, _ *lab, c *types.InstallConfig) { ovirtconfig.Of(c).NetworkName = "vlan7" },
			[]string{"platform.ovirt.ovirt_network_name: Not found: \"vlan7\""}, ""},
		{"unknown instance type", 3, func(_ *testing.T, _ *lab, c *types.InstallConfig) {
			ovirtconfig.PoolOf(c.ControlPlane).InstanceTypeID = nowhere
		}, []string{"controlPlane.platform.ovirt.instanceTypeID: Not found"}, ""},
		{"too few hosts, enforced", 2, nil,
			[]string{"platform.ovirt.affinityGroups[1]: Invalid value: \"controlplane\"", "has 2 up", "enforcing: false"}, ""},
		{"too few hosts, wished", 1, func(_ *testing.T, _ *lab, c *types.InstallConfig) {
			for i := range ovirtconfig.Of(c).AffinityGroups {
				ovirtconfig.Of(c).AffinityGroups[i].Enforcing = false
			}
		}, nil, "has 1 up"},
		{"group of the bare name", 3, func(t *testing.T, l *lab, _ *types.InstallConfig) {
			if _, err := l.client().CreateGroup(t.Context(), api.Group{Name: "compute", ClusterID: l.cluster}); err != nil {
				t.Fatal(err)
			}
		}, []string{"platform.ovirt.affinityGroups[0].name: Duplicate value: \"compute\""}, ""},
		{"foreign tag", 3, func(t *testing.T, l *lab, _ *types.InstallConfig) {
			if _, err := l.client().CreateTag(t.Context(), infraID, "mine"); err != nil {
				t.Fatal(err)
			}
		}, []string{"metadata.name: Duplicate value: \"demo-x7k2p\"", "tag"}, ""},
		{"imageio out of reach", 3, func(_ *testing.T, l *lab, _ *types.InstallConfig) { l.images.Close() },
			[]string{"cannot be uploaded", "connection refused"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLab(t, c.hosts)
			cfg := l.installConfig(3, 2)
			if c.edit != nil {
				c.edit(t, l, cfg)
			}
			before := l.picture()
			pl, err := ovirt.Plan(cfg, infraID, l.image, ignitions(3, 2))
			if err != nil {
				t.Fatal(err)
			}
			r, err := l.provider().Preflight(t.Context(), pl)
			if err != nil {
				t.Fatal(err)
			}
			got := strings.Join(r.Lines(false), "\n")
			if (len(c.errors) > 0) != r.Failed() {
				t.Errorf("findings: %s", got)
			}
			for _, want := range c.errors {
				if !strings.Contains(got, want) {
					t.Errorf("findings %q lack %q", got, want)
				}
			}
			if w := strings.Join(r.Lines(true), "\n"); !strings.Contains(w, c.warning) {
				t.Errorf("warnings %q lack %q", w, c.warning)
			}
			if after := l.picture(); after != before {
				t.Error("preflight changed something")
			}
		})
	}
}

func TestPreflightSeesTheEngineFail(t *testing.T) {
	l := newLab(t, 1)
	l.engine.Inject(engine.Fault{Path: "/clusters/*", Status: 500, Count: -1})
	if _, err := l.provider().Preflight(t.Context(), l.plan(1, 0)); !api.Is(err, api.Unavailable) {
		t.Errorf("got %v", err)
	}
}

func TestPreflightSpace(t *testing.T) {
	const gib = 1 << 30
	size := func(n int64) func(*engine.Config) {
		return func(c *engine.Config) { c.Domains = []engine.StorageDomain{{Name: "data", Size: n * gib}} }
	}
	check := func(t *testing.T, l *lab, image plan.Image) string {
		t.Helper()
		cfg := l.installConfig(3, 2)
		no := false
		ovirtconfig.PoolOf(&cfg.Compute[0]).Sparse, ovirtconfig.PoolOf(&cfg.Compute[0]).Format = &no, "raw"
		pl, err := ovirt.Plan(cfg, infraID, image, ignitions(3, 2))
		if err != nil {
			t.Fatal(err)
		}
		r, err := l.provider().Preflight(t.Context(), pl)
		if err != nil {
			t.Fatal(err)
		}
		if !r.Failed() && image.Path != "" {
			if err := applyAll(t.Context(), l.provider(), pl); err != nil {
				t.Fatal(err)
			}
		}
		return strings.Join(r.Lines(false), "\n")
	}
	t.Run("default pools on 1 GiB", func(t *testing.T) {
		l := newLab(t, 3, size(1))
		if got := check(t, l, l.image); !strings.Contains(got, "has 1.0 GiB free, and the cluster can fill 700.0 GiB") {
			t.Errorf("findings %q", got)
		}
	})
	t.Run("image of unknown size", func(t *testing.T) {
		l := newLab(t, 3, size(890))
		got := check(t, l, plan.Image{URL: l.image.URL, SHA256: l.image.SHA256, Format: "qcow2"})
		if !strings.Contains(got, "can fill 900.0 GiB: image and template 200.0 GiB") {
			t.Errorf("findings %q", got)
		}
	})
	t.Run("going on", func(t *testing.T) {
		l := newLab(t, 3, size(702))
		for _, when := range []string{"at first", "with half of it written"} {
			if got := check(t, l, l.image); got != "" {
				t.Errorf("%s: findings %q", when, got)
			}
		}
	})
}

func TestPreflightCPU(t *testing.T) {
	for _, c := range []struct{ cpu, level, failure, warning string }{
		{"Intel Cascadelake Server Family", "x86-64-v3", "", ""},
		{"Secure Intel Haswell Family", "x86-64-v3", "", ""},
		{"AMD EPYC", "x86-64-v3", "", ""},
		{"Intel SandyBridge Family", "x86-64-v3", `has CPU type "Intel SandyBridge Family"`, ""},
		{"Secure Intel IvyBridge Family", "x86-64-v3", "needs x86-64-v3", ""},
		{"AMD Opteron G5", "x86-64-v3", "needs x86-64-v3", ""},
		{"Intel SandyBridge Family", "", "", ""},
		{"Zhaoxin Shijidadao", "x86-64-v3", "", "is not known"},
	} {
		t.Run(c.cpu+c.level, func(t *testing.T) {
			l := newLab(t, 3, func(cfg *engine.Config) { cfg.CPUType = c.cpu })
			l.image.CPULevel = c.level
			r, err := l.provider().Preflight(t.Context(), l.plan(3, 2))
			if err != nil {
				t.Fatal(err)
			}
			got, all := strings.Join(r.Lines(false), "\n"), strings.Join(r.Lines(true), "\n")
			if r.Failed() != (c.failure != "") || !strings.Contains(got, c.failure) || !strings.Contains(all, c.warning) ||
				c.failure == "" && c.warning == "" && strings.Contains(all, "CPU type") {
				t.Errorf("findings %q", all)
			}
		})
	}
}
