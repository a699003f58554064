// Package ociimage makes container images from trees of files, without a
// container engine and with reproducible digests.
package ociimage

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// SearchPath is PATH in all images, Debian's for root.
const SearchPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Base is the bottom of an image: what a program expects of any root.
func Base() Tree {
	t := Tree{}
	for _, d := range []string{
		"/etc", "/proc", "/run", "/sys", "/dev", "/root", "/var/lib", "/var/run",
		"/usr/bin", "/usr/sbin", "/usr/lib", "/usr/lib64",
	} {
		t.Dir(d)
	}
	for _, d := range []string{"bin", "sbin", "lib", "lib64"} {
		t.Link("/"+d, "usr/"+d)
	}
	t.Sticky("/tmp")
	t.Sticky("/var/tmp")
	t.File("/etc/passwd", 0o644, []byte("root:x:0:0:root:/root:/sbin/nologin\n"+
		"nobody:x:65534:65534:nobody:/:/sbin/nologin\n"))
	t.File("/etc/group", 0o644, []byte("root:x:0:\nnogroup:x:65534:\n"))
	t.File("/etc/nsswitch.conf", 0o644, []byte("hosts: files dns\n"))
	return t
}

// Layers makes layers of trees, bottom first; empty ones are left out.
func Layers(trees ...Tree) ([]v1.Layer, error) {
	var layers []v1.Layer
	for _, t := range trees {
		if len(t) == 0 {
			continue
		}
		l, err := NewLayer(t.Write)
		if err != nil {
			return nil, err
		}
		layers = append(layers, l)
	}
	return layers, nil
}

// Compose makes an image of layers, bottom first.
func Compose(layers []v1.Layer, config v1.Config) (v1.Image, error) {
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	img, err := mutate.ConfigFile(img, &v1.ConfigFile{
		Architecture: runtime.GOARCH,
		OS:           "linux",
		Created:      v1.Time{Time: Epoch},
		Config:       config,
		RootFS:       v1.RootFS{Type: "layers"},
	})
	if err != nil {
		return nil, err
	}
	var add []mutate.Addendum
	for _, l := range layers {
		add = append(add, mutate.Addendum{Layer: l, MediaType: types.OCIUncompressedLayer,
			History: v1.History{Created: v1.Time{Time: Epoch}, CreatedBy: "okd-lab"}})
	}
	return mutate.Append(img, add...)
}

// Named is an image with its repository and tag.
type Named struct {
	Name  string
	Image v1.Image
}

// WriteLayout replaces dir by an OCI layout of the images. Layers that dir has are
// not made again but linked.
func WriteLayout(dir string, images []Named) error {
	next := dir + ".new"
	if err := os.RemoveAll(next); err != nil {
		return err
	}
	path, err := layout.Write(next, empty.Index)
	if err != nil {
		return err
	}
	const blobs = "blobs/sha256"
	if err := os.MkdirAll(filepath.Join(next, blobs), 0o755); err != nil {
		return err
	}
	for _, i := range images {
		layers, err := i.Image.Layers()
		if err != nil {
			return err
		}
		for _, l := range layers {
			digest, err := l.Digest()
			if err != nil {
				return err
			}
			// AppendImage makes those that there are none of.
			_ = os.Link(filepath.Join(dir, blobs, digest.Hex), filepath.Join(next, blobs, digest.Hex))
		}
		name := layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": i.Name})
		if err := path.AppendImage(i.Image, name); err != nil {
			return fmt.Errorf("image %s: %w", i.Name, err)
		}
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	return os.Rename(next, dir)
}
