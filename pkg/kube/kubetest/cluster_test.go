package kubetest_test

import (
	"testing"

	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/kube/kubetest"
)

func TestClusterApplies(t *testing.T) {
	s := kubetest.NewCluster(t)
	s.Put("{apiVersion: v1, kind: Namespace, metadata: {name: x}}")
	api, err := kube.New(s.Config())
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	maps, err := api.Find(ctx, "v1", "ConfigMap")
	if err != nil {
		t.Fatal(err)
	}
	ref := maps.Object("x", "a")
	object := func(data map[string]any) map[string]any {
		return map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "a",
			"labels": map[string]any{"l": "1"}}, "data": data}
	}
	apply := func(owner string, force, dry bool, data map[string]any) (map[string]any, error) {
		var out map[string]any
		err := api.Merge(ctx, ref, kube.Applying{Owner: owner, Force: force, DryRun: dry}, object(data), &out)
		return out, err
	}
	if _, err := apply("me", false, true, map[string]any{"k": "1"}); err != nil {
		t.Fatal(err)
	}
	if s.Get("/api/v1/namespaces/x/configmaps/a") != nil {
		t.Fatal("a dry run has made the object")
	}
	first, err := apply("me", false, false, map[string]any{"k": "1", "m": "1"})
	if err != nil {
		t.Fatal(err)
	}
	if f := kube.Applied(first, "me"); !f.Has("metadata", "labels", "l") || !f.Has("data", "k") || f.Has("data", "n") {
		t.Errorf("owned: %v", f)
	}
	if f := kube.Applied(first, "you"); f.Has() || f.Has("data") {
		t.Error("the other owns something")
	}
	version := s.Versions()["/api/v1/namespaces/x/configmaps/a"]
	if _, err := apply("me", false, false, map[string]any{"k": "1", "m": "1"}); err != nil {
		t.Fatal(err)
	}
	if v := s.Versions()["/api/v1/namespaces/x/configmaps/a"]; v != version {
		t.Errorf("the same again: version %s, was %s", v, version)
	}
	if _, err := apply("you", false, false, map[string]any{"k": "2"}); err == nil {
		t.Error("no conflict")
	}
	if _, err := apply("you", true, false, map[string]any{"k": "2"}); err != nil {
		t.Error(err)
	}
	last, err := apply("me", false, false, map[string]any{})
	if data, _ := last["data"].(map[string]any); err != nil || data["k"] != "2" || data["m"] != nil {
		t.Errorf("what is no longer applied: %v, %v", data, err)
	}
	if err := api.DeleteExactly(ctx, ref, "other"); err == nil {
		t.Error("another object was deleted")
	}
	uid, _ := last["metadata"].(map[string]any)["uid"].(string)
	if err := api.DeleteExactly(ctx, ref, uid); err != nil || s.Get("/api/v1/namespaces/x/configmaps/a") != nil {
		t.Errorf("delete: %v", err)
	}
}

func TestClusterCollects(t *testing.T) {
	s := kubetest.NewCluster(t)
	s.Put("{apiVersion: v1, kind: Namespace, metadata: {name: x}}")
	crd := s.Put(`{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: as.g.io},
		spec: {group: g.io, scope: Namespaced, names: {kind: A, plural: as}, versions: [{name: v1}]}}`)
	a := s.Put("{apiVersion: g.io/v1, kind: A, metadata: {name: a, namespace: x, finalizers: [f]}}")
	uid := s.Get(a)["metadata"].(map[string]any)["uid"].(string)
	owned := s.Put(`{apiVersion: v1, kind: Secret, metadata: {name: o, namespace: x,
		ownerReferences: [{apiVersion: g.io/v1, kind: A, name: a, uid: ` + uid + `}]}}`)
	s.Remove(a)
	if s.Get(a) == nil {
		t.Error("the finalizer was not awaited")
	}
	s.Merge(a, "metadata: {finalizers: null}")
	if s.Get(a) != nil || s.Get(owned) != nil {
		t.Errorf("left: %v", s.Paths())
	}
	api, err := kube.New(s.Config())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := api.Find(t.Context(), "g.io/v1", "A"); err != nil {
		t.Error(err)
	}
	s.Remove(crd)
	if err := api.List(t.Context(), kube.Kind{Group: "g.io", Version: "v1", Plural: "as"}, "", nil); !kube.NotFound(err) {
		t.Errorf("the kind is still there: %v", err)
	}
}
