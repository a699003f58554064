package assets_test

import (
	"maps"
	"path"
	"slices"
	"testing"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/assets/manifests"
	"github.com/okd-install/okd-install/pkg/assets/openshift"
	"github.com/okd-install/okd-install/pkg/pki"
	"github.com/okd-install/okd-install/pkg/platforms"
)

// drawnFiles are the manifests of a case that differ from one cluster to
// another although their install-configs are the same.
func drawnFiles(t *testing.T, c testCase, pairs [2]pki.Pair) []string {
	t.Helper()
	config := c.config(t)
	in := assets.NewInput(config, platforms.All().Assets())
	var sets []map[string]string
	for i, drawn := range []string{"one", "two"} {
		pair := pairs[i]
		first, err := manifests.Render(manifests.Inputs{
			Config: config, Platform: in.On.Cluster(config), InfraID: "demo-" + drawn, ClusterID: "id-" + drawn, RootCA: pair,
			MachineConfigServer: pair,
		})
		if err != nil {
			t.Fatal(err)
		}
		second, err := openshift.Render(openshift.Inputs{
			Config: config, PasswordHash: "hash " + drawn, Invoker: "user", Version: "test",
			UserData: in.UserData, Platform: in.Objects("demo-"+drawn, ""),
			Pointers: map[string][]byte{"master": []byte(drawn), "worker": []byte(drawn), "arbiter": []byte(drawn)},
		})
		if err != nil {
			t.Fatal(err)
		}
		files := map[string]string{}
		for _, f := range asset.Merge(first, second) {
			files[f.Path] = string(f.Data)
		}
		sets = append(sets, files)
	}
	var out []string
	for name, text := range sets[0] {
		if sets[1][name] != text {
			out = append(out, name)
		}
	}
	return out
}

// Every file that holds something drawn is named as such, and no pattern names
// others only.
func TestBoundFiles(t *testing.T) {
	var pairs [2]pki.Pair
	for i := range pairs {
		var err error
		if pairs[i], err = pki.NewAuthority(t0, pki.Name{Common: "root-ca"}, pki.TenYears); err != nil {
			t.Fatal(err)
		}
	}
	drawn := map[string]bool{}
	for _, c := range allCases() {
		for _, name := range drawnFiles(t, c, pairs) {
			drawn[name] = true
		}
	}
	used := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(drawn)) {
		named := false
		for _, p := range slices.Concat(assets.BoundManifests, assets.BoundOpenShift) {
			if is, err := path.Match(p, name); err != nil {
				t.Fatal(err)
			} else if is {
				named, used[p] = true, true
			}
		}
		if !named {
			t.Errorf("%s differs between clusters, but is not named in manifests.go", name)
		}
	}
	for _, p := range slices.Concat(assets.BoundManifests, assets.BoundOpenShift) {
		if !used[p] {
			t.Errorf("nothing that differs is called %s", p)
		}
	}
}
