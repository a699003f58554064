package images

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/okd-install/okd-install/pkg/lab/release/component"
	"github.com/okd-install/okd-install/pkg/lab/release/contract"
)

// searchPath is PATH in all images, Debian's for root.
const searchPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// base is the bottom of every image: what a program expects of any root.
func base() tree {
	t := tree{}
	for _, d := range []string{
		"/etc", "/proc", "/run", "/sys", "/dev", "/root", "/var/lib", "/var/run",
		"/usr/bin", "/usr/sbin", "/usr/lib", "/usr/lib64",
	} {
		t.dir(d)
	}
	for _, d := range []string{"bin", "sbin", "lib", "lib64"} {
		t["/"+d] = entry{mode: fs.ModeSymlink | 0o777, target: "usr/" + d}
	}
	for _, d := range []string{"/tmp", "/var/tmp"} {
		t[d] = entry{mode: fs.ModeDir | fs.ModeSticky | 0o777}
	}
	t.file("/etc/passwd", 0o644, []byte("root:x:0:0:root:/root:/sbin/nologin\n"+
		"nobody:x:65534:65534:nobody:/:/sbin/nologin\n"))
	t.file("/etc/group", 0o644, []byte("root:x:0:\nnogroup:x:65534:\n"))
	t.file("/etc/nsswitch.conf", 0o644, []byte("hosts: files dns\n"))
	return t
}

// files maps what components may link to the compiled files.
func (p Programs) files() map[component.Binary]string {
	return map[component.Binary]string{
		component.LabRelease: p.LabRelease, component.Hyperkube: p.Hyperkube,
		component.Etcd: p.Etcd, component.CoreDNS: p.CoreDNS, component.Pod: p.Pod,
		component.MultusCNI: p.MultusCNI, component.CNIPlugins: p.CNIPlugins,
	}
}

// place is where a program's file lies in images; links point there.
func place(b component.Binary) string { return "/usr/bin/" + string(b) }

// builder makes images from components.
type builder struct {
	programs Programs
	rootfs   root
	version  string
	// nodeImage is the layer with the OS; empty for none.
	nodeImage string
}

// layers are the component's layers, bottom first: the base, one per program,
// Debian files, and the component's own. All but the last are shared between
// images.
func (b builder) layers(c component.Component) ([]layer, error) {
	trees := []tree{base()}
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
		t, err := b.rootfs.closure(c.Packages)
		if err != nil {
			return nil, err
		}
		trees = append(trees, t)
	}
	own, err := ownTree(c)
	if err != nil {
		return nil, err
	}
	if len(own) > 0 {
		trees = append(trees, own)
	}
	var layers []layer
	if c.Tag == nodeTag && b.nodeImage != "" {
		l, err := fileLayer(b.nodeImage)
		if err != nil {
			return nil, err
		}
		layers = append(layers, l)
		trees = trees[1:] // it has a better base
	}
	for _, t := range trees {
		l, err := newLayer(t.write)
		if err != nil {
			return nil, err
		}
		layers = append(layers, l)
	}
	return layers, nil
}

// programTree is a program at a path, or a directory of programs.
func programTree(at, path string) (tree, error) {
	t := tree{}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		t.source(at, 0o755, path)
		return t, nil
	}
	entries, err := os.ReadDir(path)
	for _, e := range entries {
		t.source(filepath.Join(at, e.Name()), 0o755, filepath.Join(path, e.Name()))
	}
	return t, err
}

func ownTree(c component.Component) (tree, error) {
	t := tree{}
	for _, l := range c.Binaries {
		if l.Path == place(l.Binary) {
			continue
		}
		rel, err := filepath.Rel(filepath.Dir(clean(l.Path)), place(l.Binary))
		if err != nil {
			return nil, err
		}
		t.link(l.Path, rel)
	}
	for _, f := range c.Files {
		mode := f.Mode
		if mode == 0 {
			mode = 0o644
		}
		t.file(f.Path, mode, f.Data)
	}
	if err := t.fs("/manifests", c.Manifests); err != nil {
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
	env := append([]string{searchPath}, c.Env...)
	if slices.ContainsFunc(c.Binaries, func(l component.Link) bool { return l.Binary == component.LabRelease }) {
		env = append(env, contract.VersionVariable+"="+b.version)
	}
	return compose(layers, v1.Config{Entrypoint: entrypoint, Env: env, Labels: labels, WorkingDir: "/"})
}

func compose(layers []layer, config v1.Config) (v1.Image, error) {
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	img, err := mutate.ConfigFile(img, &v1.ConfigFile{
		Architecture: runtime.GOARCH,
		OS:           "linux",
		Created:      v1.Time{Time: epoch},
		Config:       config,
		RootFS:       v1.RootFS{Type: "layers"},
	})
	if err != nil {
		return nil, err
	}
	var add []mutate.Addendum
	for _, l := range layers {
		add = append(add, mutate.Addendum{Layer: l, MediaType: types.OCIUncompressedLayer,
			History: v1.History{Created: v1.Time{Time: epoch}, CreatedBy: "okd-lab"}})
	}
	return mutate.Append(img, add...)
}
