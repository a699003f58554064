package assets_test

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/coreos/ignition/v2/config/v3_2"
	"github.com/vincent-petithory/dataurl"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/assets/openshift"
	"github.com/okd-install/okd-install/pkg/types"
)

// rewrite replaces text in a file of the asset directory.
func rewrite(t *testing.T, dir, name, old, replacement string) {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(name))
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(data), old) {
		t.Fatalf("no %q in %s", old, name)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(data), old, replacement, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// onBootstrapHost returns the files that an Ignition config writes below
// /opt/openshift.
func onBootstrapHost(t *testing.T, config []byte) map[string]string {
	t.Helper()
	parsed, report, err := v3_2.Parse(config)
	if err != nil {
		t.Fatalf("%v: %s", err, report.String())
	}
	out := map[string]string{}
	for _, f := range parsed.Storage.Files {
		name, ours := strings.CutPrefix(f.Path, "/opt/openshift/")
		if !ours {
			continue
		}
		content, err := dataurl.DecodeString(*f.Contents.Source)
		if err != nil {
			t.Fatal(err)
		}
		out[name] = string(content.Data)
	}
	return out
}

// What a user does to manifests is what the bootstrap host gets.
func TestEditsOfManifests(t *testing.T) {
	const (
		added   = "openshift/99-worker-motd.yaml"
		dropped = "openshift/99_openshift-machineconfig_99-worker-ssh.yaml"
		motd    = `apiVersion: machineconfiguration.openshift.io/v1
kind: MachineConfig
metadata:
  name: 99-worker-motd
  labels: {machineconfiguration.openshift.io/role: worker}
spec:
  kernelArguments: [quiet]
`
	)
	dir := warmDir(t)
	i := open(t, dir, deps())
	if err := i.Manifests(context.Background()); err != nil {
		t.Fatal(err)
	}
	before := tree(t, dir)
	rewrite(t, dir, "manifests/cluster-scheduler-02-config.yml", "mastersSchedulable: false", "mastersSchedulable: true")
	rewrite(t, dir, "manifests/cluster-network-02-config.yml", "hostPrefix: 24", "hostPrefix: 25")
	if err := os.WriteFile(filepath.Join(dir, added), []byte(motd), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, dropped)); err != nil {
		t.Fatal(err)
	}

	if err := i.IgnitionConfigs(context.Background()); err != nil {
		t.Fatal(err)
	}
	config, err := os.ReadFile(filepath.Join(dir, bootstrapFile))
	if err != nil {
		t.Fatal(err)
	}
	host := onBootstrapHost(t, config)
	for name, want := range map[string]string{
		"manifests/cluster-scheduler-02-config.yml": "mastersSchedulable: true",
		"manifests/cluster-network-02-config.yml":   "hostPrefix: 25",
		added:                          "kernelArguments: [quiet]",
		"manifests/cvo-overrides.yaml": "name: 99-worker-motd",
	} {
		if !strings.Contains(host[name], want) {
			t.Errorf("the bootstrap host's %s lacks %q:\n%s", name, want, host[name])
		}
	}
	if host[dropped] != "" {
		t.Errorf("the bootstrap host has %s, which was removed", dropped)
	}
	if after := tree(t, dir); len(after) <= len(before) {
		t.Error("inputs were consumed")
	}
}

const motdFile = `{"path":"/etc/motd","mode":420,"contents":{"source":"data:,hello"}}`

// What a user does to .ign files by hand is what machines get.
func TestEditsOfIgnition(t *testing.T) {
	dir := warmDir(t)
	i := open(t, dir, deps())
	if err := i.IgnitionConfigs(context.Background()); err != nil {
		t.Fatal(err)
	}
	rewrite(t, dir, bootstrapFile, `"storage":{"files":[`, `"storage":{"files":[`+motdFile+`,`)
	c, err := i.Cluster(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(c.Bootstrap), "data:,hello") {
		t.Error("the edit of bootstrap.ign is lost")
	}
}

