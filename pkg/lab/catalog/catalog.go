package catalog

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/operator-framework/api/pkg/operators/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/okd-install/okd-install/pkg/lab/images"
	"github.com/okd-install/okd-install/pkg/lab/release/component"
)

// Places in a catalog's image.
const (
	opmPath   = "/usr/bin/opm"
	configDir = "/configs"
	cacheDir  = "/tmp/cache"
	label     = "operators.operatorframework.io.index.configs.v1"
)

// Objects of a file-based catalog.
type (
	property struct {
		Type  string `json:"type"`
		Value any    `json:"value"`
	}
	packageObject struct {
		Schema         string `json:"schema"`
		Name           string `json:"name"`
		DefaultChannel string `json:"defaultChannel"`
		Description    string `json:"description,omitempty"`
	}
	channelObject struct {
		Schema  string  `json:"schema"`
		Package string  `json:"package"`
		Name    string  `json:"name"`
		Entries []Entry `json:"entries"`
	}
	bundleObject struct {
		Schema        string                  `json:"schema"`
		Name          string                  `json:"name"`
		Package       string                  `json:"package"`
		Image         string                  `json:"image"`
		Properties    []property              `json:"properties"`
		RelatedImages []v1alpha1.RelatedImage `json:"relatedImages,omitempty"`
	}
)

// Image makes a catalog's image: the packages below /configs, and opm, a host file,
// which serves them. opm reads them when it starts: what a prepared cache would save
// is less than what it weighs.
func Image(packages []Package, opm string) (v1.Image, error) {
	files, err := Files(packages)
	if err != nil {
		return nil, err
	}
	var list []component.File
	for _, name := range slices.Sorted(maps.Keys(files)) {
		list = append(list, component.File{Path: path.Join(configDir, name), Data: files[name]})
	}
	if len(list) == 0 {
		list = append(list, component.File{Path: path.Join(configDir, ".indexignore")})
	}
	return images.Content{
		Programs: map[string]string{opmPath: opm}, Files: list,
		Config: v1.Config{
			Entrypoint: []string{opmPath},
			Cmd:        []string{"serve", configDir, "--cache-dir=" + cacheDir, "--cache-enforce-integrity=false"},
			Labels:     map[string]string{label: configDir},
			WorkingDir: "/",
		},
	}.Image()
}

// Files are the catalog's directory, by path in it.
func Files(packages []Package) (map[string][]byte, error) {
	out := map[string][]byte{}
	for _, p := range packages {
		data, err := p.encode()
		if err != nil {
			return nil, fmt.Errorf("package %s: %w", p.Name, err)
		}
		name := path.Join(p.Name, "catalog.json")
		if out[name] != nil {
			return nil, fmt.Errorf("two packages have the name %s", p.Name)
		}
		out[name] = data
	}
	return out, nil
}

func (p Package) encode() ([]byte, error) {
	if len(p.Channels) == 0 || len(p.Bundles) == 0 {
		return nil, errors.New("it needs a channel and a bundle")
	}
	objects := []any{packageObject{"olm.package", p.Name, p.DefaultChannel, p.Description}}
	for _, c := range p.Channels {
		objects = append(objects, channelObject{"olm.channel", p.Name, c.Name, c.Entries})
	}
	for _, b := range p.Bundles {
		o, err := b.object(p.Name)
		if err != nil {
			return nil, err
		}
		objects = append(objects, o)
	}
	return encode(objects...)
}

func (b Pulled) object(pkg string) (bundleObject, error) {
	csv, err := b.Bundle.CSV()
	if err != nil {
		return bundleObject{}, err
	}
	kind := func(d v1alpha1.CRDDescription) map[string]string {
		_, group, _ := strings.Cut(d.Name, ".")
		return map[string]string{"group": group, "version": d.Version, "kind": d.Kind}
	}
	list := []property{{"olm.package", map[string]string{"packageName": pkg, "version": csv.Spec.Version.String()}}}
	for _, d := range csv.Spec.CustomResourceDefinitions.Owned {
		list = append(list, property{"olm.gvk", kind(d)})
	}
	for _, d := range csv.Spec.CustomResourceDefinitions.Required {
		list = append(list, property{"olm.gvk.required", kind(d)})
	}
	for _, name := range slices.Sorted(maps.Keys(b.Requires)) {
		list = append(list, property{
			"olm.package.required", map[string]string{"packageName": name, "versionRange": b.Requires[name]},
		})
	}
	list = append(list, property{"olm.csv.metadata", metadataOf(csv)})
	return bundleObject{"olm.bundle", csv.Name, pkg, b.Image, list, csv.Spec.RelatedImages}, nil
}

// metadata is what PackageManifests are made of.
type metadata struct {
	Annotations    map[string]string                  `json:"annotations,omitempty"`
	APIServices    v1alpha1.APIServiceDefinitions     `json:"apiServiceDefinitions,omitzero"`
	Definitions    v1alpha1.CustomResourceDefinitions `json:"crdDescriptions,omitzero"`
	Description    string                             `json:"description,omitempty"`
	DisplayName    string                             `json:"displayName,omitempty"`
	InstallModes   []v1alpha1.InstallMode             `json:"installModes,omitempty"`
	Keywords       []string                           `json:"keywords,omitempty"`
	Labels         map[string]string                  `json:"labels,omitempty"`
	Links          []v1alpha1.AppLink                 `json:"links,omitempty"`
	Maintainers    []v1alpha1.Maintainer              `json:"maintainers,omitempty"`
	Maturity       string                             `json:"maturity,omitempty"`
	MinKubeVersion string                             `json:"minKubeVersion,omitempty"`
	NativeAPIs     []metav1.GroupVersionKind          `json:"nativeAPIs,omitempty"`
	Provider       v1alpha1.AppLink                   `json:"provider,omitzero"`
}

func metadataOf(csv v1alpha1.ClusterServiceVersion) metadata {
	s := csv.Spec
	return metadata{
		csv.Annotations, s.APIServiceDefinitions, s.CustomResourceDefinitions, s.Description, s.DisplayName, s.InstallModes,
		s.Keywords, csv.Labels, s.Links, s.Maintainers, s.Maturity, s.MinKubeVersion, s.NativeAPIs, s.Provider,
	}
}
