package catalog

import (
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/lab/images"
	"github.com/okd-install/okd-install/pkg/lab/network"
	"github.com/okd-install/okd-install/pkg/lab/release/component"
)

//go:embed example/*.yaml
var exampleFiles embed.FS

// Example is a small operator, whose only program is that of image: it does nothing.
func Example(image string) (Bundle, error) {
	files := map[string][]byte{}
	err := fs.WalkDir(exampleFiles, "example", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := exampleFiles.ReadFile(path)
		files[d.Name()] = []byte(strings.ReplaceAll(string(data), "IMAGE", image))
		return err
	})
	return Bundle{
		Package: "example-operator", Channels: []string{"stable"}, DefaultChannel: "stable",
		Manifests: component.Map(files),
	}, err
}

// Community names the catalog that clusters of a version such as 4.20.0 have by default.
func Community(version string) string {
	return network.PublicCatalogs + "/redhat/community-operator-index:v" + release(version)
}

// AddOns names the catalog of okderators for a version: operators that the default ones
// do not have.
func AddOns(version string) string {
	return network.Quay + "/okderators/catalog-index:" + release(version)
}

// release is major and minor version.
func release(version string) string {
	parts := strings.SplitN(version, ".", 3)
	return strings.Join(parts[:min(2, len(parts))], ".")
}

// Outside are images that clusters of releases find outside: the catalog of each, with
// the example and more packages by version. image is what the example runs.
func Outside(versions []string, image, opm string, more map[string][]Package) ([]images.Named, error) {
	example, err := Example(image)
	if err != nil {
		return nil, err
	}
	bundle, err := example.Image()
	if err != nil {
		return nil, err
	}
	out := []images.Named{{Name: network.Quay + "/okd-lab/example-operator-bundle:v0.1.0", Image: bundle}}
	spec, err := out[0].Spec()
	if err != nil {
		return nil, err
	}
	first, err := One(example, spec)
	if err != nil {
		return nil, err
	}
	for _, v := range versions {
		n := Community(v)
		if slices.ContainsFunc(out, func(i images.Named) bool { return i.Name == n }) {
			continue
		}
		all, err := Image(slices.Concat([]Package{first}, more[v]), opm)
		if err != nil {
			return nil, fmt.Errorf("catalog %s: %w", n, err)
		}
		out = append(out, images.Named{Name: n, Image: all})
	}
	return out, nil
}
