package assets_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets"
)

const (
	hyperConvergedFile = "virtualization/40-hyperconverged/50-hyperconverged-kubevirt-hyperconverged.yaml"
	classFile          = "virtualization/30-storage/60-storageclass-hostpath-csi.yaml"
	virtualizationHead = "apiVersion: virtualization.okd-install.io/v1alpha1\nkind: Virtualization\n"
)

// stack is what is deployed, after the files were written if that is wanted.
func stack(t *testing.T, dir string, d assets.Deps, write bool) (assets.Virtualization, error) {
	t.Helper()
	i := open(t, dir, d)
	defer i.Close()
	if write {
		if err := i.VirtualizationManifests(t.Context()); err != nil {
			return assets.Virtualization{}, err
		}
	}
	return i.Virtualization(t.Context())
}

// setting is one of the HyperConverged that is deployed.
func setting(t *testing.T, v assets.Virtualization, key string) any {
	t.Helper()
	for _, m := range v.Manifests {
		if m.Kind() == "HyperConverged" {
			return m.Object["spec"].(map[string]any)[key]
		}
	}
	t.Fatal("no HyperConverged")
	return nil
}

// Without a command for them nothing of them is on disk, and what is deployed is the same.
func TestVirtualizationIsAskedFor(t *testing.T) {
	dir := warmDir(t)
	i := open(t, dir, deps())
	if err := i.Manifests(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := slices.Sorted(maps.Keys(tree(t, dir)))
	v, err := i.Virtualization(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(before, slices.Sorted(maps.Keys(tree(t, dir)))); d != "" {
		t.Errorf("(-before +after):\n%s", d)
	}
	if err := errors.Join(i.VirtualizationManifests(t.Context()), i.Close()); err != nil {
		t.Fatal(err)
	}
	for _, m := range v.Manifests {
		want, err := m.YAML()
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(dir, "virtualization", m.Path))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %v:\n%s", m.Path, err, cmp.Diff(string(want), string(got)))
		}
	}
	if !v.Cluster.Virtual || v.Cluster.Masters != 3 || v.Cluster.Workers != 2 || len(v.Cluster.Mirrors) != 1 {
		t.Errorf("cluster %+v", v.Cluster)
	}
}

// The stack goes on to change after machines were started: only a cluster that runs has it.
func TestVirtualizationOfARunningCluster(t *testing.T) {
	dir := warmDir(t)
	i := open(t, dir, deps())
	if err := errors.Join(i.VirtualizationManifests(t.Context()), i.MarkStarted(), i.Close()); err != nil {
		t.Fatal(err)
	}
	rewrite(t, dir, classFile, "reclaimPolicy: Delete", "reclaimPolicy: Retain")
	write(t, filepath.Join(dir, "virtualization.yaml"),
		virtualizationHead+"hyperConverged: {defaultCPUModel: host-passthrough}\n")
	write(t, filepath.Join(dir, "virtualization/95-pipelines/10-mine.yaml"),
		"{apiVersion: v1, kind: ConfigMap, metadata: {name: mine, namespace: default}}\n---\n"+
			"{apiVersion: v1, kind: ConfigMap, metadata: {name: yours, namespace: default}}\n")
	v, err := stack(t, dir, deps(), true)
	if err != nil {
		t.Fatal(err)
	}
	if got := setting(t, v, "defaultCPUModel"); got != "host-passthrough" {
		t.Errorf("CPU model %v", got)
	}
	files := tree(t, dir)
	if !strings.Contains(string(files[hyperConvergedFile]), "defaultCPUModel: host-passthrough") ||
		!strings.Contains(string(files[classFile]), "Retain") {
		t.Errorf("files:\n%s\n%s", files[hyperConvergedFile], files[classFile])
	}
	if last := v.Manifests[len(v.Manifests)-1]; last.Name() != "yours" || last.Step != "pipelines" {
		t.Errorf("the last one is %s of %s", last.Name(), last.Step)
	}
	// Without the file the defaults count again.
	if err := os.Remove(filepath.Join(dir, "virtualization.yaml")); err != nil {
		t.Fatal(err)
	}
	if v, err = stack(t, dir, deps(), true); err != nil || setting(t, v, "defaultCPUModel") != nil {
		t.Errorf("CPU model %v, %v", setting(t, v, "defaultCPUModel"), err)
	}
}

