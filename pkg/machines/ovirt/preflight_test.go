package ovirt_test

import (
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/lab/engine"
	"github.com/okd-install/okd-install/pkg/machines/ovirt"
	api "github.com/okd-install/okd-install/pkg/ovirt"
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
			c.Compute[0].Platform.Ovirt.OSDisk.SizeGB = 500
		}, nil, "can grow to 1360.0 GiB"},
		{"disks that do not fit", 3, func(_ *testing.T, _ *lab, c *types.InstallConfig) {
			no := false
			c.Compute[0].Platform.Ovirt.OSDisk.SizeGB = 600
			c.Compute[0].Platform.Ovirt.Sparse = &no
		}, []string{"platform.ovirt.ovirt_storage_domain_id: Invalid value", "writes 1200.0 GiB at once"}, ""},
		{"unknown cluster", 3, func(_ *testing.T, _ *lab, c *types.InstallConfig) { c.Platform.Ovirt.ClusterID = nowhere },
			[]string{"platform.ovirt.ovirt_cluster_id: Not found: \"" + nowhere + "\"", "(Default)"}, ""},
		{"unknown storage domain", 3, func(_ *testing.T, _ *lab, c *types.InstallConfig) { c.Platform.Ovirt.StorageDomainID = nowhere },
			[]string{"platform.ovirt.ovirt_storage_domain_id: Not found: \"" + nowhere + "\"", "(data)"}, ""},
		{"unknown profile", 3, func(_ *testing.T, _ *lab, c *types.InstallConfig) { c.Platform.Ovirt.VNICProfileID = nowhere },
			[]string{"platform.ovirt.vnicProfileID: Not found", "(ovirtmgmt)"}, ""},
		{"unknown network", 3, func(_ *testing.T, _ *lab, c *types.InstallConfig) { c.Platform.Ovirt.NetworkName = "vlan7" },
			[]string{"platform.ovirt.ovirt_network_name: Not found: \"vlan7\""}, ""},
		{"unknown instance type", 3, func(_ *testing.T, _ *lab, c *types.InstallConfig) {
			c.ControlPlane.Platform.Ovirt.InstanceTypeID = nowhere
		}, []string{"controlPlane.platform.ovirt.instanceTypeID: Not found"}, ""},
		{"too few hosts, enforced", 2, nil, []string{"platform.ovirt.affinityGroups[1]: Invalid value: \"controlplane\"", "has 2 up", "enforcing: false"}, ""},
		{"too few hosts, wished", 1, func(_ *testing.T, _ *lab, c *types.InstallConfig) {
			for i := range c.Platform.Ovirt.AffinityGroups {
				c.Platform.Ovirt.AffinityGroups[i].Enforcing = false
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
