package payload

import (
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"

	utilyaml "k8s.io/apimachinery/pkg/util/yaml"

	"github.com/okd-install/okd-install/pkg/lab/release/component"
)

// bootstrapTags are what the bootstrap scripts and the machine config
// operator's bootstrap cannot do without.
var bootstrapTags = []string{
	"etcd", "pod", "hyperkube", "machine-config-operator", "cluster-etcd-operator", "cluster-config-operator",
	"cluster-ingress-operator",
	"cluster-authentication-operator", "cluster-kube-apiserver-operator", "cluster-kube-controller-manager-operator",
	"cluster-kube-scheduler-operator", "cluster-config-api", "cluster-bootstrap", "cluster-version-operator",
	"keepalived-ipfailover", "coredns", "haproxy-router", "baremetal-runtimecfg",
}

func allOf(t *testing.T, version string) []component.Component {
	t.Helper()
	all, err := Components(version)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestComponentsByRelease looks for what releases have more than others.
func TestComponentsByRelease(t *testing.T) {
	const tool = "/usr/bin/machine-config-osimagestream"
	for version, want := range map[string]string{
		"4.20.0": "", "4.22.0": "docker-registry", "5.0.0": "apiserver-network-proxy docker-registry " + tool,
	} {
		var got []string
		for _, c := range allOf(t, version) {
			if c.Tag == "docker-registry" || c.Tag == "apiserver-network-proxy" {
				got = append(got, c.Tag)
			}
			if slices.ContainsFunc(c.Binaries, func(l component.Link) bool { return l.Path == tool }) {
				got = append(got, tool)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s has %v, want %s", version, got, want)
		}
	}
}

// TestDefaultCatalogs: OKD 4.21 came with those of OpenShift.
func TestDefaultCatalogs(t *testing.T) {
	for version, want := range map[string]bool{"4.20.0": true, "4.21.0": false, "5.0.0": true} {
		i := slices.IndexFunc(allOf(t, version), func(c component.Component) bool { return c.Tag == "operator-marketplace" })
		if i < 0 {
			t.Fatalf("%s has no marketplace", version)
		}
		hub, err := fs.ReadFile(allOf(t, version)[i].Manifests, "0000_50_operator-marketplace_04_operatorhub.yaml")
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(hub), "disableAllDefaultSources: true") != want {
			t.Errorf("%s: %s", version, hub)
		}
	}
}

func TestTags(t *testing.T) {
	var tags []string
	for _, c := range allOf(t, "5.0.0") {
		if slices.Contains(tags, c.Tag) {
			t.Errorf("two components have the tag %s", c.Tag)
		}
		tags = append(tags, c.Tag)
	}
	for _, want := range bootstrapTags {
		if !slices.Contains(tags, want) {
			t.Errorf("no component %s", want)
		}
	}
}

var image = regexp.MustCompile(`image\.release\.test/([a-z0-9-]+):payload`)

// TestManifests reads every manifest of the payload as the version operator
// does: objects of the default profile, images that exist.
func TestManifests(t *testing.T) {
	components := allOf(t, "5.0.0")
	for _, c := range components {
		if !c.Operator {
			continue
		}
		err := fs.WalkDir(c.Manifests, ".", func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := fs.ReadFile(c.Manifests, path)
			if err != nil {
				return err
			}
			for _, m := range image.FindAllStringSubmatch(string(data), -1) {
				if !slices.ContainsFunc(components, func(c component.Component) bool { return c.Tag == m[1] }) {
					t.Errorf("%s/%s: no image %s", c.Tag, path, m[1])
				}
			}
			d2 := utilyaml.NewYAMLOrJSONDecoder(strings.NewReader(string(data)), 4096)
			n := 0
			for {
				var o struct {
					APIVersion string `json:"apiVersion"`
					Kind       string `json:"kind"`
					Metadata   struct {
						Name        string            `json:"name"`
						Annotations map[string]string `json:"annotations"`
					} `json:"metadata"`
				}
				if err := d2.Decode(&o); err != nil {
					if err.Error() != "EOF" {
						t.Errorf("%s/%s: %v", c.Tag, path, err)
					}
					break
				}
				if o.Kind == "" {
					continue
				}
				n++
				if o.APIVersion == "" || o.Metadata.Name == "" {
					t.Errorf("%s/%s: object %d has no apiVersion or name", c.Tag, path, n)
				}
				// Feature gates are for readers of the payload.
				const profile = "include.release.openshift.io/self-managed-high-availability"
				if o.Kind != "FeatureGate" && o.Metadata.Annotations[profile] != "true" {
					t.Errorf("%s/%s: %s %s is not in the default profile", c.Tag, path, o.Kind, o.Metadata.Name)
				}
			}
			if n == 0 {
				t.Errorf("%s/%s has no object", c.Tag, path)
			}
			return nil
		})
		if err != nil {
			t.Errorf("%s: %v", c.Tag, err)
		}
	}
}
