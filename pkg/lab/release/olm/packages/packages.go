// Package packages serves what catalogs offer as the API packages.operators.coreos.com,
// which the cluster's API server passes requests for.
package packages

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/operator-framework/api/pkg/operators/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/okd-install/okd-install/pkg/lab/release/olm/registry"
	"github.com/okd-install/okd-install/pkg/lab/release/olm/source"
)

// The API.
const (
	Group   = "packages.operators.coreos.com"
	Version = "v1"
	kind    = "PackageManifest"
	plural  = "packagemanifests"
)

// Catalog is a catalog and what it serves.
type Catalog struct {
	Source  v1alpha1.CatalogSource
	Content *source.Catalog
	Global  bool // for all namespaces
}

// Manifest is what a catalog says about one package.
type Manifest struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct{} `json:"spec"`
	Status            Status   `json:"status"`
}

// Status is the content of a Manifest.
type Status struct {
	CatalogSource            string    `json:"catalogSource"`
	CatalogSourceDisplayName string    `json:"catalogSourceDisplayName"`
	CatalogSourcePublisher   string    `json:"catalogSourcePublisher"`
	CatalogSourceNamespace   string    `json:"catalogSourceNamespace"`
	Provider                 Link      `json:"provider,omitzero"`
	PackageName              string    `json:"packageName"`
	Channels                 []Channel `json:"channels"`
	DefaultChannel           string    `json:"defaultChannel"`
}

// Link is a name with an address.
type Link struct {
	Name string `json:"name,omitempty"`
	URL  string `json:"url,omitempty"`
}

// Channel is a channel of a package.
type Channel struct {
	Name           string      `json:"name"`
	CurrentCSV     string      `json:"currentCSV"`
	CurrentCSVDesc Description `json:"currentCSVDesc,omitzero"`
	Entries        []Entry     `json:"entries"`
}

// Entry is a version in a channel.
type Entry struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
}

// Description is what a channel's head says about itself.
type Description struct {
	DisplayName    string                             `json:"displayName,omitempty"`
	Version        string                             `json:"version,omitempty"`
	Provider       Link                               `json:"provider,omitzero"`
	Annotations    map[string]string                  `json:"annotations,omitempty"`
	Keywords       []string                           `json:"keywords,omitempty"`
	Maintainers    []v1alpha1.Maintainer              `json:"maintainers,omitempty"`
	Maturity       string                             `json:"maturity,omitempty"`
	Description    string                             `json:"description,omitempty"`
	InstallModes   []v1alpha1.InstallMode             `json:"installModes"`
	CRDs           v1alpha1.CustomResourceDefinitions `json:"customresourcedefinitions"`
	APIServices    v1alpha1.APIServiceDefinitions     `json:"apiservicedefinitions"`
	MinKubeVersion string                             `json:"minKubeVersion,omitempty"`
	RelatedImages  []string                           `json:"relatedImages,omitempty"`
}

// manifests are those of a catalog.
func manifests(c Catalog) []Manifest {
	var out []Manifest
	for _, p := range c.Content.Packages {
		m := Manifest{
			TypeMeta: metav1.TypeMeta{APIVersion: Group + "/" + Version, Kind: kind},
			ObjectMeta: metav1.ObjectMeta{
				Name: p.Name, Namespace: c.Source.Namespace, CreationTimestamp: c.Source.CreationTimestamp,
				Labels: map[string]string{"catalog": c.Source.Name, "catalog-namespace": c.Source.Namespace},
			},
			Status: Status{
				CatalogSource: c.Source.Name, CatalogSourceNamespace: c.Source.Namespace,
				CatalogSourceDisplayName: c.Source.Spec.DisplayName, CatalogSourcePublisher: c.Source.Spec.Publisher,
				PackageName: p.Name, DefaultChannel: p.DefaultChannel,
			},
		}
		for _, ch := range p.Channels {
			csv := c.Content.Heads[p.Name][ch.Name]
			channel := Channel{
				Name: ch.Name, CurrentCSV: ch.CSV, CurrentCSVDesc: describe(csv),
				Entries: entries(c.Content.Bundles, p.Name, ch.Name),
			}
			if ch.Name == m.Status.DefaultChannel {
				m.Status.Provider = Link(csv.Spec.Provider)
				m.Labels["provider"], m.Labels["provider-url"] = csv.Spec.Provider.Name, csv.Spec.Provider.URL
				for k, v := range csv.Labels {
					if strings.HasPrefix(k, "operatorframework.io/") {
						m.Labels[k] = v
					}
				}
			}
			m.Status.Channels = append(m.Status.Channels, channel)
		}
		out = append(out, m)
	}
	return out
}

