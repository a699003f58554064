package assets_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/assets/manifests"
	"github.com/okd-install/okd-install/pkg/assets/openshift"
	"github.com/okd-install/okd-install/pkg/ignition"
	"github.com/okd-install/okd-install/pkg/pki"
	"github.com/okd-install/okd-install/pkg/platforms"
	"github.com/okd-install/okd-install/pkg/types"
)

// A case is the install-config of a platform with others laid over it.
type testCase struct{ platform, layout string }

func (c testCase) String() string { return c.platform + "/" + c.layout }

const regular = "regular"

// The platforms, and the files that are generated.
const (
	none      = "none"
	external  = "external"
	baremetal = "baremetal"
	ovirt     = "ovirt"

	configFile     = "install-config.yaml"
	arbiterFile    = "arbiter.ign"
	bootstrapFile  = "bootstrap.ign"
	singleNodeFile = "bootstrap-in-place-for-live-iso.ign"
	passwordFile   = "auth/kubeadmin-password"
)

// layouts have a full golden directory each; variants only what differs from
// the regular one.
var (
	places   = []string{none, external, baremetal, ovirt}
	layouts  = []string{regular, "compact", "single-node"}
	variants = []string{"proxy", "mirrors", "dual-stack", "capabilities", "tech-preview", "hardened", "legacy-mirrors"}
	special  = []testCase{
		{baremetal, "arbiter"}, {baremetal, "provisioning"},
		{baremetal, "external-dns"}, {baremetal, "fencing"}, {none, "fencing"},
	}
)

func allCases() []testCase {
	var out []testCase
	for _, p := range places {
		for _, l := range slices.Concat(layouts, variants) {
			out = append(out, testCase{p, l})
		}
	}
	return append(out, special...)
}

// source is the install-config of testdata/inputs: the platform's file, over it
// the layout's, and over that what the layout needs on this platform.
func (c testCase) source(t testing.TB) []byte {
	t.Helper()
	merged := c.input(t, c.platform)
	for _, overlay := range []string{c.layout, c.layout + "." + c.platform} {
		patch := c.input(t, overlay)
		if patch == nil {
			continue
		}
		var err error
		if merged, err = jsonpatch.MergePatch(merged, patch); err != nil {
			t.Fatal(err)
		}
	}
	return merged
}

func (c testCase) config(t testing.TB) *types.InstallConfig {
	t.Helper()
	config, findings := platforms.All().Load(configFile, c.source(t))
	if err := findings.Err(); err != nil {
		t.Fatal(err)
	}
	return config
}

func (testCase) input(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata/inputs", name+".yaml"))
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	raw, err := yaml.YAMLToJSON(text)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

const (
	testInfraID   = "demo-x7k2p"
	testRelease   = "5.0.0-okd-scos.1"
	testClusterID = "5f0f2b6e-6a3c-4f5e-9d0a-1c2b3d4e5f60"
)

// testCerts are an authority and a certificate for all cases: making keys for
// each would take long.
var testCerts = sync.OnceValues(func() (pairs [2]pki.Pair, err error) {
	if pairs[0], err = pki.NewAuthority(t0, pki.Name{Common: "root-ca", Unit: "openshift"}, pki.TenYears); err != nil {
		return pairs, err
	}
	pairs[1], err = pairs[0].Issue(t0, pki.Leaf{
		Name: assets.ConfigServer, Life: pki.TenYears, Usage: pki.Server,
		DNS: []string{"api-int.demo.okd.test"}, IPs: []netip.Addr{netip.MustParseAddr("198.18.0.10")},
	})
	return pairs, err
})

// render makes all manifests of a case without a store.
func (c testCase) render(t testing.TB) (*types.InstallConfig, asset.Files) {
	t.Helper()
	config := c.config(t)
	return config, renderConfig(t, config)
}

func renderConfig(t testing.TB, config *types.InstallConfig) asset.Files {
	t.Helper()
	certs, err := testCerts()
	if err != nil {
		t.Fatal(err)
	}
	pointers := map[string][]byte{}
	for _, role := range []string{types.MasterPool, types.WorkerPool, types.ArbiterPool} {
		if role == types.ArbiterPool && config.Arbiter == nil {
			continue
		}
		if pointers[role], err = ignition.Pointer("198.18.0.10", role, []byte("certificate")); err != nil {
			t.Fatal(err)
		}
	}
	in := assets.NewInput(config, platforms.All().Assets())
	first, err := manifests.Render(manifests.Inputs{
		Config: config, Platform: in.On.Cluster(config), InfraID: testInfraID, ClusterID: testClusterID,
		ReleaseVersion: testRelease, RootCA: certs[0], MachineConfigServer: certs[1],
	})
	if err != nil {
		t.Fatal(err)
	}
	second, err := openshift.Render(openshift.Inputs{
		Config: config, PasswordHash: "$2a$10$hash", Pointers: pointers, UserData: in.UserData,
		Platform: in.Objects(testInfraID, testRelease), Invoker: "user", Version: "test",
	})
	if err != nil {
		t.Fatal(err)
	}
	return asset.Merge(first, second)
}
