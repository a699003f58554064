package clusterbootstrap

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/release/staticpod/kube"
)

// lateMapper learns the custom kind only after it has been reset, as a server
// does once the definition is established.
type lateMapper struct {
	*meta.DefaultRESTMapper
	resets int
}

func (m *lateMapper) Reset() {
	m.resets++
	m.Add(schema.GroupVersionKind{Group: "config.openshift.io", Version: "v1", Kind: "Infrastructure"}, meta.RESTScopeRoot)
}

func TestApply(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"00_infra.yml": `
apiVersion: config.openshift.io/v1
kind: Infrastructure
metadata: {name: cluster}
status: {infrastructureName: demo-x}`,
		"01_both.yaml": `
apiVersion: v1
kind: ConfigMap
metadata: {name: mine, namespace: a}
data: {k: theirs}
---
---
apiVersion: v1
kind: List
items:
  - {apiVersion: v1, kind: ConfigMap, metadata: {name: late, namespace: not-yet}}`,
		"02.json":   `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"json","namespace":"a"}}`,
		"notes.txt": "not a manifest",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	existing := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "mine", "namespace": "a"}, "data": map[string]any{"k": "ours"},
	}}
	cms := schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
	client := fake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), map[schema.GroupVersionResource]string{
		cms: "ConfigMapList", kube.Infrastructures: "InfrastructureList",
	}, existing)
	refusals := 0
	client.PrependReactor("create", "configmaps", func(a clienttesting.Action) (bool, runtime.Object, error) {
		if a.GetNamespace() == "not-yet" && refusals < 2 {
			refusals++
			return true, nil, apierrors.NewNotFound(schema.GroupResource{Resource: "namespaces"}, "not-yet")
		}
		return false, nil, nil
	})
	statusWrites := 0
	client.PrependReactor("create", "infrastructures", func(a clienttesting.Action) (bool, runtime.Object, error) {
		// A resource with a status subresource drops it on creation.
		o := a.(clienttesting.CreateAction).GetObject().(*unstructured.Unstructured).DeepCopy()
		delete(o.Object, "status")
		return true, o, client.Tracker().Create(kube.Infrastructures, o, "")
	})
	client.PrependReactor("update", "infrastructures", func(a clienttesting.Action) (bool, runtime.Object, error) {
		if a.GetSubresource() == "status" {
			statusWrites++
		}
		return false, nil, nil
	})
	mapper := &lateMapper{DefaultRESTMapper: meta.NewDefaultRESTMapper(nil)}
	mapper.Add(schema.GroupVersionKind{Version: "v1", Kind: "ConfigMap"}, meta.RESTScopeNamespace)
	a := applier{dynamic: client, mapper: mapper, log: slog.New(slog.DiscardHandler)}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := a.run(ctx, clock.Real(), dir); err != nil {
		t.Fatal(err)
	}
	get := func(r schema.GroupVersionResource, ns, name string) *unstructured.Unstructured {
		t.Helper()
		u, err := client.Resource(r).Namespace(ns).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	if k, _, _ := unstructured.NestedString(get(cms, "a", "mine").Object, "data", "k"); k != "ours" {
		t.Errorf("an existing object was changed to %q", k)
	}
	get(cms, "not-yet", "late")
	get(cms, "a", "json")
	name, _, _ := unstructured.NestedString(get(kube.Infrastructures, "", "cluster").Object, "status", "infrastructureName")
	if name != "demo-x" || statusWrites != 1 {
		t.Errorf("status = %q after %d writes", name, statusWrites)
	}
	if mapper.resets == 0 || refusals != 2 {
		t.Errorf("resets %d, refusals %d: the passes did not happen", mapper.resets, refusals)
	}
}

func TestApplyNamesWhatIsLeft(t *testing.T) {
	dir := t.TempDir()
	text := "apiVersion: example.test/v1\nkind: Thing\nmetadata: {name: x}\n"
	if err := os.WriteFile(filepath.Join(dir, "thing.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	mapper := &lateMapper{DefaultRESTMapper: meta.NewDefaultRESTMapper(nil)}
	a := applier{mapper: mapper, log: slog.New(slog.DiscardHandler)}
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	err := a.run(ctx, clock.Real(), dir)
	if err == nil || !strings.Contains(err.Error(), "thing.yaml") || !strings.Contains(err.Error(), "Thing") {
		t.Errorf("error %v does not name the file and the kind", err)
	}
}

func TestBrokenManifestIsAnError(t *testing.T) {
	for _, text := range []string{"kind: X\n", "a: [", ""} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "x.yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readManifests(dir); err == nil {
			t.Errorf("%q was accepted", text)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: X}]\n"))
	f.Add([]byte(`{"apiVersion":"v1","kind":"X"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		objects, err := parse(data)
		for _, o := range objects {
			if err == nil && o.GetKind() == "" {
				t.Error("an object without kind")
			}
		}
	})
}

func TestParsePods(t *testing.T) {
	got, err := ParsePods([]string{"ns/a", " api:openshift-kube-apiserver/kube-apiserver|other/x ", ""})
	if err != nil || len(got) != 2 || len(got[1].Any) != 2 || got[1].Name != "api" || got[1].Any[1] != (PodPrefix{"other", "x"}) {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := ParsePods([]string{"nonsense"}); err == nil {
		t.Error("a pod without namespace was accepted")
	}
}

func TestTemporaryUpAndDown(t *testing.T) {
	root := t.TempDir()
	in := func(s string) string { return filepath.Join(root, s) }
	for name, text := range map[string]string{
		"assets/tls/a.key": "k", "assets/auth/kubeconfig-loopback": "c",
		"assets/bootstrap-manifests/kube-apiserver-pod.yaml": "one", "manifests/etcd-member-pod.yaml": "etcd",
	} {
		if err := os.MkdirAll(filepath.Dir(in(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(in(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	o := Options{AssetDir: in("assets"), ManifestDir: in("manifests"), SecretsDir: in("secrets"), Clock: clock.Real(), Log: slog.New(slog.DiscardHandler)}
	first := temporary{Options: o}
	if err := first.up(); err != nil {
		t.Fatal(err)
	}
	// The same again, as after a reboot in the middle, is fine; another file of
	// that name is somebody else's pod.
	again := temporary{Options: o}
	if err := again.up(); err != nil {
		t.Errorf("second start: %v", err)
	}
	if data, err := os.ReadFile(in("secrets/kubeconfig")); err != nil || string(data) != "c" {
		t.Errorf("kubeconfig: %q %v", data, err)
	}
	if err := again.down(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(in("manifests"))
	if err != nil || len(entries) != 1 || entries[0].Name() != "etcd-member-pod.yaml" {
		t.Errorf("left after tear-down: %v %v", entries, err)
	}
	if _, err := os.Stat(in("secrets")); !os.IsNotExist(err) {
		t.Errorf("secrets left: %v", err)
	}
	if err := os.WriteFile(in("manifests/kube-apiserver-pod.yaml"), []byte("other"), 0o600); err != nil {
		t.Fatal(err)
	}
	third := temporary{Options: o}
	if err := third.up(); err == nil {
		t.Error("a foreign manifest was overwritten")
	}
}