// What a user adds to a pointer reaches the machines, the cluster as a
// MachineConfig, and the user data of machines made later; without the pointer
// being edited there is no MachineConfig.
func TestEditsOfPointers(t *testing.T) {
	name := openshift.PointerFile(types.MasterPool)
	dir := warmDir(t)
	i := open(t, dir, deps())
	if err := i.IgnitionConfigs(context.Background()); err != nil {
		t.Fatal(err)
	}
	cluster := func() (assets.Cluster, map[string]string) {
		t.Helper()
		c, err := i.Cluster(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		return c, onBootstrapHost(t, c.Bootstrap)
	}
	if _, host := cluster(); host[name] != "" {
		t.Errorf("%s without an edit", name)
	}
	rewrite(t, dir, "master.ign", `"version":"3.2.0"}`, ` "version" : "3.2.0" }`)
	if _, host := cluster(); host[name] != "" {
		t.Errorf("%s after an edit of white space", name)
	}

	rewrite(t, dir, "master.ign", ` "version" : "3.2.0" }}`, `"version":"3.2.0"},"storage":{"files":[`+motdFile+`]}}`)
	c, host := cluster()
	for _, m := range c.Machines {
		if has := strings.Contains(string(m.Ignition), "data:,hello"); has != (m.Role == types.MasterPool) {
			t.Errorf("%s has the edit: %v", m.Name, has)
		}
	}
	onDisk, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	for where, text := range map[string]string{"bootstrap host": host[name], "asset directory": string(onDisk)} {
		for _, want := range []string{"name: 99-installer-ignition-master", "role: master", "source: data:,hello",
			"certificateAuthorities"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s of the %s lacks %q:\n%s", name, where, want, text)
			}
		}
		if strings.Contains(text, "merge") {
			t.Errorf("%s of the %s refers back to the machine config server", name, where)
		}
	}
	if host[openshift.PointerFile(types.WorkerPool)] != "" {
		t.Error("workers got a MachineConfig as well")
	}
	if err := i.Manifests(context.Background()); err != nil {
		t.Fatal(err)
	}
	secret := tree(t, dir)["openshift/99_openshift-cluster-api_master-user-data-secret.yaml"]
	if !strings.Contains(host["openshift/99_openshift-cluster-api_master-user-data-secret.yaml"], "userData") ||
		len(secret) == 0 {
		t.Error("no user data")
	}

	rewrite(t, dir, "master.ign", `,"storage":{"files":[`+motdFile+`]}`, "")
	if _, host := cluster(); host[name] != "" {
		t.Errorf("%s stays when the edit is taken back", name)
	}
	if _, err := os.Stat(filepath.Join(dir, name)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s stays on disk when the edit is taken back: %v", name, err)
	}
}

// An edit of bootstrap.ign cannot know of a later edit of a pointer: that is
// said, and the flag decides.
func TestEditsOfPointerAndBootstrap(t *testing.T) {
	dir := warmDir(t)
	i := open(t, dir, deps())
	if err := i.IgnitionConfigs(context.Background()); err != nil {
		t.Fatal(err)
	}
	rewrite(t, dir, bootstrapFile, `"storage":{"files":[`, `"storage":{"files":[`+motdFile+`,`)
	rewrite(t, dir, "worker.ign", `"version":"3.2.0"}}`, `"version":"3.2.0"},"storage":{"files":[`+motdFile+`]}}`)
	_, err := i.Cluster(context.Background())
	var conflict *asset.ConflictError
	if !errors.As(err, &conflict) || !slices.Equal(conflict.Files, []string{bootstrapFile}) ||
		!slices.Contains(conflict.Causes, "worker.ign") {
		t.Fatalf("got %v", err)
	}
	if err := i.Close(); err != nil {
		t.Fatal(err)
	}
	d := deps()
	d.Edited = asset.Keep
	c, err := open(t, dir, d).Cluster(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(c.Bootstrap), "data:,hello") || !strings.Contains(string(c.Worker), "data:,hello") {
		t.Error("an edit is lost")
	}
}

