package images

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/okd-install/okd-install/pkg/lab/ociimage"
	"github.com/okd-install/okd-install/pkg/lab/release/component"
	"github.com/okd-install/okd-install/pkg/lab/release/contract"
)

// files maps what components may link to the compiled files.
func (p Programs) files() map[component.Binary]string {
	return map[component.Binary]string{
		component.LabRelease: p.LabRelease, component.Hyperkube: p.Hyperkube,
		component.Etcd: p.Etcd, component.CoreDNS: p.CoreDNS, component.Pod: p.Pod, component.OPM: p.OPM,
		component.MultusCNI: p.MultusCNI, component.CNIPlugins: p.CNIPlugins,
	}
}

// place is where a program's file lies in images; links point there.
func place(b component.Binary) string { return "/usr/bin/" + string(b) }

// builder makes images from components.
type builder struct {
	programs Programs
	rootfs   ociimage.Root
	version  string
	// nodeImage is the layer with the OS; empty for none.
	nodeImage string
}

// layers are the component's layers, bottom first: the base, one per program,
// Debian files, and the component's own. All but the last are shared between
// images.
func (b builder) layers(c component.Component) ([]v1.Layer, error) {
	trees := []ociimage.Tree{ociimage.Base()}
	var kinds []component.Binary
	for _, l := range c.Binaries {
		kinds = append(kinds, l.Binary)
	}
	slices.Sort(kinds)
	for _, k := range slices.Compact(kinds) {
		path, ok := b.programs.files()[k]
		if !ok {
			return nil, fmt.Errorf("unknown program %q", k)
		}
		t, err := programTree(place(k), path)
		if err != nil {
			return nil, fmt.Errorf("program %s: %w", k, err)
		}
		trees = append(trees, t)
	}
	if len(c.Packages) > 0 {
		t, err := b.rootfs.Closure(c.Packages)
		if err != nil {
			return nil, err
		}
		trees = append(trees, t)
	}
	own, err := ownTree(c)
	if err != nil {
		return nil, err
	}
	trees = append(trees, own)
	var layers []v1.Layer
	if c.Tag == nodeTag && b.nodeImage != "" {
		l, err := ociimage.FileLayer(b.nodeImage)
		if err != nil {
			return nil, err
		}
		layers = append(layers, l)
		trees = trees[1:] // it has a better base
	}
	rest, err := ociimage.Layers(trees...)
	return append(layers, rest...), err
}

// programTree is a program at a path, or a directory of programs.
func programTree(at, path string) (ociimage.Tree, error) {
	t := ociimage.Tree{}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		t.Source(at, 0o755, path)
		return t, nil
	}
	entries, err := os.ReadDir(path)
	for _, e := range entries {
		t.Source(filepath.Join(at, e.Name()), 0o755, filepath.Join(path, e.Name()))
	}
	return t, err
}

func ownTree(c component.Component) (ociimage.Tree, error) {
	t := ociimage.Tree{}
	for _, l := range c.Binaries {
		if l.Path == place(l.Binary) {
			continue
		}
		rel, err := filepath.Rel(filepath.Dir(ociimage.Clean(l.Path)), place(l.Binary))
		if err != nil {
			return nil, err
		}
		t.Link(l.Path, rel)
	}
	for _, f := range c.Files {
		mode := f.Mode
		if mode == 0 {
			mode = 0o644
		}
		t.File(f.Path, mode, f.Data)
	}
	if err := t.FS("/manifests", c.Manifests); err != nil {
		return nil, fmt.Errorf("read manifests: %w", err)
	}
	return t, nil
}

// image makes the component's image.
func (b builder) image(c component.Component) (v1.Image, error) {
	layers, err := b.layers(c)
	if err != nil {
		return nil, err
	}
	labels := map[string]string{"io.k8s.display-name": c.Tag, "vcs-url": "https://github.com/okd-install/okd-install"}
	if c.Operator {
		labels["io.openshift.release.operator"] = "true"
	}
	entrypoint := c.Entrypoint
	if len(entrypoint) == 0 && len(c.Binaries) > 0 {
		entrypoint = []string{c.Binaries[0].Path}
	}
	env := append([]string{ociimage.SearchPath}, c.Env...)
	if slices.ContainsFunc(c.Binaries, func(l component.Link) bool { return l.Binary == component.LabRelease }) {
		env = append(env, contract.VersionVariable+"="+b.version)
	}
	return ociimage.Compose(layers, v1.Config{Entrypoint: entrypoint, Env: env, Labels: labels, WorkingDir: "/"})
}
