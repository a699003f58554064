package bundle

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	kubevirtv1 "kubevirt.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/lab/virt/cdi"
	"github.com/okd-install/okd-install/pkg/lab/virt/cnao"
	"github.com/okd-install/okd-install/pkg/lab/virt/hco"
	"github.com/okd-install/okd-install/pkg/lab/virt/hpp"
	"github.com/okd-install/okd-install/pkg/lab/virt/kit/object"
	"github.com/okd-install/okd-install/pkg/lab/virt/kit/schema"
	"github.com/okd-install/okd-install/pkg/lab/virt/ssp"
)

// stand is in the place of the real KubeVirt operator.
func stand() KubeVirt {
	status := schema.Of[kubevirtv1.KubeVirtStatus]()
	d := schema.Definition{
		Group: "kubevirt.io", Kind: "KubeVirt", Plural: "kubevirts", Namespaced: true, Short: []string{"kv", "kvs"},
		Versions: []schema.Version{{Name: "v1", Stored: true, Spec: schema.Of[kubevirtv1.KubeVirtSpec](), Status: status}},
	}
	return KubeVirt{
		Version: "v1.7.0", ServiceAccount: "kubevirt-operator", Deployment: appsv1.DeploymentSpec{}, CRD: d.Object(),
	}
}

func build(t *testing.T, version string) fs.FS {
	t.Helper()
	out, err := Bundle(version, stand(), Images{Virt: "registry/virt@sha256:1"})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func objectOf(t *testing.T, files fs.FS, name string) object.Object {
	t.Helper()
	raw, err := fs.ReadFile(files, name)
	if err != nil {
		t.Fatal(err)
	}
	var o object.Object
	if err := yaml.Unmarshal(raw, &o); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return o
}

func TestBundle(t *testing.T) {
	for _, r := range hco.Releases() {
		t.Run(r.Version, func(t *testing.T) {
			files := build(t, r.Version)
			csv := objectOf(t, files, "manifests/"+Name(r)+".clusterserviceversion.yaml")
			var names []string
			for _, v := range object.List(csv, "spec.install.spec.deployments") {
				d, _ := v.(map[string]any)
				names = append(names, object.String(d, "name"))
			}
			slices.Sort(names)
			want := []string{"aaq-operator", "cdi-operator", "cluster-network-addons-operator", "hco-operator", "hco-webhook",
				"hostpath-provisioner-operator", "hyperconverged-cluster-cli-download", "ssp-operator", "virt-operator"}
			if !slices.Equal(names, want) {
				t.Errorf("deployments %v, want %v", names, want)
			}
			var modes []string
			for _, v := range object.List(csv, "spec.installModes") {
				if m, _ := v.(map[string]any); m["supported"] == true {
					modes = append(modes, object.String(m, "type"))
				}
			}
			if !slices.Equal(modes, []string{"AllNamespaces"}) {
				t.Errorf("install modes %v", modes)
			}
			ownedAreThere(t, files, csv)
			accountsAreThere(t, csv)
			a := objectOf(t, files, "metadata/annotations.yaml")
			if object.Map(a, "annotations")["operators.operatorframework.io.bundle.package.v1"] != Package {
				t.Errorf("metadata %v", a)
			}
		})
	}
	_, err := Bundle("9.9.9", stand(), Images{})
	if err == nil || !strings.Contains(err.Error(), "no HyperConverged release 9.9.9") {
		t.Errorf("an unknown version: %v", err)
	}
}

// ownedAreThere: each kind that the bundle owns has a definition in it, and the other way round.
func ownedAreThere(t *testing.T, files fs.FS, csv object.Object) {
	t.Helper()
	owned := map[string]bool{}
	for _, v := range object.List(csv, "spec.customresourcedefinitions.owned") {
		m, _ := v.(map[string]any)
		owned[object.String(m, "name")] = true
	}
	defined := map[string]bool{}
	all, err := fs.Glob(files, "manifests/*.crd.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range all {
		defined[object.String(objectOf(t, files, f), "metadata.name")] = true
	}
	if !maps.Equal(owned, defined) {
		t.Errorf("owned %v, defined %v", slices.Sorted(maps.Keys(owned)), slices.Sorted(maps.Keys(defined)))
	}
}

// accountsAreThere: each deployment's account has permissions, so that the lifecycle manager makes it.
func accountsAreThere(t *testing.T, csv object.Object) {
	t.Helper()
	granted := map[string]bool{}
	for _, v := range object.List(csv, "spec.install.spec.clusterPermissions") {
		m, _ := v.(map[string]any)
		granted[object.String(m, "serviceAccountName")] = true
	}
	for _, v := range object.List(csv, "spec.install.spec.deployments") {
		d, _ := v.(map[string]any)
		account := object.String(d, "spec.template.spec.serviceAccountName")
		if name := object.String(d, "name"); !granted[account] && name != "virt-operator" {
			t.Errorf("%s runs as %q, which has no permissions", name, account)
		}
	}
}

// TestCommandsExist: what deployments call is a command of the program.
func TestCommandsExist(t *testing.T) {
	known := map[string]bool{}
	for _, c := range slices.Concat(hco.Commands(), cdi.Commands(), hpp.Commands(), ssp.Commands(), cnao.Commands()) {
		if known[c.Name] {
			t.Errorf("two commands %s", c.Name)
		}
		known[c.Name] = true
	}
	for _, o := range operators(hco.Release{}, Images{}) {
		if !known[o.command] {
			t.Errorf("%s calls %s, which is no command", o.name, o.command)
		}
	}
}

// TestServedVersions: v1 comes with 1.18, and v1beta1 is stored.
func TestServedVersions(t *testing.T) {
	for version, want := range map[string][]string{"1.17.3": {"v1beta1"}, "1.18.1": {"v1beta1", "v1"}} {
		crd := objectOf(t, build(t, version), "manifests/hco00.crd.yaml")
		var got []string
		for _, v := range object.List(crd, "spec.versions") {
			m, _ := v.(map[string]any)
			got = append(got, object.String(m, "name"))
			if stored := object.Bool(m, "storage", false); stored != (m["name"] == "v1beta1") {
				t.Errorf("%s: %s is stored: %v", version, m["name"], stored)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s serves %v, want %v", version, got, want)
		}
	}
}

// write puts a bundle into a directory.
func write(t *testing.T, files fs.FS, dir string) []*unstructured.Unstructured {
	t.Helper()
	if err := os.CopyFS(dir, files); err != nil {
		t.Fatal(err)
	}
	paths, err := filepath.Glob(filepath.Join(dir, "manifests", "*.crd.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var out []*unstructured.Unstructured
	for _, p := range paths {
		raw, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		u := &unstructured.Unstructured{}
		if err := yaml.Unmarshal(raw, &u.Object); err != nil {
			t.Fatal(err)
		}
		out = append(out, u)
	}
	return out
}
