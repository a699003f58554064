package images

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	imagev1 "github.com/openshift/api/image/v1"

	"archive/tar"

	"github.com/okd-install/okd-install/pkg/lab/release/component"
)

// fakePrograms are small files in the place of compiled programs.
func fakePrograms(t *testing.T) Programs {
	dir := t.TempDir()
	file := func(name string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("program "+name), 0o755); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return Programs{Hyperkube: file("hyperkube"), Etcd: file("etcd"), CoreDNS: file("coredns"), Pod: file("pod"),
		LabRelease: file("okd-lab-release")}
}

func testComponents() []component.Component {
	return []component.Component{
		{Tag: "cluster-version-operator", Binaries: []component.Link{{Path: "/usr/bin/cluster-version-operator",
			Binary: component.LabRelease}},
			Manifests: component.Map(map[string][]byte{"0000_00_cvo.yaml": []byte("kind: A\n")}),
			Files:     []component.File{{Path: "/bootstrap/bootstrap-pod.yaml", Data: []byte("kind: Pod\n")}}},
		{Tag: "etcd", Binaries: []component.Link{{Path: "/usr/bin/etcd", Binary: component.Etcd},
			{Path: "/bin/etcdctl", Binary: component.Etcd}}},
		{Tag: "hyperkube", Versions: "kubernetes=1.34.3", Binaries: []component.Link{{Path: "/usr/bin/kube-apiserver",
			Binary: component.Hyperkube}}},
		{Tag: "an-operator", Operator: true, Binaries: []component.Link{{Path: "/usr/bin/an-operator",
			Binary: component.LabRelease}},
			Manifests: component.Map(map[string][]byte{
				"0000_30_an-operator_deployment.yaml": []byte("image: image.release.test/etcd:payload\n" +
					"version: 0.0.1-snapshot\nkubernetes: 0.0.1-snapshot-kubernetes\n"),
				"extra.yaml": []byte("kind: B\n"),
				"notes.txt":  []byte("not for the payload"),
			})},
	}
}

func testInputs(t *testing.T) Inputs {
	return Inputs{Rootfs: "/", Stream: []byte("{}\n"), Registry: "registry.lab.okd.test:5000",
		Version: "4.20.0-okd-lab.1"}
}

func build(t *testing.T, in Inputs, p Programs, c []component.Component) Release {
	t.Helper()
	r, err := assemble(context.Background(), in, p, []edition{{in.Version, c}}, filepath.Join(t.TempDir(), "layout"))
	if err != nil {
		t.Fatal(err)
	}
	return r[0]
}

// open reads the release's image of a pull spec back from the layout.
func open(t *testing.T, r Release, spec string) v1.Image {
	t.Helper()
	_, digest, _ := strings.Cut(spec, "@")
	hash, err := v1.NewHash(digest)
	if err != nil {
		t.Fatal(err)
	}
	path, err := layout.FromPath(r.Layout)
	if err != nil {
		t.Fatal(err)
	}
	img, err := path.Image(hash)
	if err != nil {
		t.Fatal(err)
	}
	// Fast: the full check takes every layer for a compressed one.
	if err := validate.Image(img, validate.Fast); err != nil {
		t.Fatalf("image %s: %v", spec, err)
	}
	return img
}

// contents lists a layer: text of files, "-> target" of links.
func contents(t *testing.T, l v1.Layer) map[string]string {
	t.Helper()
	rc, err := l.Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer rc.Close()
	out := map[string]string{}
	for tr := tar.NewReader(rc); ; {
		h, err := tr.Next()
		if err == io.EOF {
			return out
		} else if err != nil {
			t.Fatal(err)
		}
		switch h.Typeflag {
		case tar.TypeReg:
			data, err := io.ReadAll(tr)
			if err != nil {
				t.Fatal(err)
			}
			out["/"+h.Name] = string(data)
		case tar.TypeSymlink:
			out["/"+h.Name] = "-> " + h.Linkname
		}
	}
}

