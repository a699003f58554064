// Package catalog makes images of operators as catalogs on OKD have them: bundles, and
// catalogs that the real opm serves.
package catalog

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/operator-framework/api/pkg/operators/v1alpha1"
	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/lab/images"
	"github.com/okd-install/okd-install/pkg/lab/release/component"
)

// Bundle is one version of an operator.
type Bundle struct {
	Package        string
	Channels       []string // that the bundle says it is in
	DefaultChannel string
	// Manifests are YAML files: a ClusterServiceVersion, definitions, and what else
	// the lifecycle manager applies.
	Manifests fs.FS
}

// Labels of a bundle's image, which metadata/annotations.yaml repeats.
const (
	mediaType      = "operators.operatorframework.io.bundle.mediatype.v1"
	manifestsDir   = "operators.operatorframework.io.bundle.manifests.v1"
	metadataDir    = "operators.operatorframework.io.bundle.metadata.v1"
	packageLabel   = "operators.operatorframework.io.bundle.package.v1"
	channelsLabel  = "operators.operatorframework.io.bundle.channels.v1"
	defaultChannel = "operators.operatorframework.io.bundle.channel.default.v1"
)

// Image makes the bundle's image: manifests/ and metadata/annotations.yaml, nothing
// that runs.
func (b Bundle) Image() (v1.Image, error) {
	if _, err := b.CSV(); err != nil {
		return nil, err
	}
	labels := map[string]string{
		mediaType: "registry+v1", manifestsDir: "manifests/", metadataDir: "metadata/",
		packageLabel: b.Package, channelsLabel: strings.Join(b.Channels, ","), defaultChannel: b.DefaultChannel,
	}
	annotations, err := yaml.Marshal(map[string]any{"annotations": labels})
	if err != nil {
		return nil, err
	}
	files := []component.File{{Path: "/metadata/annotations.yaml", Data: annotations}}
	err = fs.WalkDir(b.Manifests, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(b.Manifests, name)
		files = append(files, component.File{Path: path.Join("/manifests", name), Data: data})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read manifests of package %s: %w", b.Package, err)
	}
	return images.Content{Scratch: true, Files: files, Config: v1.Config{Labels: labels}}.Image()
}

// CSV finds the bundle's ClusterServiceVersion.
func (b Bundle) CSV() (v1alpha1.ClusterServiceVersion, error) {
	var found *v1alpha1.ClusterServiceVersion
	err := fs.WalkDir(b.Manifests, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(b.Manifests, name)
		if err != nil {
			return err
		}
		var kind struct{ Kind string }
		if err := yaml.Unmarshal(data, &kind); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if kind.Kind != v1alpha1.ClusterServiceVersionKind {
			return nil
		}
		if found != nil {
			return errors.New("there are two ClusterServiceVersions")
		}
		found = &v1alpha1.ClusterServiceVersion{}
		if err := yaml.Unmarshal(data, found); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	})
	if err == nil && found == nil {
		err = errors.New("there is no ClusterServiceVersion")
	}
	if err != nil {
		return v1alpha1.ClusterServiceVersion{}, fmt.Errorf("bundle of package %s: %w", b.Package, err)
	}
	return *found, nil
}

// Entry is a bundle in a channel. The one that no other replaces is the channel's head.
type Entry struct {
	Name     string   `json:"name"`
	Replaces string   `json:"replaces,omitempty"`
	Skips    []string `json:"skips,omitempty"`
}

// Channel is a channel of a package.
type Channel struct {
	Name    string
	Entries []Entry
}

// Pulled is a bundle and where its image is.
type Pulled struct {
	Bundle Bundle
	Image  string // pull spec
	// Requires are packages, with version ranges, that must be installed as well.
	Requires map[string]string
}

// Package is an operator in a catalog.
type Package struct {
	Name           string
	Description    string
	DefaultChannel string
	Channels       []Channel
	Bundles        []Pulled
}

// One is a package with one bundle in one channel.
func One(b Bundle, image string) (Package, error) {
	csv, err := b.CSV()
	if err != nil {
		return Package{}, err
	}
	if len(b.Channels) != 1 {
		return Package{}, fmt.Errorf("bundle %s has %d channels", csv.Name, len(b.Channels))
	}
	return Package{
		Name: b.Package, Description: csv.Spec.Description, DefaultChannel: b.DefaultChannel,
		Channels: []Channel{{Name: b.Channels[0], Entries: []Entry{{Name: csv.Name}}}},
		Bundles:  []Pulled{{Bundle: b, Image: image}},
	}, nil
}

// encode writes objects of a file-based catalog one after the other.
func encode(objects ...any) ([]byte, error) {
	var out []byte
	for _, o := range objects {
		data, err := json.MarshalIndent(o, "", "  ")
		if err != nil {
			return nil, err
		}
		out = slices.Concat(out, data, []byte("\n"))
	}
	return out, nil
}
