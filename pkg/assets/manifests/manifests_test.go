package manifests

import (
	"net/netip"
	"strings"
	"testing"

	configv1 "github.com/openshift/api/config/v1"

	"github.com/okd-install/okd-install/pkg/assets/objects"
	"github.com/okd-install/okd-install/pkg/secret"
	"github.com/okd-install/okd-install/pkg/types"
)

func config(masters, workers int64) *types.InstallConfig {
	c := &types.InstallConfig{
		BaseDomain:   "okd.test",
		ControlPlane: &types.MachinePool{Name: types.MasterPool, Replicas: &masters},
		Compute:      []types.MachinePool{{Name: types.WorkerPool, Replicas: &workers}},
		Networking: &types.Networking{
			MachineNetwork: []types.MachineNetworkEntry{{CIDR: netip.MustParsePrefix("198.18.0.0/24")}},
			ClusterNetwork: []types.ClusterNetworkEntry{{CIDR: netip.MustParsePrefix("198.19.0.0/17")}},
			ServiceNetwork: []netip.Prefix{netip.MustParsePrefix("198.19.128.0/17")},
		},
	}
	c.Metadata.Name = "demo"
	return c
}

func TestTopologies(t *testing.T) {
	const single, dual, ha, withArbiter = configv1.SingleReplicaTopologyMode, configv1.DualReplicaTopologyMode,
		configv1.HighlyAvailableTopologyMode, configv1.HighlyAvailableArbiterMode
	one := int64(1)
	arbiter := &types.MachinePool{Replicas: &one}
	for _, tt := range []struct {
		masters, workers int64
		arbiter          *types.MachinePool
		control, infra   configv1.TopologyMode
	}{
		{1, 0, nil, single, single},
		{1, 1, nil, single, single},
		{1, 2, nil, single, ha},
		{2, 0, nil, dual, ha},
		{2, 1, nil, dual, single},
		{2, 2, nil, dual, ha},
		{2, 0, arbiter, withArbiter, ha},
		{3, 0, nil, ha, ha},
		{3, 1, nil, ha, single},
		{3, 2, nil, ha, ha},
		{5, 0, nil, ha, ha},
	} {
		c := config(tt.masters, tt.workers)
		c.Arbiter = tt.arbiter
		if control, infra := controlPlaneTopology(c), infrastructureTopology(c); control != tt.control || infra != tt.infra {
			t.Errorf("%d masters, %d workers, arbiter %v: %s and %s, want %s and %s",
				tt.masters, tt.workers, tt.arbiter != nil, control, infra, tt.control, tt.infra)
		}
	}
}

func TestIngressPlacement(t *testing.T) {
	for stay, want := range map[bool]string{true: "ControlPlane", false: "Workers"} {
		set := objects.In(Dir)
		addNames(set, Inputs{Config: config(1, 0), Platform: Platform{RoutersOnControlPlane: stay}})
		files, err := set.Files()
		got := string(files.Data("manifests/cluster-ingress-02-config.yml"))
		if err != nil || !strings.Contains(got, "defaultPlacement: "+want) {
			t.Errorf("%v: %v\n%s", stay, err, got)
		}
	}
}

func TestNoProxy(t *testing.T) {
	const own = ".cluster.local,.svc,127.0.0.1,198.18.0.0/24,198.19.0.0/17,198.19.128.0/17,api-int.demo.okd.test,localhost"
	for given, want := range map[string]string{
		"":                        own,
		"*":                       "*",
		".svc,,localhost":         own,
		"zone.test,198.18.0.0/24": own + ",zone.test",
		".a.test,192.0.2.1,10.0.0.1": ".a.test,.cluster.local,.svc,10.0.0.1,127.0.0.1,192.0.2.1," +
			"198.18.0.0/24,198.19.0.0/17,198.19.128.0/17,api-int.demo.okd.test,localhost",
	} {
		c := config(3, 2)
		c.Proxy = &types.Proxy{HTTPProxy: "http://proxy.test", NoProxy: given}
		if got := noProxy(c); got != want {
			t.Errorf("%q:\ngot  %s\nwant %s", given, got, want)
		}
	}
}

// Everyone who may read ConfigMaps sees what operators read. The platform's part
// is tested with the platform.
func TestClusterConfigHoldsNoLogin(t *testing.T) {
	c := config(2, 0)
	c.PullSecret = secret.New("of-the-registry")
	c.ControlPlane.Fencing = &types.Fencing{Credentials: []types.FencingCredential{
		{HostName: "rack-0", Username: "fencer", Password: secret.New("of-the-fence")},
	}}
	text, err := clusterConfig(c, objects.Object{"toy": objects.Object{"size": 3}})
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"of-the", "fencer", "hidden", "rack-0"} {
		if strings.Contains(string(text), bad) {
			t.Errorf("holds %q:\n%s", bad, text)
		}
	}
	for _, want := range []string{"replicas: 2", "size: 3", `pullSecret: ""`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("lacks %q:\n%s", want, text)
		}
	}
	if c.ControlPlane.Fencing == nil {
		t.Error("the original was changed")
	}
}

func TestTrustBundleWithoutCertificate(t *testing.T) {
	c := config(3, 2)
	c.AdditionalTrustBundle = "hello"
	set := objects.In(Dir)
	addTrustBundle(set, Inputs{Config: c})
	if _, err := set.Files(); err == nil {
		t.Error("accepted")
	}
}

func TestUpdates(t *testing.T) {
	for version, want := range map[string][2]string{
		"4.19.0-okd-scos.1":  {"stable-scos-4", "https://amd64.origin.releases.ci.openshift.org/graph"},
		"4.22.0-okd-scos.10": {"stable-scos-4", "https://amd64.origin.releases.ci.openshift.org/graph"},
		"5.0.0-okd-scos.1":   {"stable-5.0", "https://updates.okd.io/api/updates/graph"},
		"5.2.0-okd-scos.0":   {"stable-5.2", "https://updates.okd.io/api/updates/graph"},
		"":                   {"stable-5.0", "https://updates.okd.io/api/updates/graph"},
	} {
		set := objects.In(Dir)
		addVersion(set, Inputs{Config: config(3, 2), ReleaseVersion: version})
		files, err := set.Files()
		got := string(files.Data("manifests/cvo-overrides.yaml"))
		if err != nil || !strings.Contains(got, "channel: "+want[0]+"\n") ||
			!strings.Contains(got, "upstream: "+want[1]+"\n") {
			t.Errorf("%s: %v\n%s", version, err, got)
		}
	}
}

func TestStatusThatTheAPILacks(t *testing.T) {
	platform := Platform{
		Status: configv1.PlatformStatus{Type: configv1.BareMetalPlatformType,
			BareMetal: &configv1.BareMetalPlatformStatus{}},
		MoreStatus: objects.Object{"novelty": "yes"},
	}
	set := objects.In(Dir)
	addInfrastructure(set, Inputs{Config: config(3, 2), Platform: platform})
	files, err := set.Files()
	got := string(files.Data("manifests/cluster-infrastructure-02-config.yml"))
	if err != nil || !strings.Contains(got, "novelty: \"yes\"") || !strings.Contains(got, "type: BareMetal") {
		t.Errorf("%v\n%s", err, got)
	}
}
