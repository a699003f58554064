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

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"

	"github.com/okd-install/okd-install/pkg/atomicfile"
	"github.com/okd-install/okd-install/pkg/lab/release/component"
	"github.com/okd-install/okd-install/pkg/lab/release/contract"
	"github.com/okd-install/okd-install/pkg/lab/release/payload"
)

// Repositories of the release in the registry.
const (
	releaseRepository = "okd/release"
	contentRepository = "okd/content"
)

// releaseBase is the tag whose image the release image is built on.
const releaseBase = "cluster-version-operator"

// Build makes the component images and the release images of some versions as
// one OCI layout under dir; they share all layers but their own. It does nothing
// when dir is up to date with the inputs.
func Build(ctx context.Context, in Inputs, programs Programs, versions []string, dir string) ([]Release, error) {
	var all []edition
	for _, in.Version = range versions {
		components, err := payload.Components(in.Version)
		if err != nil {
			return nil, err
		}
		all = append(all, edition{in.Version, append(components, generated(in)...)})
	}
	return assemble(ctx, in, programs, all, dir)
}

// edition is what a version consists of.
type edition struct {
	version    string
	components []component.Component
}

// named is an image with its repository and tag.
type named struct {
	name  string
	image v1.Image
}

// assemble makes the layout from compiled programs and components.
func assemble(ctx context.Context, in Inputs, programs Programs, editions []edition, dir string) ([]Release, error) {
	if in.Out == nil {
		in.Out = io.Discard
	}
	var images []named
	var releases []Release
	for _, e := range editions {
		in.Version = e.version
		release, made, err := construct(ctx, in, programs, e.components)
		if err != nil {
			return nil, fmt.Errorf("build release %s: %w", e.version, err)
		}
		release.Layout = dir
		images, releases = append(images, made...), append(releases, release)
	}
	record, err := json.MarshalIndent(releases, "", "  ")
	if err != nil {
		return nil, err
	}
	// The record is written last, so it vouches for a complete layout; all
	// content is in the digests that it holds.
	if old, err := os.ReadFile(filepath.Join(dir, recordFile)); err == nil && bytes.Equal(old, record) {
		return releases, nil
	}
	if err := writeLayout(dir, images); err != nil {
		return nil, fmt.Errorf("write layout: %w", err)
	}
	if err := atomicfile.Write(filepath.Join(dir, recordFile), record, 0o644); err != nil {
		return nil, fmt.Errorf("record release: %w", err)
	}
	for _, r := range releases {
		fmt.Fprintf(in.Out, "built release %s with %d images\n", r.Version, len(r.Images))
	}
	return releases, nil
}

// construct makes the images of one version; the release image is the last.
func construct(
	ctx context.Context, in Inputs, programs Programs, components []component.Component,
) (Release, []named, error) {
	slices.SortFunc(components, func(a, b component.Component) int { return strings.Compare(a.Tag, b.Tag) })
	b := builder{
		programs: programs, rootfs: root(in.Rootfs), version: in.Version, nodeImage: in.NodeImage,
	}
	rel := Release{Version: in.Version, Images: map[string]string{}}
	var made []named
	// add returns the pull spec of an image.
	add := func(img v1.Image, repository, tag string) (string, error) {
		digest, err := img.Digest()
		made = append(made, named{repository + ":" + tag, img})
		return in.Registry + "/" + repository + "@" + digest.String(), err
	}
	for _, c := range components {
		if err := ctx.Err(); err != nil {
			return Release{}, nil, err
		}
		if rel.Images[c.Tag] != "" {
			return Release{}, nil, fmt.Errorf("two components have the tag %s", c.Tag)
		}
		img, err := b.image(c)
		if err == nil {
			rel.Images[c.Tag], err = add(img, contentRepository, in.Version+"-"+c.Tag)
		}
		if err != nil {
			return Release{}, nil, fmt.Errorf("image %s: %w", c.Tag, err)
		}
	}
	img, err := b.release(components, rel.Images)
	if err == nil {
		rel.PullSpec, err = add(img, releaseRepository, in.Version)
	}
	if err != nil {
		return Release{}, nil, fmt.Errorf("release image: %w", err)
	}
	return rel, made, nil
}

const recordFile = "release.json"

// release is the CVO's image with the payload as its last layer; `oc adm
// release info` reads no other layer.
func (b builder) release(components []component.Component, specs map[string]string) (v1.Image, error) {
	i := slices.IndexFunc(components, func(c component.Component) bool { return c.Tag == releaseBase })
	if i < 0 {
		return nil, fmt.Errorf("no component %s", releaseBase)
	}
	layers, err := b.layers(components[i])
	if err != nil {
		return nil, err
	}
	top, err := releaseManifests(b.version, components, specs)
	if err != nil {
		return nil, err
	}
	l, err := newLayer(top.write)
	if err != nil {
		return nil, err
	}
	_, digest, _ := strings.Cut(specs[releaseBase], "@")
	return compose(append(layers, l), v1.Config{
		Entrypoint: []string{"/usr/bin/cluster-version-operator"},
		Env:        []string{searchPath, contract.VersionVariable + "=" + b.version},
		WorkingDir: "/",
		Labels: map[string]string{
			"io.openshift.release":                   b.version,
			"io.openshift.release.base-image-digest": digest,
			"io.openshift.release.operator":          "true",
		},
	})
}

// writeLayout replaces dir by a layout of the images. Layers that dir has are not
// made again but linked.
func writeLayout(dir string, images []named) error {
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
		layers, err := i.image.Layers()
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
		name := layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": i.name})
		if err := path.AppendImage(i.image, name); err != nil {
			return fmt.Errorf("image %s: %w", i.name, err)
		}
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	return os.Rename(next, dir)
}