func describe(csv v1alpha1.ClusterServiceVersion) Description {
	d := Description{
		DisplayName: csv.Spec.DisplayName, Version: csv.Spec.Version.String(), Provider: Link(csv.Spec.Provider),
		Annotations: csv.Annotations, Keywords: csv.Spec.Keywords, Maintainers: csv.Spec.Maintainers,
		Maturity: csv.Spec.Maturity, Description: csv.Spec.Description, InstallModes: csv.Spec.InstallModes,
		CRDs: csv.Spec.CustomResourceDefinitions, APIServices: csv.Spec.APIServiceDefinitions,
		MinKubeVersion: csv.Spec.MinKubeVersion,
	}
	for _, i := range csv.Spec.RelatedImages {
		d.RelatedImages = append(d.RelatedImages, i.Image)
	}
	return d
}

func entries(bundles []registry.Bundle, pkg, channel string) []Entry {
	out := []Entry{}
	for _, b := range bundles {
		if b.Package == pkg && b.Channel == channel {
			out = append(out, Entry{b.CSV, b.Version})
		}
	}
	slices.SortFunc(out, func(a, b Entry) int { return strings.Compare(b.Name, a.Name) })
	return out
}

// in are the manifests that a namespace sees; an empty one is all catalogs'.
func in(list []Manifest, global map[string]bool, namespace string) []Manifest {
	if namespace == "" {
		return list
	}
	var out []Manifest
	for _, m := range list {
		if m.Namespace != namespace && !global[m.Status.CatalogSourceNamespace] {
			continue
		}
		m.Namespace = namespace
		out = append(out, m)
	}
	return out
}

// table is how kubectl prints manifests.
func table(list []Manifest, now time.Time) metav1.Table {
	t := metav1.Table{
		TypeMeta: metav1.TypeMeta{APIVersion: "meta.k8s.io/v1", Kind: "Table"},
		ColumnDefinitions: []metav1.TableColumnDefinition{
			{Name: "Name", Type: "string", Format: "name"}, {Name: "Catalog", Type: "string"},
			{Name: "Age", Type: "string"},
		},
		Rows: []metav1.TableRow{},
	}
	for _, m := range list {
		meta, err := json.Marshal(metav1.PartialObjectMetadata{
			TypeMeta:   metav1.TypeMeta{APIVersion: "meta.k8s.io/v1", Kind: "PartialObjectMetadata"},
			ObjectMeta: m.ObjectMeta,
		})
		if err != nil {
			panic(err) // it is JSON
		}
		age := duration.HumanDuration(now.Sub(m.CreationTimestamp.Time))
		row := metav1.TableRow{Cells: []any{m.Name, m.Status.CatalogSourceDisplayName, age}}
		row.Object.Raw = meta
		t.Rows = append(t.Rows, row)
	}
	return t
}

// uid tells manifests of the same name apart.
func uid(m Manifest) string {
	return fmt.Sprintf("%s/%s/%s", m.Status.CatalogSourceNamespace, m.Status.CatalogSource, m.Name)
}

func sorted(all map[string][]Manifest) []Manifest {
	var out []Manifest
	for _, k := range slices.Sorted(maps.Keys(all)) {
		out = append(out, all[k]...)
	}
	slices.SortStableFunc(out, func(a, b Manifest) int { return strings.Compare(uid(a), uid(b)) })
	return out
}
