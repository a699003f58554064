// Package kubetest is the fake cluster of tests. A Server keeps objects in memory and
// speaks as much of the protocol as package kube does; an Installation is what the
// API shows while a cluster is installed.
package kubetest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"
)

// Server is one API server.
type Server struct {
	t   testing.TB
	url string

	mu      sync.Mutex
	objects map[string]map[string]any // by path
	kinds   map[string][]metav1.APIResource
	writes  []string
	refuse  func(method, path string) (status int)
	date    string
}

// New starts a server that ends with the test.
func New(t testing.TB) *Server {
	t.Helper()
	s := &Server{t: t, objects: map[string]map[string]any{}, kinds: map[string][]metav1.APIResource{}}
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	s.url = srv.URL
	s.Set("/version", map[string]any{"gitVersion": "v1.34.3"})
	return s
}

// Config connects to the server.
func (s *Server) Config() *rest.Config { return &rest.Config{Host: s.url} }

// Put stores an object, given in YAML, under its path, such as /api/v1/nodes/a.
func (s *Server) Put(path string, manifest []byte) {
	s.t.Helper()
	var obj map[string]any
	if err := yaml.Unmarshal(manifest, &obj); err != nil {
		s.t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects[path] = obj
}

// Set stores an object, or a list, that is given as a value.
func (s *Server) Set(path string, object any) {
	s.t.Helper()
	raw, err := json.Marshal(object)
	if err != nil {
		s.t.Fatal(err)
	}
	s.Put(path, raw)
}

// Date sets the Date header of answers, which is the true time by default.
func (s *Server) Date(value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.date = value
}

// Get reads the object under a path into a value and reports whether there is one.
func (s *Server) Get(path string, into any) bool {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	obj, ok := s.objects[path]
	raw, err := json.Marshal(obj)
	if err == nil {
		err = json.Unmarshal(raw, into)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return ok
}

// Define makes discovery list kinds of a group in a version, such as apps/v1. A resource NAME/status is the
// subresource, without which a kind takes its status when it is created.
func (s *Server) Define(groupVersion string, kinds ...metav1.APIResource) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kinds[groupVersion] = append(s.kinds[groupVersion], kinds...)
}

// Refuse has a function decide about each write first: it returns the HTTP status to answer with, or 0 to go on.
func (s *Server) Refuse(decide func(method, path string) (status int)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = decide
}

// Writes are method and path of the writes since the last call.
func (s *Server) Writes() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.writes
	s.writes = nil
	return out
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.date != "" {
		w.Header().Set("Date", s.date)
	}
	if r.Method == http.MethodGet {
		s.read(w, r.URL.Path)
		return
	}
	s.writes = append(s.writes, r.Method+" "+r.URL.Path)
	if s.refuse != nil {
		if code := s.refuse(r.Method, r.URL.Path); code != 0 {
			fail(w, code, "")
			return
		}
	}
	var body map[string]any
	if r.Method != http.MethodDelete {
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			fail(w, http.StatusBadRequest, "")
			return
		}
	}
	s.write(w, r, body)
}

func (s *Server) read(w http.ResponseWriter, path string) {
	group := strings.TrimPrefix(strings.TrimPrefix(path, "/apis/"), "/api/")
	if kinds, ok := s.kinds[group]; ok {
		answer(w, metav1.APIResourceList{GroupVersion: group, APIResources: kinds})
		return
	}
	if obj, ok := s.objects[path]; ok {
		answer(w, obj)
		return
	}
	var items []any
	for p, o := range s.objects {
		if of := p[:strings.LastIndex(p, "/")]; of == path || everywhere(of) == path {
			items = append(items, o)
		}
	}
	if len(items) == 0 {
		fail(w, http.StatusNotFound, metav1.StatusReasonNotFound)
		return
	}
	answer(w, map[string]any{"items": items})
}

// everywhere is where the objects of a namespace are listed with those of others.
func everywhere(collection string) string {
	group, rest, found := strings.Cut(collection, "/namespaces/")
	_, plural, in := strings.Cut(rest, "/")
	if !found || !in {
		return collection
	}
	return group + "/" + plural
}

func (s *Server) write(w http.ResponseWriter, r *http.Request, body map[string]any) {
	if pod, evicted := strings.CutSuffix(r.URL.Path, "/eviction"); evicted {
		if _, exists := s.objects[pod]; !exists {
			fail(w, http.StatusNotFound, metav1.StatusReasonNotFound)
			return
		}
		delete(s.objects, pod)
		answer(w, metav1.Status{Status: metav1.StatusSuccess})
		return
	}
	path, status := strings.CutSuffix(r.URL.Path, "/status")
	obj, exists := s.objects[path]
	switch r.Method {
	case http.MethodPost:
		meta, _ := body["metadata"].(map[string]any)
		name, _ := meta["name"].(string)
		collection := path
		path += "/" + name
		if _, taken := s.objects[path]; taken {
			fail(w, http.StatusConflict, metav1.StatusReasonAlreadyExists)
			return
		}
		if s.hasStatus(collection) {
			delete(body, "status")
		}
		obj = body
	case http.MethodDelete:
		delete(s.objects, path)
		answer(w, metav1.Status{Status: metav1.StatusSuccess})
		return
	case http.MethodPut, http.MethodPatch:
		apply := strings.Contains(r.Header.Get("Content-Type"), "apply-patch")
		if !exists && !apply {
			fail(w, http.StatusNotFound, metav1.StatusReasonNotFound)
			return
		}
		// A write of the object leaves its status alone, and the other way round.
		if status {
			body = map[string]any{"status": body["status"]}
		} else {
			delete(body, "status")
		}
		merged, err := merge(obj, body)
		if err != nil {
			fail(w, http.StatusBadRequest, metav1.StatusReasonBadRequest)
			return
		}
		obj = merged
	}
	s.objects[path] = obj
	answer(w, obj)
}

func (s *Server) hasStatus(collection string) bool {
	plural := collection[strings.LastIndex(collection, "/")+1:]
	for _, kinds := range s.kinds {
		for _, k := range kinds {
			if k.Name == plural+"/status" {
				return true
			}
		}
	}
	return false
}

func merge(obj, patch map[string]any) (map[string]any, error) {
	if obj == nil {
		obj = map[string]any{}
	}
	before, err := json.Marshal(obj)
	if err != nil {
		return nil, err
	}
	change, err := json.Marshal(patch)
	if err != nil {
		return nil, err
	}
	raw, err := jsonpatch.MergePatch(before, change)
	if err != nil {
		return nil, err
	}
	var out map[string]any
	return out, json.Unmarshal(raw, &out)
}

func answer(w http.ResponseWriter, v any) { _ = json.NewEncoder(w).Encode(v) }

func fail(w http.ResponseWriter, code int, reason metav1.StatusReason) {
	w.WriteHeader(code)
	answer(w, metav1.Status{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"},
		Status:   metav1.StatusFailure, Code: int32(code), Reason: reason, Message: http.StatusText(code),
	})
}
