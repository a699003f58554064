package center

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/lab/daemon"
	"github.com/okd-install/okd-install/pkg/lab/images"
	"github.com/okd-install/okd-install/pkg/lab/setup"
	"github.com/okd-install/okd-install/pkg/lab/site"
)

func prepared(t *testing.T) site.Site {
	t.Helper()
	s := site.Site{Name: "lab", Dir: t.TempDir(), Cache: t.TempDir()}
	made := madeFor(t, "registry.lab.okd.test:5000/okd/release@sha256:1234")
	if err := prepare(t.Context(), s, made, time.Unix(1e9, 0)); err != nil {
		t.Fatal(err)
	}
	return s
}

// madeFor is a setup with a release whose only blob is named by the release.
func madeFor(t *testing.T, release string) setup.Result {
	t.Helper()
	layout := t.TempDir()
	if err := os.WriteFile(filepath.Join(layout, strings.ReplaceAll(release, "/", "_")), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	return setup.Result{
		Programs:         images.Programs{Hyperkube: "/cache/hyperkube", Etcdctl: "/cache/etcdctl"},
		IgnitionValidate: "/cache/ignition-validate",
		Release:          images.Release{Layout: layout, PullSpec: release, Version: "4.20.0"},
	}
}

func TestPrepareKeepsAccounts(t *testing.T) {
	s := prepared(t)
	first, err := s.Facts()
	if err != nil {
		t.Fatal(err)
	}
	made := madeFor(t, "other@sha256:5678")
	if err := prepare(t.Context(), s, made, time.Unix(1e9, 0)); err != nil {
		t.Fatal(err)
	}
	second, err := s.Facts()
	if err != nil {
		t.Fatal(err)
	}
	if first.Engine.Password != second.Engine.Password || first.Registry.Password != second.Registry.Password {
		t.Error("starting a lab again changes its passwords")
	}
	if second.Release.PullSpec != "other@sha256:5678" {
		t.Errorf("release is %s", second.Release.PullSpec)
	}
	if kept, err := os.ReadDir(second.Release.Layout); err != nil || len(kept) != 2 {
		t.Errorf("the lab serves %v, %v; want the content of both releases", kept, err)
	}
	for _, name := range []string{site.FactsFile, site.OvirtFile, site.PullFile, site.SSHKeyFile, daemon.CAKeyFile} {
		info, err := os.Stat(s.File(name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %o", name, info.Mode().Perm())
		}
	}
}

func TestInstallConfig(t *testing.T) {
	s := prepared(t)
	objects := daemon.Objects{ClusterID: "c1", StorageDomainID: "s1", NetworkName: "ovirtmgmt", VNICProfileID: "v1"}
	b, err := InstallConfig(s, objects, nil, ClusterSize{Name: "second", Masters: 3, Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	var c struct {
		Metadata     struct{ Name string }
		ControlPlane struct{ Replicas int }
		Compute      []struct{ Replicas int }
		Platform     struct{ Ovirt map[string]any }
		PullSecret   string
		SSHKey       string
		Bundle       string `json:"additionalTrustBundle"`
	}
	if err := yaml.UnmarshalStrict(b, &map[string]any{}); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(b, &c); err != nil {
		t.Fatal(err)
	}
	if c.Metadata.Name != "second" || c.ControlPlane.Replicas != 3 || c.Compute[0].Replicas != 1 {
		t.Errorf("read back %+v", c)
	}
	if got := c.Platform.Ovirt["api_vips"].([]any)[0]; got != "198.18.0.12" {
		t.Errorf("API VIP %v", got)
	}
	ca, err := os.ReadFile(s.File(site.CAFile))
	if err != nil {
		t.Fatal(err)
	}
	if strings.TrimSpace(c.Bundle) != strings.TrimSpace(string(ca)) {
		t.Error("the trust bundle is not the lab's CA")
	}
	if !strings.HasPrefix(c.SSHKey, "ssh-ed25519 ") || !strings.Contains(c.PullSecret, "registry.lab.okd.test:5000") {
		t.Errorf("key %q, pull secret %q", c.SSHKey, c.PullSecret)
	}
	if _, err := InstallConfig(s, objects, nil, ClusterSize{Name: "fifth"}); err == nil ||
		!strings.Contains(err.Error(), "demo, second") {
		t.Errorf("a name without DNS: %v", err)
	}
	none, err := InstallConfig(s, objects, nil, ClusterSize{Name: "fifth", Platform: "none", Masters: 1})
	if err != nil {
		t.Fatal(err)
	}
	var other struct {
		Metadata struct{ Name string }
		Platform map[string]any
	}
	if err := yaml.UnmarshalStrict(none, &map[string]any{}); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(none, &other); err != nil || other.Metadata.Name != "fifth" ||
		other.Platform["none"] == nil || strings.Contains(string(none), "ovirt") {
		t.Errorf("on platform none: %v\n%s", err, none)
	}
	if _, err := InstallConfig(s, objects, nil, ClusterSize{Name: "demo", Platform: "moon"}); err == nil {
		t.Error("an unknown platform is accepted")
	}
}

func TestEnvironment(t *testing.T) {
	s := prepared(t)
	f, err := s.Facts()
	if err != nil {
		t.Fatal(err)
	}
	env := environment([]string{"PATH=/opt/x", "HOME=/root", "https_proxy=http://proxy", "OVIRT_CONFIG=/other"}, s, f)
	all := "\n" + strings.Join(env, "\n") + "\n"
	for _, want := range []string{
		"PATH=" + s.File("bin") + ":/opt/x", "HOME=/root", "OVIRT_CONFIG=" + s.File("ovirt-config.yaml"),
		"OKD_INSTALL_UPDATE_SERVICE=https://updates.lab.okd.test/api/updates/graph",
		"OKD_INSTALL_RELEASE_REPOSITORY=" + f.Updates.Repository,
		"OKD_INSTALL_SIGNATURE_STORE=https://updates.lab.okd.test/signatures",
	} {
		if strings.Count(all, "\n"+want+"\n") != 1 {
			t.Errorf("not once in the environment: %s", want)
		}
	}
	if strings.Contains(all, "proxy") || strings.Contains(all, "/other") {
		t.Errorf("the caller's settings reach in: %s", all)
	}
}
