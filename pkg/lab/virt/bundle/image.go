package bundle

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/okd-install/okd-install/pkg/lab/virt/cdi"
	"github.com/okd-install/okd-install/pkg/lab/virt/cnao"
	"github.com/okd-install/okd-install/pkg/lab/virt/hco"
	"github.com/okd-install/okd-install/pkg/lab/virt/hpp"
	"github.com/okd-install/okd-install/pkg/lab/virt/ssp"
)

// user runs all programs that do not need more; pods refuse to start as root.
const user = "1001"

// entry is a file of a layer, a link if it has a target, a directory if it has neither.
type entry struct {
	path, target string
	data         []byte
	mode         int64
}

// Operators is the image of all operators, given the compiled cmd/okd-lab-virt: the program under the name of each.
func Operators(program string) (v1.Image, error) {
	data, err := os.ReadFile(program)
	if err != nil {
		return nil, fmt.Errorf("read program: %w", err)
	}
	files := []entry{
		{path: "tmp", mode: 0o1777}, {path: "data", mode: 0o755}, {path: "scratch", mode: 0o755},
		{path: "etc/passwd", mode: 0o644, data: []byte("root:x:0:0:root:/root:/sbin/nologin\nvirt:x:1001:0::/:/sbin/nologin\n")},
		{path: "usr/bin/okd-lab-virt", mode: 0o755, data: data},
	}
	for _, c := range slices.Concat(hco.Commands(), cdi.Commands(), hpp.Commands(), ssp.Commands(), cnao.Commands()) {
		files = append(files, entry{path: "usr/bin/" + c.Name, target: "okd-lab-virt"})
	}
	return image(files, v1.Config{User: user, Entrypoint: []string{"/usr/bin/okd-lab-virt"}, WorkingDir: "/",
		Env: []string{"PATH=/usr/bin:/bin"}})
}

// Image is the image of a bundle, which nothing runs: the lifecycle manager reads its files and labels.
func Image(files fs.FS) (v1.Image, error) {
	var all []entry
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(files, name)
		all = append(all, entry{path: name, data: data, mode: 0o644})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read bundle: %w", err)
	}
	return image(all, v1.Config{Labels: Annotations()})
}

// image makes an image with one layer; equal files give equal digests.
func image(files []entry, config v1.Config) (v1.Image, error) {
	slices.SortFunc(files, func(a, b entry) int { return bytes.Compare([]byte(a.path), []byte(b.path)) })
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	dirs := map[string]bool{}
	for _, f := range files {
		if err := f.write(w, dirs); err != nil {
			return nil, fmt.Errorf("write %s to layer: %w", f.path, err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(out.Bytes())), nil
	})
	if err != nil {
		return nil, fmt.Errorf("make layer: %w", err)
	}
	base, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{
		Architecture: "amd64", OS: "linux", Created: v1.Time{Time: time.Unix(0, 0).UTC()}, Config: config,
		RootFS: v1.RootFS{Type: "layers"},
	})
	if err != nil {
		return nil, err
	}
	return mutate.AppendLayers(base, layer)
}

func (e entry) write(w *tar.Writer, dirs map[string]bool) error {
	epoch := time.Unix(0, 0).UTC()
	dir := func(name string, mode int64) error {
		if name == "." || dirs[name] {
			return nil
		}
		dirs[name] = true
		return w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: mode, ModTime: epoch})
	}
	var parents []string
	for p := path.Dir(e.path); p != "."; p = path.Dir(p) {
		parents = append([]string{p}, parents...)
	}
	for _, p := range parents {
		if err := dir(p, 0o755); err != nil {
			return err
		}
	}
	switch {
	case e.target != "":
		return w.WriteHeader(&tar.Header{Typeflag: tar.TypeSymlink, Name: e.path, Linkname: e.target, Mode: 0o777, ModTime: epoch})
	case e.data == nil:
		return dir(e.path, e.mode)
	}
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: e.path, Size: int64(len(e.data)), Mode: e.mode, ModTime: epoch}); err != nil {
		return err
	}
	_, err := w.Write(e.data)
	return err
}
