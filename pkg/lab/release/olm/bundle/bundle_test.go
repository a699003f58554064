package bundle_test

import (
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/okd-install/okd-install/pkg/lab/release/olm/bundle"
)

const crd = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: a.b.c}\n"

func TestPackAndUnpack(t *testing.T) {
	root, to := t.TempDir(), t.TempDir()
	for name, text := range map[string]string{
		"manifests/crd.yaml": crd, "manifests/notes.txt": "not an object",
		"metadata/annotations.yaml": "annotations: {a.b/c: d}\n",
	} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := bundle.Copy(root, to); err != nil {
		t.Fatal(err)
	}
	var cm corev1.ConfigMap
	if err := bundle.Pack(os.DirFS(to), &cm); err != nil {
		t.Fatal(err)
	}
	objects, err := bundle.Unpack(cm)
	if err != nil {
		t.Fatal(err)
	}
	if len(objects) != 1 || objects[0].GetName() != "a.b.c" || cm.Annotations["a.b/c"] != "d" {
		t.Errorf("objects %v, annotations %v", objects, cm.Annotations)
	}
	if err := bundle.Copy(t.TempDir(), t.TempDir()); err == nil {
		t.Error("an image without bundle was copied")
	}
}

// TestJob: the bundle's own image runs with a program that it does not have.
func TestJob(t *testing.T) {
	j := bundle.Job{Namespace: "market", Bundle: "quay.io/b@sha256:1", Manager: "olm", Deadline: time.Minute}
	spec := j.Batch(metav1.OwnerReference{}).Spec
	pod := spec.Template.Spec
	if *spec.ActiveDeadlineSeconds != 60 || pod.InitContainers[1].Image != j.Bundle ||
		pod.InitContainers[1].Command[0] != "/util/cpb" || pod.Containers[0].Image != "olm" {
		t.Errorf("job %+v", spec)
	}
	if bundle.Name(j.Bundle) == bundle.Name("quay.io/b@sha256:2") || len(bundle.Name(j.Bundle)) != 63 {
		t.Error("bundles share a name")
	}
}

func FuzzUnpack(f *testing.F) {
	root := fstest.MapFS{
		"manifests/crd.yaml":        &fstest.MapFile{Data: []byte(crd)},
		"metadata/annotations.yaml": &fstest.MapFile{Data: []byte("annotations: {}\n")},
	}
	var cm corev1.ConfigMap
	if err := bundle.Pack(root, &cm); err != nil {
		f.Fatal(err)
	}
	f.Add("crd.yaml", cm.BinaryData["crd.yaml"])
	f.Add("crd.json", []byte("no gzip"))
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		objects, err := bundle.Unpack(corev1.ConfigMap{BinaryData: map[string][]byte{name: data}})
		for _, o := range objects {
			if err == nil && o.GetKind() == "" {
				t.Error("an object without kind")
			}
		}
	})
}
