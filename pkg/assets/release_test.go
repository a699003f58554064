package assets_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/platforms"
	"github.com/okd-install/okd-install/pkg/report"
)

// Every place with the pull secret has the same one, in a form that every program on a
// host can read.
func TestUnreadableLoginIsNowhere(t *testing.T) {
	const original = `{"auths":{"registry.lab.okd.test:5000":{"auth":"bGFiOnNlY3JldC1vZi10aGUtbGFi"}}}`
	const fake = `{"auths":{"fake":{"auth":"bar"}}}`
	for change, want := range map[string]string{
		fake: `{"auths":{"fake":{"auth":"aWQ6cGFzcwo="}}}`,
		strings.TrimSuffix(fake, "}}") + "," + strings.TrimPrefix(original, `{"auths":{`): original,
	} {
		dir := warmDir(t)
		text := strings.Replace(string(tree(t, dir)[configFile]), original, change, 1)
		put(t, dir, configFile, []byte(text))
		i := open(t, dir, deps())
		if err := errors.Join(i.Manifests(context.Background()), i.IgnitionConfigs(context.Background())); err != nil {
			t.Fatal(err)
		}
		files := tree(t, dir)
		var secret struct {
			Data map[string][]byte
		}
		if err := yaml.Unmarshal(files["manifests/openshift-config-secret-pull-secret.yaml"], &secret); err != nil {
			t.Fatal(err)
		}
		if got := string(secret.Data[".dockerconfigjson"]); got != want {
			t.Errorf("the cluster has %s, want %s", got, want)
		}
		onHost := ignitionFiles(t, files["bootstrap.ign"])
		for _, path := range []string{"/root/.docker/config.json", "/var/lib/kubelet/config.json"} {
			if got := string(onHost[path]); got != want {
				t.Errorf("the bootstrap host has in %s %q, want %s", path, got, want)
			}
		}
	}
}

// A field that the release would ignore is refused with its place, if the version of the
// release is known.
func TestFieldThatTheReleaseLacks(t *testing.T) {
	for version, refused := range map[string]bool{"4.20.0-okd-scos.17": true, "4.22.0-okd-scos.10": false, "": false} {
		dir := warmDir(t)
		put(t, dir, configFile, append(tree(t, dir)[configFile], "osImageStream: centos-10\n"...))
		d := deps()
		d.ReleaseVersion = version
		err := open(t, dir, d).Manifests(context.Background())
		var findings *report.Error
		if errors.As(err, &findings) != refused || err != nil && !refused {
			t.Errorf("%q: %v", version, err)
		}
		const want = "install-config.yaml:30:16: osImageStream: Forbidden: release 4.20.0-okd-scos.17 does not know it"
		if refused && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", version, err)
		}
	}
}

// The version belongs to the image: it stays while the image does, and is
// unknown when another one is named without it.
func TestVersionGoesWithTheImage(t *testing.T) {
	dir := warmDir(t)
	channel := func(d assets.Deps) string {
		i := open(t, dir, d)
		if err := i.Manifests(context.Background()); err != nil {
			t.Fatal(err)
		}
		if err := i.Close(); err != nil {
			t.Fatal(err)
		}
		text := string(tree(t, dir)["manifests/cvo-overrides.yaml"])
		_, after, _ := strings.Cut(text, "channel: ")
		line, _, _ := strings.Cut(after, "\n")
		return line
	}
	d := deps()
	d.ReleaseVersion = "4.20.0-okd-scos.17"
	if got := channel(d); got != "stable-scos-4" {
		t.Errorf("of a release of 4.20: %s", got)
	}
	unnamed := assets.Deps{Platforms: platforms.All().Assets(), Clock: d.Clock, Version: d.Version}
	if got := channel(unnamed); got != "stable-scos-4" {
		t.Errorf("when nothing is named: %s", got)
	}
	if got := channel(deps()); got != "stable-5.0" {
		t.Errorf("when only an image is named: %s", got)
	}
}
