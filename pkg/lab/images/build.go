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

	"github.com/okd-install/okd-install/pkg/atomicfile"
	"github.com/okd-install/okd-install/pkg/lab/ociimage"
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

// assemble makes the layout from compiled programs and components.
func assemble(ctx context.Context, in Inputs, programs Programs, editions []edition, dir string) ([]Release, error) {
	if in.Out == nil {
		in.Out = io.Discard
	}
	var images []ociimage.Named
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
	if err := ociimage.WriteLayout(dir, images); err != nil {
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
) (Release, []ociimage.Named, error) {
	slices.SortFunc(components, func(a, b component.Component) int { return strings.Compare(a.Tag, b.Tag) })
	b := builder{
		programs: programs, rootfs: ociimage.Root(in.Rootfs), version: in.Version, nodeImage: in.NodeImage,
	}
	rel := Release{Version: in.Version, Images: map[string]string{}}
	var made []ociimage.Named
	// add returns the pull spec of an image.
	add := func(img v1.Image, repository, tag string) (string, error) {
		digest, err := img.Digest()
		made = append(made, ociimage.Named{Name: repository + ":" + tag, Image: img})
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
	l, err := ociimage.NewLayer(top.Write)
	if err != nil {
		return nil, err
	}
	_, digest, _ := strings.Cut(specs[releaseBase], "@")
	return ociimage.Compose(append(layers, l), v1.Config{
		Entrypoint: []string{"/usr/bin/cluster-version-operator"},
		Env:        []string{ociimage.SearchPath, contract.VersionVariable + "=" + b.version},
		WorkingDir: "/",
		Labels: map[string]string{
			"io.openshift.release":                   b.version,
			"io.openshift.release.base-image-digest": digest,
			"io.openshift.release.operator":          "true",
		},
	})
}