// Operators follow the version that the cluster runs, in later runs, too; what it was installed from stays.
func TestVirtualizationFollowsUpdates(t *testing.T) {
	dir := warmDir(t)
	d := deps()
	d.ReleaseVersion = "4.21.0"
	i := open(t, dir, d)
	defer i.Close()
	err := errors.Join(i.VirtualizationManifests(t.Context()), i.MarkStarted(), i.Runs("4.99.1"), i.Runs(""))
	if err != nil {
		t.Fatal(err)
	}
	before, err := i.Virtualization(t.Context())
	if err = errors.Join(err, i.Close()); err != nil {
		t.Fatal(err)
	}
	after, err := stack(t, dir, d, true)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []assets.Virtualization{before, after} {
		if v.Cluster.Release != "4.99.1" {
			t.Errorf("made for release %q", v.Cluster.Release)
		}
	}
	again := open(t, dir, d)
	defer again.Close()
	if c, err := again.Cluster(t.Context()); err != nil || c.ReleaseVersion != d.ReleaseVersion {
		t.Errorf("installed from release %q, %v", c.ReleaseVersion, err)
	}
}

// If an edited file's configuration changes as well, the user decides.
func TestVirtualizationConflict(t *testing.T) {
	dir := warmDir(t)
	if _, err := stack(t, dir, deps(), true); err != nil {
		t.Fatal(err)
	}
	rewrite(t, dir, hyperConvergedFile, "LiveMigrateIfPossible", "None")
	write(t, filepath.Join(dir, "virtualization.yaml"), virtualizationHead+"hyperConverged: {defaultCPUModel: EPYC}\n")
	_, err := stack(t, dir, deps(), true)
	var conflict *asset.ConflictError
	if !errors.As(err, &conflict) || !slices.Equal(conflict.Files, []string{hyperConvergedFile}) ||
		!slices.Contains(conflict.Causes, "virtualization.yaml") {
		t.Fatalf("%v", err)
	}
	d := deps()
	d.Edited = asset.Overwrite
	if v, err := stack(t, dir, d, true); err != nil || setting(t, v, "defaultCPUModel") != "EPYC" {
		t.Errorf("%v", err)
	}
}

// What nobody could apply is refused before anything is written.
func TestVirtualizationWrong(t *testing.T) {
	for _, c := range []struct{ file, text, want string }{
		{"virtualization.yaml", virtualizationHead + "storage: {typ: lvm}\n", "virtualization.yaml:3:"},
		{"virtualization.yaml",
			virtualizationHead + "backup: {bucket: backups, region: eu-west-1, credentials: {file: none}}\n",
			"backup.credentials.file: Invalid value"},
		{"virtualization/60-networks/10-a.yaml", "", ""}, // no step: a warning
		{"virtualization/38-networks/10-a.yaml", "kind: ConfigMap\nmetadata: {name: a}\n",
			"virtualization/38-networks/10-a.yaml:1:"},
		{"virtualization/38-networks/10-a.yaml",
			"apiVersion: v1\nkind: Namespace\nmetadata: {name: kubevirt-hyperconverged}\n",
			"virtualization/38-networks/10-a.yaml"},
	} {
		dir := warmDir(t)
		write(t, filepath.Join(dir, c.file), c.text)
		_, err := stack(t, dir, deps(), true)
		if c.want == "" && err == nil {
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %q: %v", c.file, c.text, err)
		}
		if _, err := os.Stat(filepath.Join(dir, hyperConvergedFile)); err == nil {
			t.Errorf("%s %q: files were written", c.file, c.text)
		}
	}
}

// Logins are in the manifests, and not in the state.
func TestVirtualizationSecrets(t *testing.T) {
	const key = "Kennwort-0815-Eimer"
	dir := warmDir(t)
	d := deps()
	d.ReleaseVersion = "4.21.0-okd-scos.1"
	write(t, filepath.Join(dir, "login"), "[default]\naws_access_key_id = id\naws_secret_access_key = "+key+"\n")
	write(t, filepath.Join(dir, "virtualization.yaml"),
		virtualizationHead+"backup: {bucket: backups, region: eu-west-1, credentials: {file: login}}\n")
	for range 2 {
		v, err := stack(t, dir, d, true)
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, m := range v.Manifests {
			if m.Kind() == "Secret" {
				text, err := base64.StdEncoding.DecodeString(m.Object["data"].(map[string]any)["cloud"].(string))
				found = err == nil && strings.Contains(string(text), key)
			}
		}
		if !found {
			t.Error("no Secret has the key")
		}
		state, err := os.ReadFile(filepath.Join(dir, asset.StateName))
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{key, base64.StdEncoding.EncodeToString([]byte(key))} {
			if bytes.Contains(state, []byte(text)) {
				t.Error("the state has the key")
			}
		}
		for _, found := range inBase64.FindAll(state, -1) {
			raw, err := base64.StdEncoding.DecodeString(string(found))
			if err == nil && bytes.Contains(raw, []byte(key)) {
				t.Error("the state has the key, encoded")
			}
		}
	}
}