// The store writes exactly what the renderers make.
func TestManifestsTarget(t *testing.T) {
	dir := warmDir(t)
	if err := open(t, dir, deps()).Manifests(context.Background()); err != nil {
		t.Fatal(err)
	}
	_, files := testCase{ovirt, "mirrors"}.render(t)
	want := slices.DeleteFunc(files.Paths(), func(p string) bool { return p == "manifests/user-ca-bundle-config.yaml" })
	var got []string
	for _, name := range slices.Sorted(maps.Keys(tree(t, dir))) {
		if strings.Contains(name, "/") {
			got = append(got, name)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// A bootstrap host that the installer makes says so; the file on disk, which
// users take elsewhere, does not.
func TestProvisionedBootstrap(t *testing.T) {
	dir := warmDir(t)
	c, err := open(t, dir, deps()).Cluster(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	config, err := c.ProvisionedBootstrap()
	if err != nil {
		t.Fatal(err)
	}
	const name = "manifests/openshift-install.yaml"
	plain, host := onBootstrapHost(t, c.Bootstrap), onBootstrapHost(t, config)
	if !strings.Contains(host[name], "name: openshift-install\n") || !strings.Contains(host[name], "invoker: user") ||
		plain[name] != "" {
		t.Errorf("got %q and, in the file, %q", host[name], plain[name])
	}
	if delete(host, name); !maps.Equal(plain, host) {
		t.Error("something else differs as well")
	}
}

// Arbiters have a pointer of their own, which users may edit as well.
func TestArbiterPointer(t *testing.T) {
	dir := warmDir(t)
	if err := os.WriteFile(filepath.Join(dir, configFile), testCase{baremetal, "arbiter"}.source(t), 0o600); err != nil {
		t.Fatal(err)
	}
	i := open(t, dir, deps())
	run := func() map[string][]byte {
		t.Helper()
		refs := []asset.Ref{assets.ArbiterIgnition, assets.OpenShift, assets.PointerConfigs}
		if _, err := i.Run(context.Background(), refs); err != nil {
			t.Fatal(err)
		}
		return tree(t, dir)
	}
	files := run()
	if !strings.Contains(string(files[arbiterFile]), "https://198.18.0.10:22623/config/arbiter") {
		t.Errorf("arbiter.ign: %s", files[arbiterFile])
	}
	const secret = "openshift/99_openshift-cluster-api_arbiter-user-data-secret.yaml"
	before := files[secret]
	if before == nil {
		t.Fatalf("no %s", secret)
	}
	rewrite(t, dir, arbiterFile, `"version":"3.2.0"}}`, `"version":"3.2.0"},"storage":{"files":[`+motdFile+`]}}`)
	files = run()
	if name := openshift.PointerFile(types.ArbiterPool); !strings.Contains(string(files[name]), "role: arbiter") {
		t.Errorf("%s: %s", name, files[name])
	}
	if string(files[secret]) == string(before) {
		t.Error("the user data lacks the edit")
	}
}

// A pointer changes the user data and nothing else in openshift/, so that edits
// of other files there do not conflict with it.
func TestEditsOfManifestAndPointer(t *testing.T) {
	const gate = "openshift/99_feature-gate.yaml"
	dir := warmDir(t)
	i := open(t, dir, deps())
	if err := errors.Join(i.Manifests(context.Background()), i.IgnitionConfigs(context.Background())); err != nil {
		t.Fatal(err)
	}
	rewrite(t, dir, gate, "spec: {}", "spec: {featureSet: TechPreviewNoUpgrade}")
	rewrite(t, dir, "worker.ign", `"version":"3.2.0"}}`, `"version":"3.2.0"},"storage":{"files":[`+motdFile+`]}}`)
	c, err := i.Cluster(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	host := onBootstrapHost(t, c.Bootstrap)
	if !strings.Contains(host[gate], "TechPreviewNoUpgrade") || host[openshift.PointerFile(types.WorkerPool)] == "" {
		t.Error("an edit is lost")
	}
}
