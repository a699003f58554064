package images

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/okd-install/okd-install/pkg/atomicfile"
	"github.com/okd-install/okd-install/pkg/lab/ociimage"
	"github.com/okd-install/okd-install/pkg/lab/release/component"
)

// Content is an image that is no part of the release.
type Content struct {
	// Scratch leaves out the base that all images of the release have.
	Scratch bool
	// Programs are host files by path in the image, each in a layer of its own.
	Programs map[string]string
	Files    []component.File
	Config   v1.Config
}

// Image makes the image.
func (c Content) Image() (v1.Image, error) {
	var trees []ociimage.Tree
	if !c.Scratch {
		trees = append(trees, ociimage.Base())
		if !slices.ContainsFunc(c.Config.Env, func(e string) bool { return strings.HasPrefix(e, "PATH=") }) {
			c.Config.Env = append(slices.Clone(c.Config.Env), ociimage.SearchPath)
		}
	}
	for _, path := range slices.Sorted(maps.Keys(c.Programs)) {
		t := ociimage.Tree{}
		t.Source(path, 0o755, c.Programs[path])
		trees = append(trees, t)
	}
	if len(c.Files) > 0 {
		t := ociimage.Tree{}
		for _, f := range c.Files {
			t.File(f.Path, cmp.Or(f.Mode, 0o644), f.Data)
		}
		trees = append(trees, t)
	}
	layers, err := ociimage.Layers(trees...)
	if err != nil {
		return nil, err
	}
	return ociimage.Compose(layers, c.Config)
}

// Named is an image with the name, REPOSITORY:TAG, that the lab's registry has it
// under. A repository whose first element is one of network.OutsideNames is found
// under that name as well.
type Named struct {
	Name  string
	Image v1.Image
}

// Spec is the pull spec of the image in the registry, by digest.
func (n Named) Spec() (string, error) {
	digest, err := n.Image.Digest()
	if err != nil {
		return "", err
	}
	repository, ok := n.repository()
	if !ok {
		return "", fmt.Errorf("image name %q has no tag", n.Name)
	}
	return repository + "@" + digest.String(), nil
}

// repository is the name without its tag; false if it has none.
func (n Named) repository() (string, bool) {
	i := strings.LastIndex(n.Name, ":")
	if i <= strings.LastIndex(n.Name, "/") {
		return "", false
	}
	return n.Name[:i], true
}

const contentRecord = "content.json"

// Collect makes dir an OCI layout of the images, for the lab's registry. It does
// nothing when the layout has just these.
func Collect(dir string, list []Named) error {
	digests := map[string]string{}
	var all []ociimage.Named
	for _, n := range list {
		digest, err := n.Image.Digest()
		if err != nil {
			return fmt.Errorf("image %s: %w", n.Name, err)
		}
		if _, ok := n.repository(); !ok {
			return fmt.Errorf("image %s has no tag", n.Name)
		}
		if digests[n.Name] != "" {
			return fmt.Errorf("two images have the name %s", n.Name)
		}
		digests[n.Name] = digest.String()
		all = append(all, ociimage.Named{Name: n.Name, Image: n.Image})
	}
	record, err := json.MarshalIndent(digests, "", "  ")
	if err != nil {
		return err
	}
	path := filepath.Join(dir, contentRecord)
	old, err := os.ReadFile(path)
	if err == nil && bytes.Equal(old, record) {
		return nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read record of images: %w", err)
	}
	if err := ociimage.WriteLayout(dir, all); err != nil {
		return fmt.Errorf("write layout: %w", err)
	}
	// It vouches for a complete layout.
	if err := atomicfile.Write(path, record, 0o644); err != nil {
		return fmt.Errorf("record images: %w", err)
	}
	return nil
}
