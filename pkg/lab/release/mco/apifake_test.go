package mco_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/lab/release/mco/kube"
)

// fakeAPI keeps objects by path. It knows what the programs under test use of
// the protocol: get, list, create, merge patch and apply, and that a patch of
// an object leaves its status alone and the other way round.
type fakeAPI struct {
	mu      sync.Mutex
	objects map[string]map[string]any
	writes  []string
}

func newAPI(t *testing.T) (*fakeAPI, *kube.Client) {
	t.Helper()
	f := &fakeAPI{objects: map[string]map[string]any{}}
	srv := httptest.NewServer(f)
	t.Cleanup(srv.Close)
	c, err := kube.New(&rest.Config{Host: srv.URL})
	if err != nil {
		t.Fatal(err)
	}
	return f, c
}

func (f *fakeAPI) put(t *testing.T, path string, manifest []byte) {
	t.Helper()
	var obj map[string]any
	if err := yaml.Unmarshal(manifest, &obj); err != nil {
		t.Fatal(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.objects[path] = obj
}

func (f *fakeAPI) get(t *testing.T, path string, into any) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	raw, _ := json.Marshal(f.objects[path])
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatal(err)
	}
}

func (f *fakeAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	path, status := strings.CutSuffix(r.URL.Path, "/status")
	obj, ok := f.objects[path]
	var body map[string]any
	if r.Body != nil {
		_ = json.NewDecoder(r.Body).Decode(&body)
	}
	if r.Method != http.MethodGet {
		f.writes = append(f.writes, r.Method+" "+r.URL.Path)
	}
	switch r.Method {
	case http.MethodGet:
		if !ok {
			items := []any{}
			for p, o := range f.objects {
				if i := strings.LastIndex(p, "/"); p[:i] == path {
					items = append(items, o)
				}
			}
			if len(items) == 0 {
				fail(w, http.StatusNotFound)
				return
			}
			obj = map[string]any{"items": items}
		}
	case http.MethodPost:
		obj = body
		f.objects[path+"/"+body["metadata"].(map[string]any)["name"].(string)] = body
	case http.MethodPatch:
		apply := r.Header.Get("Content-Type") == kube.ApplyPatch
		if !ok && !apply {
			fail(w, http.StatusNotFound)
			return
		}
		if status {
			body = map[string]any{"status": body["status"]}
		} else {
			delete(body, "status")
		}
		old, _ := json.Marshal(obj)
		patch, _ := json.Marshal(body)
		if obj == nil {
			old = []byte("{}")
		}
		merged, err := jsonpatch.MergePatch(old, patch)
		if err != nil {
			fail(w, http.StatusBadRequest)
			return
		}
		obj = map[string]any{}
		_ = json.Unmarshal(merged, &obj)
		f.objects[path] = obj
	}
	_ = json.NewEncoder(w).Encode(obj)
}

func fail(w http.ResponseWriter, code int) {
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(map[string]any{"kind": "Status", "code": code, "reason": http.StatusText(code)})
}