func TestReleaseImage(t *testing.T) {
	r := build(t, testInputs(t), fakePrograms(t), testComponents())
	if !regexp.MustCompile(`^registry\.lab\.okd\.test:5000/okd/release@sha256:[0-9a-f]{64}$`).MatchString(r.PullSpec) {
		t.Errorf("pull spec %q", r.PullSpec)
	}
	img := open(t, r, r.PullSpec)
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if got := config.Config.Labels["io.openshift.release"]; got != "4.20.0-okd-lab.1" {
		t.Errorf("label io.openshift.release is %q", got)
	}
	if want := []string{"/usr/bin/cluster-version-operator"}; !slices.Equal(config.Config.Entrypoint, want) {
		t.Errorf("entrypoint %q", config.Config.Entrypoint)
	}
	layers, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	base := contents(t, layers[len(layers)-2])
	for _, f := range []string{"/manifests/0000_00_cvo.yaml", "/bootstrap/bootstrap-pod.yaml"} {
		if base[f] == "" {
			t.Errorf("no %s below the payload", f)
		}
	}
	top := contents(t, layers[len(layers)-1])
	var names []string
	for n := range top {
		names = append(names, strings.TrimPrefix(n, "/release-manifests/"))
	}
	slices.Sort(names)
	if want := []string{"0000_30_an-operator_deployment.yaml", "0000_50_an-operator_extra.yaml", "image-references",
		"release-metadata"}; !slices.Equal(names, want) {
		t.Errorf("payload has %q, want %q", names, want)
	}
	want := "image: " + r.Images["etcd"] + "\nversion: 4.20.0-okd-lab.1\nkubernetes: 1.34.3\n"
	if got := top["/release-manifests/0000_30_an-operator_deployment.yaml"]; got != want {
		t.Errorf("manifest is\n%s\nwant\n%s", got, want)
	}
	var refs imagev1.ImageStream
	if err := json.Unmarshal([]byte(top["/release-manifests/image-references"]), &refs); err != nil {
		t.Fatal(err)
	}
	if refs.Kind != "ImageStream" || refs.Name != "4.20.0-okd-lab.1" || len(refs.Spec.Tags) != 4 {
		t.Errorf("image references %+v", refs)
	}
	for _, tag := range refs.Spec.Tags {
		if tag.From.Name != r.Images[tag.Name] {
			t.Errorf("tag %s is %s, image %s", tag.Name, tag.From.Name, r.Images[tag.Name])
		}
		if tag.Name == "hyperkube" && tag.Annotations["io.openshift.build.versions"] != "kubernetes=1.34.3" {
			t.Errorf("hyperkube's versions: %v", tag.Annotations)
		}
	}
	var meta struct{ Kind, Version string }
	if err := json.Unmarshal([]byte(top["/release-manifests/release-metadata"]), &meta); err != nil ||
		meta.Version != refs.Name || meta.Kind != "cincinnati-metadata-v0" {
		t.Errorf("metadata %+v: %v", meta, err)
	}
}

func TestComponentImage(t *testing.T) {
	r := build(t, testInputs(t), fakePrograms(t), testComponents())
	img := open(t, r, r.Images["etcd"])
	layers, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, l := range layers {
		for k, v := range contents(t, l) {
			all[k] = v
		}
	}
	for path, want := range map[string]string{
		"/usr/bin/etcd":    "program etcd",
		"/usr/bin/etcdctl": "-> etcd", // asked for below /bin, which is a link
		"/bin":             "-> usr/bin",
	} {
		if all[path] != want {
			t.Errorf("%s is %q, want %q", path, all[path], want)
		}
	}
	config, err := open(t, r, r.Images["an-operator"]).ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if config.Config.Labels["io.openshift.release.operator"] != "true" {
		t.Errorf("labels of an operator: %v", config.Config.Labels)
	}
}

func TestBuildIsReproducible(t *testing.T) {
	p := fakePrograms(t)
	first := build(t, testInputs(t), p, testComponents())
	second := build(t, testInputs(t), p, testComponents())
	if first.PullSpec != second.PullSpec {
		t.Errorf("equal inputs gave %s and %s", first.PullSpec, second.PullSpec)
	}
	if err := os.WriteFile(p.Etcd, []byte("another etcd"), 0o755); err != nil {
		t.Fatal(err)
	}
	third := build(t, testInputs(t), p, testComponents())
	if third.PullSpec == first.PullSpec || third.Images["etcd"] == first.Images["etcd"] {
		t.Error("another program gave the same digests")
	}
	if third.Images["hyperkube"] != first.Images["hyperkube"] {
		t.Error("etcd's program is part of hyperkube's image")
	}
}

