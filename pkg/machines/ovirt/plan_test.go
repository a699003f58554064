package ovirt

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/okd-install/okd-install/pkg/plan"
	"github.com/okd-install/okd-install/pkg/platforms/ovirt/config"
	"github.com/okd-install/okd-install/pkg/types"
)

func ptr[T any](v T) *T { return &v }

func example() (*types.InstallConfig, Ignitions) {
	hw := func(vmType, group string) types.MachinePoolPlatform {
		var platform types.MachinePoolPlatform
		platform.Set(config.Name, &config.MachinePool{
			CPU: &config.CPU{Sockets: 1, Cores: 4, Threads: 1}, MemoryMB: 16348, OSDisk: &config.Disk{SizeGB: 120},
			VMType: vmType, AffinityGroupsNames: []string{group}})
		return platform
	}
	cfg := &types.InstallConfig{
		Metadata: types.Metadata{Name: "demo"}, BaseDomain: "okd.test",
		ControlPlane: &types.MachinePool{Name: "master", Replicas: ptr(int64(3)),
			Platform: hw("high_performance", "controlplane")},
		Compute: []types.MachinePool{{Name: "worker", Replicas: ptr(int64(2)), Platform: hw("server", "compute")}},
		Platform: types.Platform{Settings: &config.Platform{ClusterID: "c", StorageDomainID: "s", NetworkName: "ovirtmgmt",
			APIVIPs: []netip.Addr{netip.MustParseAddr("198.18.0.10")},
			AffinityGroups: []config.AffinityGroup{{Name: "compute", Priority: 3, Enforcing: true},
				{Name: "controlplane", Priority: 5, Enforcing: true}}}},
	}
	ign := Ignitions{}
	for _, n := range []string{"bootstrap", "master-0", "master-1", "master-2", "worker-0", "worker-1"} {
		ign["demo-x7k2p-"+n] = []byte(n)
	}
	return cfg, ign
}

func TestPlanNamesAndStages(t *testing.T) {
	cfg, ign := example()
	p, err := Plan(cfg, "demo-x7k2p", plan.Image{SHA256: "aa", Virtual: 1 << 30}, ign)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range p.Objects {
		got = append(got, string(o.Stage)+" "+string(o.Key)+" "+strings.Join(o.Tags, ","))
	}
	want := []string{
		"image tag/demo-x7k2p ",
		"image tag/demo-x7k2p-bootstrap ",
		"image disk/demo-x7k2p-rhcos ",
		"image vm/tmpvm-for-demo-x7k2p-rhcos demo-x7k2p-bootstrap",
		"image template/demo-x7k2p-rhcos ",
		"infrastructure affinity-group/demo-x7k2p-compute ",
		"infrastructure affinity-group/demo-x7k2p-controlplane ",
		"infrastructure vm/demo-x7k2p-master-0 demo-x7k2p",
		"infrastructure vm/demo-x7k2p-master-1 demo-x7k2p",
		"infrastructure vm/demo-x7k2p-master-2 demo-x7k2p",
		"infrastructure vm/demo-x7k2p-worker-0 demo-x7k2p",
		"infrastructure vm/demo-x7k2p-worker-1 demo-x7k2p",
		"bootstrap vm/demo-x7k2p-bootstrap demo-x7k2p-bootstrap",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	b, _ := p.Get("vm/demo-x7k2p-bootstrap")
	spec := b.Spec.(plan.VM)
	if spec.MemoryMiB != 8192 || spec.CPU.Cores != 4 || spec.DiskGiB != 100 ||
		string(spec.Ignition.Bytes()) != "bootstrap" || spec.OSType != "rhcos_x64" {
		t.Errorf("bootstrap %+v", spec)
	}
}

func TestPlanRefuses(t *testing.T) {
	for _, c := range []struct {
		name, infraID string
		edit          func(*types.InstallConfig, Ignitions)
		want          string
	}{
		{"other platform", "demo-x7k2p", func(c *types.InstallConfig, _ Ignitions) { c.Platform.Settings = nil },
			"not ovirt"},
		{"no infraID", "", func(*types.InstallConfig, Ignitions) {}, "not an infrastructure ID"},
		{"missing Ignition", "demo-x7k2p", func(_ *types.InstallConfig, i Ignitions) { delete(i, "demo-x7k2p-worker-1") },
			"demo-x7k2p-worker-1"},
		{"unknown group", "demo-x7k2p", func(c *types.InstallConfig, _ Ignitions) {
			config.PoolOf(c.ControlPlane).AffinityGroupsNames = []string{"nope"}
		}, `"nope"`},
	} {
		cfg, ign := example()
		c.edit(cfg, ign)
		if _, err := Plan(cfg, c.infraID, plan.Image{}, ign); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

func TestRole(t *testing.T) {
	for name, want := range map[string]string{
		"demo-x7k2p-master-0": "master", "demo-x7k2p-worker-12": "worker", "demo-x7k2p-bootstrap": "bootstrap",
		"tmpvm-for-demo-x7k2p-rhcos": "image", "demo-x7k2p-master-": "", "demo-x7k2p-master-0x": "",
		"demo-x7k2p2-master-0": "", "other": "", "demo-x7k2p-": "",
	} {
		if got := role("demo-x7k2p", name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func TestDescriptions(t *testing.T) {
	d := describe("demo-x7k2p", "image sha256:aa", "upload complete")
	if !marked("demo-x7k2p", d) || marked("demo-x7k2", d) || marked("emo-x7k2p", d) {
		t.Errorf("%q is marked for the wrong cluster", d)
	}
	if note(d, "image") != "sha256:aa" || note(d, "upload") != "complete" || note(d, "ignition") != "" {
		t.Errorf("notes of %q are not found", d)
	}
}

func TestInfraID(t *testing.T) {
	for id, ok := range map[string]bool{"demo-x7k2p": true, "a-b-c-12345": true, "": false, "demo": false,
		"*-x7k2p": false, "demo-X7K2P": false, "-x7k2p": false} {
		if err := checkInfraID(id); (err == nil) != ok {
			t.Errorf("%q: %v", id, err)
		}
	}
}
