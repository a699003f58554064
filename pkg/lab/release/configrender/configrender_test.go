package configrender

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	configv1 "github.com/openshift/api/config/v1"
	"sigs.k8s.io/yaml"
)

const featureGate = `apiVersion: config.openshift.io/v1
kind: FeatureGate
metadata:
  name: cluster
spec: {}
`

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func TestAPI(t *testing.T) {
	d := t.TempDir()
	in, out := filepath.Join(d, "manifests"), filepath.Join(d, "api-bootstrap")
	put(t, filepath.Join(in, "99_feature-gate.yaml"), featureGate)
	put(t, filepath.Join(in, "other.yaml"), "kind: ConfigMap\n")
	err := renderAPI([]string{"--asset-output-dir=" + out, "--rendered-manifest-dir=" + in,
		"--cluster-profile=self-managed-high-availability", "--payload-version=4.20.0-okd-lab.1"})
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(in, "99_feature-gate.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var gate configv1.FeatureGate
	if err := yaml.Unmarshal(data, &gate); err != nil {
		t.Fatal(err)
	}
	if n := len(gate.Status.FeatureGates); n != 1 {
		t.Fatalf("%d feature gate entries, want 1", n)
	}
	g := gate.Status.FeatureGates[0]
	if g.Version != "4.20.0-okd-lab.1" || len(g.Enabled) < 5 || len(g.Disabled) < 5 {
		t.Errorf("version %q, %d enabled, %d disabled", g.Version, len(g.Enabled), len(g.Disabled))
	}
	files := names(t, filepath.Join(out, "manifests"))
	for _, want := range []string{
		"0000_00_cluster-version-operator_01_clusterversions.crd.yaml",
		"0000_12_etcd_01_etcds.crd.yaml",
		"0000_80_machine-config_01_machineconfigpools.crd.yaml",
	} {
		if !slices.Contains(files, want) {
			t.Errorf("no %s in %v", want, files)
		}
	}
}

func TestAPINeedsFeatureGate(t *testing.T) {
	d := t.TempDir()
	err := renderAPI([]string{"--asset-output-dir=" + d + "/o", "--rendered-manifest-dir=" + d,
		"--payload-version=1.0.0"})
	if err == nil || !strings.Contains(err.Error(), "99_feature-gate.yaml") {
		t.Errorf("got %v", err)
	}
}

func TestCustomGates(t *testing.T) {
	got, err := details("self-managed-high-availability", "5.0.0", configv1.FeatureGateSpec{
		FeatureGateSelection: configv1.FeatureGateSelection{
			FeatureSet: configv1.CustomNoUpgrade,
			CustomNoUpgrade: &configv1.CustomFeatureGates{
				Enabled: []configv1.FeatureGateName{"Zeta"}, Disabled: []configv1.FeatureGateName{"Alpha"},
			},
		}})
	if err != nil {
		t.Fatal(err)
	}
	has := func(list []configv1.FeatureGateAttributes, n string) bool {
		return slices.ContainsFunc(list, func(a configv1.FeatureGateAttributes) bool { return string(a.Name) == n })
	}
	if !has(got.Enabled, "Zeta") || has(got.Disabled, "Zeta") || !has(got.Disabled, "Alpha") {
		t.Errorf("enabled %v, disabled %v", got.Enabled, got.Disabled)
	}
}

func TestFlags(t *testing.T) {
	d := t.TempDir()
	put(t, filepath.Join(d, "infra.yml"), "kind: Infrastructure\n")
	config := []string{"--skip-api-rendering", "--cluster-infrastructure-input-file=" + d + "/infra.yml",
		"--cloud-provider-config-output-file=" + d + "/o/cloud", "--config-output-file=" + d + "/o/config",
		"--asset-input-dir=" + d, "--asset-output-dir=" + d + "/o", "--rendered-manifest-files=" + d,
		"--payload-version=1"}
	auth := []string{"--asset-output-dir=" + d + "/a", "--rendered-manifest-dir=" + d, "--cluster-profile=x",
		"--payload-version=1"}
	for _, c := range []struct {
		name    string
		run     func([]string) error
		args    []string
		problem string // empty: none
	}{
		{"config as the scripts call it", renderConfig, config, ""},
		{"config with an unknown flag", renderConfig, append(slices.Clone(config), "--new-flag=1"),
			"unknown flag: --new-flag"},
		{"config without Infrastructure", renderConfig, config[2:], "--cluster-infrastructure-input-file is required"},
		{"authentication as the scripts call it", renderAuthentication, auth, ""},
		{"authentication with an argument", renderAuthentication, append(slices.Clone(auth), "x"),
			`unexpected argument "x"`},
		{"ingress as the scripts call it", renderIngress,
			[]string{"--prefix=cluster-ingress-", "--output-dir=" + d + "/i"}, ""},
		{"api without anything", renderAPI, nil, "--payload-version is required"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := c.run(c.args)
			if c.problem == "" && err != nil || c.problem != "" &&
				(err == nil || !strings.Contains(err.Error(), c.problem)) {
				t.Errorf("got %v, want %q", err, c.problem)
			}
		})
	}
	if got := names(t, d+"/i"); !slices.Contains(got, "cluster-ingress-00-namespace.yaml") || len(got) != 2 {
		t.Errorf("ingress wrote %v", got)
	}
	if got := names(t, d+"/a"); len(got) != 1 {
		t.Errorf("authentication wrote %v", got)
	}
}

func TestVerb(t *testing.T) {
	for _, c := range Commands() {
		if c.Name == "render" {
			continue
		}
		if err := c.Run(context.Background(), []string{"frobnicate"}); err == nil ||
			!strings.Contains(err.Error(), "commands: render") {
			t.Errorf("%s: %v", c.Name, err)
		}
	}
}
