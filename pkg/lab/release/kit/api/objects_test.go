package api_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	configv1 "github.com/openshift/api/config/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/kube/kubetest"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/wait"
)

func client(t *testing.T) (*kubetest.Server, *api.Client) {
	t.Helper()
	s := kubetest.New(t)
	s.Define("v1", metav1.APIResource{Name: "configmaps", Kind: "ConfigMap", Namespaced: true})
	c, err := api.New("test", s.Config())
	if err != nil {
		t.Fatal(err)
	}
	return s, c
}

func decode(t *testing.T, text string) []*unstructured.Unstructured {
	t.Helper()
	out, err := api.Decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

const mine = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: mine, namespace: a}\ndata: {k: ours}\n"

func TestCreateLeavesWhatExists(t *testing.T) {
	s, c := client(t)
	s.Put("/api/v1/namespaces/a/configmaps/mine", []byte(mine))
	theirs := strings.Replace(mine, "ours", "theirs", 1)
	if err := c.CreateObject(t.Context(), decode(t, theirs)[0]); err != nil {
		t.Fatal(err)
	}
	var cm corev1.ConfigMap
	if s.Get("/api/v1/namespaces/a/configmaps/mine", &cm); cm.Data["k"] != "ours" {
		t.Errorf("an existing object was changed to %q", cm.Data["k"])
	}
	if err := c.ApplyObject(t.Context(), decode(t, theirs)[0]); err != nil {
		t.Fatal(err)
	}
	if s.Get("/api/v1/namespaces/a/configmaps/mine", &cm); cm.Data["k"] != "theirs" {
		t.Errorf("what was applied has %q", cm.Data["k"])
	}
}

func TestCreateWithStatus(t *testing.T) {
	s, c := client(t)
	// A resource with a status subresource drops it on creation.
	s.Define("config.openshift.io/v1", metav1.APIResource{Name: "infrastructures", Kind: "Infrastructure"},
		metav1.APIResource{Name: "infrastructures/status", Kind: "Infrastructure"})
	object := decode(t, "apiVersion: config.openshift.io/v1\nkind: Infrastructure\nmetadata: {name: cluster}\n"+
		"status: {infrastructureName: demo-x}\n")[0]
	for range 2 {
		if err := c.CreateWithStatus(t.Context(), object); err != nil {
			t.Fatal(err)
		}
	}
	const path = "/apis/config.openshift.io/v1/infrastructures"
	var infra configv1.Infrastructure
	if s.Get(path+"/cluster", &infra); infra.Status.InfrastructureName != "demo-x" {
		t.Errorf("status %+v", infra.Status)
	}
	want := []string{"POST " + path, "PUT " + path + "/cluster/status", "POST " + path}
	if got := s.Writes(); !slices.Equal(got, want) {
		t.Errorf("writes %q, want one of the status", got)
	}
}

func TestNewKindsAreFound(t *testing.T) {
	s, c := client(t)
	thing := decode(t, "apiVersion: example.test/v1\nkind: Thing\nmetadata: {name: x}\n")[0]
	err := c.CreateObject(t.Context(), thing)
	if err == nil || !strings.Contains(err.Error(), "Thing") {
		t.Fatalf("error %v does not name the kind", err)
	}
	s.Define("example.test/v1", metav1.APIResource{Name: "things", Kind: "Thing"})
	// It looks again after a moment.
	err = wait.Until(t.Context(), clock.Real(), 50*time.Millisecond, func(ctx context.Context) (bool, string, error) {
		return c.CreateObject(ctx, thing) == nil, "", nil
	})
	if err != nil || !s.Get("/apis/example.test/v1/things/x", new(any)) {
		t.Errorf("the object was not created: %v", err)
	}
}

func TestPassGoesOn(t *testing.T) {
	s, c := client(t)
	s.Refuse(func(_, path string) int {
		if strings.Contains(path, "/not-yet/") {
			return http.StatusNotFound // a namespace that does not exist
		}
		return 0
	})
	list, err := api.Manifests([]api.File{
		{Name: "00.yaml", Data: []byte(strings.Replace(mine, "namespace: a", "namespace: not-yet", 1) + "---\n---\n" +
			mine)},
		{Name: "01.json", Data: []byte(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"json"}}`)},
	})
	if err != nil {
		t.Fatal(err)
	}
	failed, causes := api.Pass(t.Context(), list, c.CreateWithStatus)
	if len(failed) != 1 || failed[0].File != "00.yaml" || !strings.HasPrefix(causes[0].Error(), "00.yaml: ") {
		t.Errorf("failed %v, causes %v", failed, causes)
	}
	for _, path := range []string{"/api/v1/namespaces/a/configmaps/mine",
		"/api/v1/namespaces/default/configmaps/json"} {
		if !s.Get(path, new(any)) {
			t.Errorf("%s was not created", path)
		}
	}
	s.Refuse(nil)
	if failed, causes = api.Pass(t.Context(), failed, c.CreateWithStatus); len(failed) > 0 {
		t.Errorf("second pass: %v", causes)
	}
}

func TestDecode(t *testing.T) {
	got := decode(t, mine+"---\napiVersion: v1\nkind: List\nitems:\n"+
		"- {apiVersion: v1, kind: ConfigMap, metadata: {name: b}}\n"+
		"- {apiVersion: v1, kind: Node, metadata: {name: c}}\n")
	if len(got) != 3 || got[1].GetName() != "b" || got[2].GetKind() != "Node" {
		t.Errorf("decoded %v", got)
	}
	for _, broken := range []string{"kind: X\n", "a: [", "apiVersion: v1\nkind: X\n"} {
		if _, err := api.Decode([]byte(broken)); err == nil {
			t.Errorf("%q was accepted", broken)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: X}]\n"))
	f.Add([]byte(`{"apiVersion":"v1","kind":"X"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		objects, err := api.Decode(data)
		for _, o := range objects {
			if err == nil && o.GetKind() == "" {
				t.Error("an object without kind")
			}
		}
	})
}

func TestEnsure(t *testing.T) {
	s, c := client(t)
	want := api.ConfigMap("a", "mine", map[string]string{"k": "1"})
	for range 2 {
		if err := c.EnsureConfigMap(t.Context(), want); err != nil {
			t.Fatal(err)
		}
	}
	if w := s.Writes(); len(w) != 1 {
		t.Errorf("writes %q, want one", w)
	}
	s.Put("/api/v1/namespaces/a/configmaps/mine", []byte(mine+"immutable: false\n"))
	if err := c.EnsureConfigMap(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	var cm corev1.ConfigMap
	if s.Get("/api/v1/namespaces/a/configmaps/mine", &cm); cm.Data["k"] != "1" {
		t.Errorf("got %+v", cm)
	}
}

// TestMakeTakesMaps: those that operators make of what they render.
func TestMakeTakesMaps(t *testing.T) {
	s, c := client(t)
	k := kube.Kind{Version: "v1", Plural: "configmaps"}
	object := map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "mine", "namespace": "a"},
		"data": map[string]any{"k": "ours"},
	}
	if err := c.Make(t.Context(), k, "a", object); err != nil {
		t.Fatal(err)
	}
	var cm corev1.ConfigMap
	if s.Get("/api/v1/namespaces/a/configmaps/mine", &cm); cm.Data["k"] != "ours" {
		t.Errorf("made %v", cm.Data)
	}
	if err := c.Make(t.Context(), k, "a", object); err != nil {
		t.Errorf("one that exists: %v", err)
	}
}
