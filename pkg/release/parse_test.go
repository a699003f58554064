package release

import (
	"archive/tar"
	"bytes"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/okd-install/okd-install/pkg/secret"
)

func TestLoginWithTheLongestPathWins(t *testing.T) {
	l, err := parsePullSecret(secret.New(`{"auths":{
		"registry.test":{"auth":"YTpob3N0"},
		"https://registry.test/okd/":{"auth":"YTpwYXRo"},
		"docker.io":{"username":"b","password":"hub"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	for repo, want := range map[string]string{
		"registry.test/okd/release": "path", "registry.test/other": "host",
		"library/busybox": "hub", "elsewhere.test/other": "",
	} {
		r, err := name.NewRepository(repo)
		if err != nil {
			t.Fatal(err)
		}
		a, err := l.Resolve(r)
		if err != nil {
			t.Fatal(err)
		}
		config, err := a.Authorization()
		if err != nil {
			t.Fatal(err)
		}
		if config.Password != want {
			t.Errorf("%s: password %q, want %q", repo, config.Password, want)
		}
	}
}

// A login that cannot be decoded is ignored, as on the hosts.
func TestLoginThatCannotBeRead(t *testing.T) {
	l, err := parsePullSecret(secret.New(`{"auths":{"fake":{"auth":"bar"},"registry.test":{"auth":"YTpob3N0"}}}`))
	if err != nil || len(l) != 1 || l["registry.test"].Password != "host" {
		t.Errorf("%d logins, %v", len(l), err)
	}
}

func FuzzParseReferences(f *testing.F) {
	f.Add([]byte(`{"kind":"ImageStream","metadata":{"name":"4.20.0"},` +
		`"spec":{"tags":[{"name":"etcd","from":{"kind":"DockerImage","name":"r/e@sha256:1"}}]}}`))
	f.Add([]byte(`{"kind":"ImageStream","metadata":{"name":"x"},"spec":{"tags":[{"name":"a"}]}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		refs, err := parseReferences(raw)
		if err == nil && (refs.version == "" || len(refs.images) == 0) {
			t.Errorf("accepted %q as %+v", raw, refs)
		}
	})
}

func FuzzParseBootImages(f *testing.F) {
	f.Add([]byte("kind: ConfigMap\nmetadata: {name: coreos-bootimages, namespace: openshift-machine-config-operator}\n" +
		"data: {stream: '{}'}\n"))
	f.Add([]byte("---\n---\nkind: List\n"))
	f.Fuzz(func(_ *testing.T, raw []byte) { _, _ = parseBootImages(raw) })
}

func FuzzParsePullSecret(f *testing.F) {
	f.Add(`{"auths":{"registry.test":{"auth":"YTpi"}}}`)
	f.Add(`{"auths":{"":{"auth":"%%"}}}`)
	f.Fuzz(func(t *testing.T, raw string) {
		l, err := parsePullSecret(secret.New(raw))
		if (l == nil) == (err == nil) {
			t.Errorf("logins %v, error %v", l, err)
		}
	})
}

func FuzzReadPayload(f *testing.F) {
	var good bytes.Buffer
	w := tar.NewWriter(&good)
	for _, file := range []string{"release-manifests/image-references", "./release-manifests/release-metadata"} {
		if err := w.WriteHeader(&tar.Header{Name: file, Size: 2, Mode: 0o644}); err != nil {
			f.Fatal(err)
		}
		if _, err := w.Write([]byte("{}")); err != nil {
			f.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		f.Fatal(err)
	}
	f.Add(good.Bytes())
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, err := readPayload(bytes.NewReader(raw))
		if err == nil && (p.references == nil || p.metadata == nil) {
			t.Error("accepted a layer without payload")
		}
	})
}
