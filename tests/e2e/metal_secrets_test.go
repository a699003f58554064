//go:build e2e

package e2e

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/tests/internal/leaks"
)

// bmcPasswords checks that the passwords of the BMCs are nowhere but in what the user wrote and in Secrets: neither
// plainly nor encoded, compressed or in an archive. The image and the Ignition config of the bootstrap have the
// Secrets.
func (a *agents) bmcPasswords(t *testing.T) {
	secrets := a.bmcSecrets(t)
	a.gathers(t)
	a.runs = append(a.runs, a.finish(t, time.Minute, 0, a.dir, "plan"), a.finish(t, time.Minute, 0, a.dir, "status"))
	texts := map[string]string{}
	for i, r := range a.runs {
		texts[fmt.Sprintf("the output of run %d, %s,", i+1, r)] = r.stdout.String() + r.stderr.String()
	}
	for _, line := range a.watch.lines() {
		texts[fmt.Sprintf("the command line %.60s…", line)] = line
	}
	environments := a.watch.environments()
	if len(environments) == 0 && *have == "" {
		t.Error("no environment of okd-install was recorded")
	}
	for _, env := range environments {
		texts["the environment of okd-install"] += env + "\n"
	}
	for _, h := range a.hosts {
		texts["the console of "+h.Name] = a.okdLab(t, "hosts", "console", h.Name)
	}
	for what, text := range texts {
		if name := secrets.Inside([]byte(text)); name != "" {
			t.Errorf("%s has the %s", what, name)
		}
	}
	a.filesWithout(t, a.dir, secrets, "install-config.yaml", "agent.x86_64.iso", "bootstrap.ign")
	a.manifestsWithout(t, secrets)
	a.clusterWithout(t, secrets)
}

// bmcSecrets are the passwords.
func (a *agents) bmcSecrets(t *testing.T) leaks.Secrets {
	t.Helper()
	secrets := leaks.Secrets{}
	for _, h := range a.inRack(t) {
		if h.BMC != nil {
			secrets["password of the BMC of "+h.Name] = h.BMC.Password
		}
	}
	if len(secrets) == 0 {
		t.Fatal("no host has a BMC")
	}
	return secrets
}

// gathers makes a log bundle, which stays in the directory.
func (a *agents) gathers(t *testing.T) {
	t.Helper()
	r := a.start(t, a.dir, nil, "gather", "bootstrap", "--skipAnalysis")
	a.runs = append(a.runs, r)
	code := r.end(t, 5*time.Minute)
	if bundles, err := filepath.Glob(filepath.Join(a.dir, "log-bundle-*.tar.gz")); err != nil || len(bundles) == 0 {
		t.Errorf("%s: exit code %d, no bundle: %v\n%s", r, code, err, last(r.stderr.String(), 20))
	}
}

// filesWithout checks all files below a directory but those of these names.
func (a *agents) filesWithout(t *testing.T, dir string, secrets leaks.Secrets, but ...string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || slices.Contains(but, d.Name()) {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		if name := secrets.Inside(data); name != "" {
			t.Errorf("%s has the %s", path, name)
		}
		return nil
	})
	if err != nil || files == 0 {
		t.Errorf("%d files below %s were read: %v", files, dir, err)
	}
}

// manifestsWithout checks that of the manifests only Secrets have passwords, and that these have them.
func (a *agents) manifestsWithout(t *testing.T, secrets leaks.Secrets) {
	t.Helper()
	dir := filepath.Join(a.work, "manifests")
	config, err := os.ReadFile(filepath.Join(a.dir, "install-config.yaml"))
	if err != nil {
		config = a.inputs // the installer has taken the file in
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "install-config.yaml"), config, 0o600); err != nil {
		t.Fatal(err)
	}
	a.runs = append(a.runs, a.finish(t, 2*time.Minute, 0, dir, "create", "manifests"))
	with := 0
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || d.Name() == "install-config.yaml" {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var object struct{ Kind string }
		name := secrets.Inside(data)
		switch {
		case name == "":
		case yaml.Unmarshal(data, &object) == nil && object.Kind == "Secret":
			with++
		default:
			t.Errorf("%s has the %s", path, name)
		}
		return nil
	})
	if err != nil || with < len(a.hosts) {
		t.Errorf("%d Secrets of %d hosts have the passwords: %v", with, len(a.hosts), err)
	}
}

// clusterWithout checks all objects of the cluster but Secrets.
func (a *agents) clusterWithout(t *testing.T, secrets leaks.Secrets) {
	t.Helper()
	read := map[string]bool{}
	for _, kind := range strings.Fields(a.kubectl(t, "api-resources", "--verbs=list", "-o", "name")) {
		if kind == "secrets" {
			continue
		}
		out, err := a.tryKubectl(t, "get", kind, "--all-namespaces", "-o", "json")
		if err != nil {
			t.Logf("%s: %v", kind, err)
			continue
		}
		read[kind] = true
		if name := secrets.Inside([]byte(out)); name != "" {
			t.Errorf("%s of the cluster have the %s", kind, name)
		}
	}
	for _, kind := range []string{"configmaps", "events", "baremetalhosts.metal3.io", "machines.machine.openshift.io"} {
		if !read[kind] {
			t.Errorf("%s could not be read", kind)
		}
	}
	if name := secrets.Inside([]byte(a.kubectl(t, "get", "secrets", "--all-namespaces", "-o", "json"))); name == "" {
		t.Error("no Secret has a password; the search finds nothing at all")
	}
}
