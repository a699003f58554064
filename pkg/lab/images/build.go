package images

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"

	"github.com/okd-install/okd-install/pkg/lab/release/component"
	"github.com/okd-install/okd-install/pkg/lab/release/payload"
)

// Repositories of the release in the registry.
const (
	releaseRepository = "okd/release"
	contentRepository = "okd/content"
)

// releaseBase is the tag whose image the release image is built on.
const releaseBase = "cluster-version-operator"

// Build makes the component images and the release image as an OCI layout
// under dir. It does nothing when dir is up to date with the inputs.
func Build(ctx context.Context, in Inputs, dir string) (Release, error) {
	programs, err := Binaries(ctx, in.Source, in.Cache, in.Out)
	if err != nil {
		return Release{}, err
	}
	return assemble(ctx, in, programs, append(payload.Components(), generated(in)...), dir)
}

// assemble makes the layout from compiled programs and components.
func assemble(ctx context.Context, in Inputs, programs Programs, components []component.Component, dir string) (Release, error) {
	if in.Out == nil {
		in.Out = io.Discard
	}
	slices.SortFunc(components, func(a, b component.Component) int { return strings.Compare(a.Tag, b.Tag) })
	b := builder{programs: programs, rootfs: root(in.Rootfs), cache: filepath.Join(in.Cache, "layers"), version: in.Version, nodeImage: in.NodeImage}
	rel := Release{Layout: dir, Version: in.Version, Images: map[string]string{}}
	images := map[string]v1.Image{}
	for _, c := range components {
		if err := ctx.Err(); err != nil {
			return Release{}, fmt.Errorf("build release: %w", err)
		}
		if _, twice := images[c.Tag]; twice {
			return Release{}, fmt.Errorf("build release: two components have the tag %s", c.Tag)
		}
		img, err := b.image(c)
		if err != nil {
			return Release{}, err
		}
		digest, err := img.Digest()
		if err != nil {
			return Release{}, fmt.Errorf("digest image %s: %w", c.Tag, err)
		}
		images[c.Tag] = img
		rel.Images[c.Tag] = in.Registry + "/" + contentRepository + "@" + digest.String()
	}
	img, err := b.release(components, rel.Images)
	if err != nil {
		return Release{}, err
	}
	digest, err := img.Digest()
	if err != nil {
		return Release{}, fmt.Errorf("digest release image: %w", err)
	}
	rel.PullSpec = in.Registry + "/" + releaseRepository + "@" + digest.String()

	record, err := json.MarshalIndent(rel, "", "  ")
	if err != nil {
		return Release{}, err
	}
	// The record is written last, so it vouches for a complete layout; all
	// content is in the digests that it holds.
	if old, err := os.ReadFile(filepath.Join(dir, recordFile)); err == nil && bytes.Equal(old, record) {
		return rel, nil
	}
	if err := writeLayout(dir, in.Version, images, img); err != nil {
		return Release{}, err
	}
	err = replaceFile(filepath.Join(dir, recordFile), 0o644, func(w io.Writer) error { _, err := w.Write(record); return err })
	if err != nil {
		return Release{}, fmt.Errorf("record release: %w", err)
	}
	prune(b.cache, time.Now())
	fmt.Fprintf(in.Out, "built release %s with %d images\n", in.Version, len(images))
	return rel, nil
}

const recordFile = "release.json"

// release is the CVO's image with the payload as its last layer; `oc adm
// release info` reads no other layer.
func (b builder) release(components []component.Component, specs map[string]string) (v1.Image, error) {
	i := slices.IndexFunc(components, func(c component.Component) bool { return c.Tag == releaseBase })
	if i < 0 {
		return nil, fmt.Errorf("build release image: no component %s", releaseBase)
	}
	c := components[i]
	layers, err := b.layers(c)
	if err != nil {
		return nil, fmt.Errorf("build release image: %w", err)
	}
	top, err := releaseManifests(b.version, components, specs)
	if err != nil {
		return nil, fmt.Errorf("build release image: %w", err)
	}
	l, err := top.layer(b.cache)
	if err != nil {
		return nil, fmt.Errorf("build release image: %w", err)
	}
	_, digest, _ := strings.Cut(specs[releaseBase], "@")
	img, err := compose(append(layers, l), v1.Config{
		Entrypoint: []string{"/usr/bin/cluster-version-operator"},
		Env:        []string{searchPath},
		WorkingDir: "/",
		Labels: map[string]string{
			"io.openshift.release":                   b.version,
			"io.openshift.release.base-image-digest": digest,
			"io.openshift.release.operator":          "true",
		},
	})
	if err != nil {
		return nil, fmt.Errorf("build release image: %w", err)
	}
	return img, nil
}

// writeLayout replaces dir by a layout of the images. Layers are hard links
// into the layer cache where the file system allows it.
func writeLayout(dir, version string, images map[string]v1.Image, release v1.Image) error {
	next := dir + ".new"
	if err := os.RemoveAll(next); err != nil {
		return fmt.Errorf("clear layout: %w", err)
	}
	path, err := layout.Write(next, empty.Index)
	if err != nil {
		return fmt.Errorf("create layout: %w", err)
	}
	add := func(img v1.Image, name string) error {
		if err := linkLayers(next, img); err != nil {
			return err
		}
		return path.AppendImage(img, layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": name}))
	}
	for _, tag := range sortedKeys(images) {
		if err := add(images[tag], contentRepository+":"+tag); err != nil {
			return fmt.Errorf("write image %s to layout: %w", tag, err)
		}
	}
	if err := add(release, releaseRepository+":"+version); err != nil {
		return fmt.Errorf("write release image to layout: %w", err)
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("remove old layout: %w", err)
	}
	if err := os.Rename(next, dir); err != nil {
		return fmt.Errorf("publish layout: %w", err)
	}
	return nil
}

func linkLayers(dir string, img v1.Image) error {
	layers, err := img.Layers()
	if err != nil {
		return err
	}
	blobs := filepath.Join(dir, "blobs", "sha256")
	if err := os.MkdirAll(blobs, 0o755); err != nil {
		return err
	}
	for _, l := range layers {
		file, ok := l.(layer)
		if !ok {
			continue
		}
		// A failed link (other file system) is no error: AppendImage copies.
		_ = os.Link(file.path, filepath.Join(blobs, file.Hash.Hex))
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
