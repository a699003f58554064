package stack

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"github.com/okd-install/okd-install/pkg/lab/images"
	"github.com/okd-install/okd-install/pkg/lab/virt/kubevirt"
)

// made is a KubeVirt whose generators print the least that there can be.
func made(t *testing.T) Stack {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("csv-generator", `#!/bin/sh
case " $* " in *" --namespace=kubevirt-hyperconverged "*) ;; *) echo "arguments $*" >&2; exit 1 ;; esac
cat <<'END'
kind: ClusterServiceVersion
spec:
  install:
    spec:
      clusterPermissions: [{serviceAccountName: kubevirt-operator, rules: []}]
      permissions: [{serviceAccountName: kubevirt-operator, rules: []}]
      deployments: [{name: virt-operator, spec: {template: {spec: {containers: [{name: virt-operator}]}}}}]
---
kind: CustomResourceDefinition
metadata: {name: kubevirts.kubevirt.io}
END
`)
	write("resource-generator", "#!/bin/sh\necho 'kind: PriorityClass'\n")
	return Stack{
		Program: write("okd-lab-virt", "virt"), OPM: write("opm", "opm"), KubeVirt: kubevirt.Result{Programs: dir},
	}
}

// content has the files of an image by path, and the targets of its links.
func content(t *testing.T, img v1.Image) map[string]string {
	t.Helper()
	r := tar.NewReader(mutate.Extract(img))
	out := map[string]string{}
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		out["/"+strings.Trim(h.Name, "/")] = h.Linkname + string(data)
	}
}

func find(t *testing.T, list []images.Named, name string) v1.Image {
	t.Helper()
	i := slices.IndexFunc(list, func(n images.Named) bool { return n.Name == name })
	if i < 0 {
		t.Fatalf("no image %s", name)
	}
	return list[i].Image
}

// TestBuild makes the stack for three releases, of which two have the same operators.
func TestBuild(t *testing.T) {
	s := made(t)
	all, err := s.Build(t.Context(), []string{"5.0.0-okd-lab.1", "4.22.0-okd-lab.1", "4.20.0-okd-lab.1"})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, n := range all.Images {
		names = append(names, n.Name)
	}
	const (
		hco   = "quay.io/okd-lab/community-kubevirt-hyperconverged-bundle:v"
		nodes = "quay.io/okd-lab/kubernetes-nmstate-operator-bundle:v"
	)
	want := []string{
		"quay.io/okd-lab/virt:latest", nodes + nmstateVersion,
		hco + "1.18.1", "quay.io/okderators/catalog-index:5.0", "quay.io/okderators/catalog-index:4.22",
		hco + "1.16.0", "quay.io/okderators/catalog-index:4.20",
	}
	if !slices.Equal(names, want) {
		t.Errorf("images %q, want %q", names, want)
	}
	if got := fmt.Sprint(all.Packages["4.20.0-okd-lab.1"][0].Channels); !strings.Contains(got, "stable") ||
		!strings.Contains(got, "kubevirt-hyperconverged-operator.v1.16.0") {
		t.Errorf("channels for 4.20: %s", got)
	}
	virt := images.Named{Name: names[0], Image: all.Images[0].Image}
	spec, err := virt.Spec()
	if err != nil {
		t.Fatal(err)
	}
	bundle := content(t, find(t, all.Images, hco+"1.18.1"))
	csv := bundle["/manifests/kubevirt-hyperconverged-operator.v1.18.1.clusterserviceversion.yaml"]
	if !strings.Contains(csv, "image: "+spec) || !strings.Contains(csv, "name: virt-operator") {
		t.Errorf("CSV without %s or virt-operator:\n%s", spec, csv)
	}
	index := content(t, find(t, all.Images, "quay.io/okderators/catalog-index:5.0"))
	if !strings.Contains(index["/configs/kubernetes-nmstate-operator/catalog.json"], `"name": "alpha"`) {
		t.Errorf("catalog of add-ons: %q", index["/configs/kubernetes-nmstate-operator/catalog.json"])
	}
}

// TestOperators: what the bundles' deployments run is in the image.
func TestOperators(t *testing.T) {
	img, err := made(t).operators()
	if err != nil {
		t.Fatal(err)
	}
	files := content(t, img)
	for _, name := range []string{"hyperconverged-cluster-operator", "cdi-operator", "ssp-operator", "nmstate-handler"} {
		if files["/usr/bin/"+name] != "okd-lab-virt" {
			t.Errorf("%s is %q", name, files["/usr/bin/"+name])
		}
	}
	if files["/usr/bin/okd-lab-virt"] != "virt" {
		t.Error("no program")
	}
	seen := map[string]bool{}
	for _, c := range Commands() {
		if seen[c.Name] {
			t.Errorf("two commands %s", c.Name)
		}
		seen[c.Name] = true
	}
}
