//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// badInput tries common mistakes. Each ends the run within seconds, is named with its
// place and the next step, and creates nothing.
func badInput(t *testing.T, l *lab) {
	facts := l.facts(t)
	repository, _, _ := strings.Cut(l.release(t).PullSpec, "@")
	newest := l.newestByVersion(t)
	absent := repository + "@sha256:" + strings.Repeat("0", 64)
	for _, x := range []struct {
		name string
		// edit changes a line of install-config.yaml, or of the engine's login.
		edit func(config, login string) (string, string)
		env  []string
		args []string
		// lab makes a service of the lab fail, and undo repairs it.
		lab, undo []string
		empty     bool // no install-config at all
		code      int
		says      []string
	}{
		{name: "no install-config and no terminal", empty: true, code: 1,
			says: []string{`install-config\.yaml: no such file`, `Next: .*install-config\.example\.yaml`}},
		{name: "misspelt key", code: 3,
			edit: func(c, e string) (string, string) {
				return strings.Replace(c, "ovirt_network_name:", "ovirt_netwrok_name:", 1), e
			},
			says: []string{`platform\.ovirt\.ovirt_netwrok_name: .*did you mean "ovirt_network_name"`}},
		{name: "missing VIP", code: 3,
			edit: func(c, e string) (string, string) {
				return regexp.MustCompile(`(?m)^ +api_vips:.*\n`).ReplaceAllString(c, ""), e
			},
			says: []string{`platform\.ovirt\.api_vips: Required value`}},
		{name: "unknown storage domain", code: 1,
			edit: func(c, e string) (string, string) {
				return regexp.MustCompile(`ovirt_storage_domain_id: .*`).
					ReplaceAllString(c, "ovirt_storage_domain_id: 00000000-0000-4000-8000-000000000000"), e
			},
			says: []string{`platform\.ovirt\.ovirt_storage_domain_id: Not found: "00000000-`}},
		{name: "wrong engine password", code: 1,
			edit: func(c, e string) (string, string) { return c, strings.Replace(e, facts.Engine.Password, "wrong", 1) },
			says: []string{`engine https://.*login refused`, `Next: .*ovirt_password`}},
		{name: "untrusted engine CA", code: 1,
			edit: func(c, e string) (string, string) {
				e = regexp.MustCompile(`(?m)^ovirt_cafile:.*\n`).ReplaceAllString(e, "")
				return c, regexp.MustCompile(`(?m)^ovirt_ca_bundle:(.*\n)((?: +.*\n)*)`).ReplaceAllString(e, "")
			},
			says: []string{`certificate not trusted`, `Next: .*ovirt_ca_bundle`}},
		{name: "release image that cannot be pulled", code: 1,
			env:  []string{"OPENSHIFT_INSTALL_RELEASE_IMAGE_OVERRIDE=" + absent},
			says: []string{`read release image .*@sha256:0000.*the registry does not have it`}},
		{name: "release that does not exist", code: 1, args: []string{"--release", "4.20.99"},
			says: []string{`there is no release 4\.20\.99: neither the update service https://updates\.lab\.okd\.test/`,
				`Next: choose an existing release`}},
		{name: "no update service, no repository", code: 1, args: []string{"--release", "5.0"},
			env: []string{"OKD_INSTALL_UPDATE_SERVICE=https://198.18.0.3:1/graph",
				"OKD_INSTALL_RELEASE_REPOSITORY=198.18.0.3:1/okd/release"},
			says: []string{`release 5\.0 could not be looked up: .*connection refused`, `Next: name the release by digest`}},
		{name: "release with a bad signature", code: 1, args: newest,
			lab: []string{"fault", "service", "signatures", "forged"}, undo: []string{"fault", "service", "signatures", "good"},
			says: []string{`no good signature in https://updates\.lab\.okd\.test/signatures`,
				`Next: do not install this image`}},
		{name: "registry with an unknown CA", code: 1,
			edit: func(c, e string) (string, string) {
				return regexp.MustCompile(`(?s)additionalTrustBundlePolicy.*`).ReplaceAllString(c, ""), e
			},
			says: []string{`certificate`, `additionalTrustBundle`}},
	} {
		t.Run(x.name, func(t *testing.T) {
			before := l.inventory(t)
			dir := filepath.Join(l.work, "bad-"+strings.ReplaceAll(x.name, " ", "-"))
			l.config(t, dir)
			env := x.env
			if x.edit != nil {
				env = append(env, l.edit(t, dir, x.edit))
			}
			if x.empty {
				if err := os.Remove(filepath.Join(dir, "install-config.yaml")); err != nil {
					t.Fatal(err)
				}
			}
			if x.lab != nil {
				l.okdLab(t, x.lab...)
				defer l.okdLab(t, x.undo...)
			}
			r := l.start(t, dir, env, append([]string{"create", "cluster"}, x.args...)...)
			// Seconds; more on a busy machine.
			if code := r.end(t, 20*time.Second); code != x.code {
				t.Errorf("exit code %d, want %d", code, x.code)
			}
			said := r.stderr.String()
			for _, want := range append(x.says, `Next: `) {
				if !regexp.MustCompile(want).MatchString(said) {
					t.Errorf("standard error has no %q", want)
				}
			}
			if name := l.secrets(t, dir).In(said); name != "" {
				t.Errorf("standard error shows %s", name)
			}
			if t.Failed() {
				t.Logf("standard error:\n%s", said)
			}
			l.sameAs(t, before)
		})
	}
}

// edit changes the input and returns the setting that names the changed login.
func (l *lab) edit(t *testing.T, dir string, change func(config, login string) (string, string)) string {
	t.Helper()
	file := filepath.Join(dir, "install-config.yaml")
	config, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	login, err := os.ReadFile(l.facts(t).Engine.OvirtConfig)
	if err != nil {
		t.Fatal(err)
	}
	newConfig, newLogin := change(string(config), string(login))
	if newConfig == string(config) && newLogin == string(login) {
		t.Fatal("the edit changed nothing: the files no longer have the text that it replaces")
	}
	changed := filepath.Join(l.work, "ovirt-config-"+filepath.Base(dir)+".yaml")
	for name, text := range map[string]string{file: newConfig, changed: newLogin} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return "OVIRT_CONFIG=" + changed
}

// ignitionValidates runs ignition-validate on the rendered configs.
func ignitionValidates(t *testing.T, l *lab) {
	dir := filepath.Join(l.work, "ignition")
	l.config(t, dir)
	l.finish(t, time.Minute, 0, dir, "create", "ignition-configs")
	for _, name := range []string{"bootstrap.ign", "master.ign", "worker.ign"} {
		if out, err := l.inside(t, "ignition-validate", filepath.Join(dir, name)); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
	if n, err := l.secrets(t, dir).Private(dir); err != nil || n < 4 {
		t.Errorf("%d files with secrets, readable by their owner only: %v", n, err)
	}
}
