package assets_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	configv1 "github.com/openshift/api/config/v1"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/assets/manifests"
	"github.com/okd-install/okd-install/pkg/assets/objects"
	"github.com/okd-install/okd-install/pkg/types"
)

// toy is a minimal platform: a setting with a default and a rule, a value for the
// cluster, an object of its own, and a part of metadata.json.
type toy struct {
	Size int `json:"size,omitempty"`
}

func (*toy) Kind() types.PlatformKind { return toyPlatform().Kind }

func (t *toy) SetDefaults(*types.InstallConfig, types.Options) { t.Size = max(t.Size, 3) }

func (t *toy) Validate(k types.Check) {
	if t.Size > 9 {
		k.Child("size").Invalid(t.Size, "is too large for a toy")
	}
}

func toyPlatform() assets.Platform {
	return assets.Platform{
		Kind: types.PlatformKind{Name: "toy", New: func() types.PlatformSettings { return &toy{} }},
		Cluster: func(c *types.InstallConfig) manifests.Platform {
			return manifests.Platform{
				Spec:   configv1.PlatformSpec{Type: configv1.NonePlatformType},
				Status: configv1.PlatformStatus{Type: configv1.NonePlatformType}, Config: c.Platform,
			}
		},
		Objects: func(set *objects.Set, in assets.PlatformObjects) error {
			set.Add("99_toy.yaml", objects.ConfigMap(objects.System, "toy", map[string]string{"cluster": in.InfraID}))
			return nil
		},
		Metadata: func(c *types.InstallConfig, _ assets.MetadataInputs) any { return c.Platform.Settings },
	}
}

const toyConfig = `apiVersion: v1
metadata: {name: demo}
baseDomain: okd.test
pullSecret: '{"auths":{"registry.test":{"auth":"dXNlcjpwYXNz"}}}'
platform: {toy: {}}
`

func toyDir(t *testing.T, config string) (string, *assets.Installer) {
	t.Helper()
	dir, d := t.TempDir(), deps()
	if err := os.WriteFile(filepath.Join(dir, configFile), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	d.Platforms = append(d.Platforms, toyPlatform())
	return dir, open(t, dir, d)
}

// All parts of a platform are in its own value.
func TestToyPlatform(t *testing.T) {
	dir, i := toyDir(t, toyConfig)
	for _, target := range []func(context.Context) error{i.Manifests, i.IgnitionConfigs} {
		if err := target(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	files := tree(t, dir)
	for name, want := range map[string]string{
		"manifests/cluster-config.yaml": "size: 3",
		"openshift/99_toy.yaml":         "cluster: demo-",
		"metadata.json":                 `"toy":{"size":3}`,
		"bootstrap.ign":                 "/opt/openshift/openshift/99_toy.yaml",
	} {
		if !strings.Contains(string(files[name]), want) {
			t.Errorf("%s lacks %q", name, want)
		}
	}
	_, i = toyDir(t, strings.Replace(toyConfig, "toy: {}", "toy: {size: 12}", 1))
	const want = "install-config.yaml:5:24: platform.toy.size: Invalid value: 12: is too large for a toy"
	if _, err := i.Config(t.Context()); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// The state has the name of the platform also where metadata.json has no place
// for it, and where an older version of the installer did not write it.
func TestStoredPlatform(t *testing.T) {
	for _, platform := range []string{none, external, baremetal, ovirt} {
		t.Run(platform, func(t *testing.T) {
			dir := testCase{platform, regular}.dir(t)
			i := open(t, dir, deps())
			if err := i.IgnitionConfigs(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := i.Close(); err != nil {
				t.Fatal(err)
			}
			check := func(what string) {
				t.Helper()
				m, err := assets.StoredMetadata(dir, nil)
				if err != nil || m.Platform != platform || m.ClusterName != "demo" {
					t.Errorf("%s: %+v, %v", what, m, err)
				}
			}
			check("as written")
			forget(t, filepath.Join(dir, asset.StateName), "platform")
			check("as written by an older version")
		})
	}
}

// forget removes an asset from a state.
func forget(t *testing.T, path, name string) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var state map[string]json.RawMessage
	var all map[string]json.RawMessage
	if err := json.Unmarshal(raw, &state); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(state["assets"], &all); err != nil || all[name] == nil {
		t.Fatalf("the state has no %s: %v", name, err)
	}
	delete(all, name)
	if state["assets"], err = json.Marshal(all); err != nil {
		t.Fatal(err)
	}
	if raw, err = json.Marshal(state); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
}