// TestBuildReleases builds two releases side by side: they say which they are,
// and share every layer that holds a program.
func TestBuildReleases(t *testing.T) {
	in, p, dir := testInputs(t), fakePrograms(t), filepath.Join(t.TempDir(), "layout")
	editions := []edition{{"5.0.0-okd-lab.1", testComponents()}, {"4.20.0-okd-lab.1", testComponents()}}
	releases, err := assemble(context.Background(), in, p, editions, dir)
	if err != nil {
		t.Fatal(err)
	}
	layers := map[string]int{}
	for i, r := range releases {
		if r.Version != editions[i].version {
			t.Errorf("release %d is %s, want %s", i, r.Version, editions[i].version)
		}
		for _, spec := range []string{r.PullSpec, r.Images["an-operator"]} {
			img := open(t, r, spec)
			config, err := img.ConfigFile()
			if err != nil {
				t.Fatal(err)
			}
			if want := "RELEASE_VERSION=" + r.Version; !slices.Contains(config.Config.Env, want) {
				t.Errorf("%s of %s has the environment %v, want %s in it", spec, r.Version, config.Config.Env, want)
			}
			for _, d := range config.RootFS.DiffIDs[:2] { // base and program
				layers[d.Hex]++
			}
		}
		if config, err := open(t, r, r.Images["etcd"]).ConfigFile(); err != nil ||
			strings.Contains(strings.Join(config.Config.Env, " "), "RELEASE_VERSION") {
			t.Errorf("an image of upstream programs alone differs by release: %v", err)
		}
	}
	if releases[0].PullSpec == releases[1].PullSpec || len(layers) != 2 {
		t.Errorf("the releases have %d layers for the base and their program, want 2", len(layers))
	}
	tags := map[string]bool{}
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range manifest.Manifests {
		tags[m.Annotations["org.opencontainers.image.ref.name"]] = true
	}
	for _, want := range []string{"okd/release:5.0.0-okd-lab.1", "okd/release:4.20.0-okd-lab.1",
		"okd/content:4.20.0-okd-lab.1-etcd"} {
		if !tags[want] {
			t.Errorf("the layout has no %s: %v", want, tags)
		}
	}
}

func TestChannels(t *testing.T) {
	for version, want := range map[string]string{
		"5.0.0-okd-lab.1": "candidate-5.0,stable-5.0", "4.20.0-okd-lab.1": "stable-scos-4",
	} {
		if got := channels(version); got != want {
			t.Errorf("channels of %s are %s, want %s", version, got, want)
		}
	}
}

func TestBuildTwiceDoesNothing(t *testing.T) {
	in, p, dir := testInputs(t), fakePrograms(t), filepath.Join(t.TempDir(), "layout")
	var log strings.Builder
	in.Out = &log
	for range 2 {
		if _, err := assemble(context.Background(), in, p, []edition{{in.Version, testComponents()}}, dir); err != nil {
			t.Fatal(err)
		}
	}
	if n := strings.Count(log.String(), "built release"); n != 1 {
		t.Errorf("built %d times:\n%s", n, log.String())
	}
}

func TestBuildRefuses(t *testing.T) {
	twice := append(testComponents(), component.Component{Tag: "etcd"})
	unknown := append(testComponents(), component.Component{Tag: "x", Operator: true,
		Manifests: component.Map(map[string][]byte{"a.yaml": []byte("image: image.release.test/absent:payload")})})
	clash := append(testComponents(), component.Component{Tag: "y", Operator: true,
		Manifests: component.Map(map[string][]byte{"0000_30_an-operator_deployment.yaml": []byte("kind: C")})})
	for _, c := range []struct {
		name, problem string
		components    []component.Component
	}{
		{"two components of one tag", "two components have the tag etcd", twice},
		{"a manifest with an image that is not there", "no image with tag absent", unknown},
		{"two manifests of one name", "two components have a manifest", clash},
		{"no version operator", "no component cluster-version-operator", []component.Component{{Tag: "etcd"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := testInputs(t)
			_, err := assemble(context.Background(), in, fakePrograms(t), []edition{{in.Version, c.components}},
				filepath.Join(t.TempDir(), "l"))
			if err == nil || !strings.Contains(err.Error(), c.problem) {
				t.Errorf("got %v, want %q", err, c.problem)
			}
		})
	}
}
