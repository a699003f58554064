package kubetest

import (
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"
)

// Cluster is an API server for tests that depend on how objects are kept: it has discovery, owners of fields with
// server-side apply as the real one computes it, dry runs, UIDs, resource versions, label selectors, namespaces,
// finalizers and garbage collection by owner references. A Server is simpler.
type Cluster struct {
	t   testing.TB
	url string

	mu      sync.Mutex
	kinds   []servedKind
	objects map[string]*unstructured.Unstructured // by path
	version int
	writes  []string
	down    bool
	admit   func(Request) *metav1.Status
	react   func(path string)

	upgrades []upgrade
}

type servedKind struct {
	schema.GroupVersionKind
	plural     string
	namespaced bool
}

// Request is a write that an admission webhook sees.
type Request struct {
	Method, Path string
	DryRun       bool
	Object       *unstructured.Unstructured // as it would be stored; nil for a deletion
}

// NewCluster starts a server that ends with the test. It serves a few kinds of the core; Serve adds others, and
// CustomResourceDefinitions do.
func NewCluster(t testing.TB) *Cluster {
	t.Helper()
	c := &Cluster{t: t, objects: map[string]*unstructured.Unstructured{}, version: 1}
	srv := httptest.NewServer(c)
	t.Cleanup(srv.Close)
	c.url = srv.URL
	for _, k := range []string{"Namespace", "Node", "PersistentVolume"} {
		c.Serve("v1", k, false)
	}
	for _, k := range []string{"ConfigMap", "Secret", "Pod", "Service", "ServiceAccount", "Event",
		"PersistentVolumeClaim"} {
		c.Serve("v1", k, true)
	}
	c.Serve("apiextensions.k8s.io/v1", "CustomResourceDefinition", false)
	return c
}

// Config connects to the server.
func (c *Cluster) Config() *rest.Config { return &rest.Config{Host: c.url} }

// Serve makes the API serve a kind. Its plural is the usual one.
func (c *Cluster) Serve(apiVersion, kind string, namespaced bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	gv, err := schema.ParseGroupVersion(apiVersion)
	if err != nil {
		c.t.Fatal(err)
	}
	c.kinds = append(c.kinds, servedKind{gv.WithKind(kind), plural(kind), namespaced})
}

func plural(kind string) string {
	lower := strings.ToLower(kind)
	switch {
	case strings.HasSuffix(lower, "s") && !strings.HasSuffix(lower, "ss"): // already one, as in NetworkAddonsConfigs
		return lower
	case strings.HasSuffix(lower, "ss"):
		return lower + "es"
	case strings.HasSuffix(lower, "y"):
		return strings.TrimSuffix(lower, "y") + "ies"
	}
	return lower + "s"
}

// Admit has a webhook decide about each write: it returns the answer that refuses it, or nil.
func (c *Cluster) Admit(decide func(Request) *metav1.Status) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.admit = decide
}

// React calls a function after each write, with the path of the object: the operators of the cluster.
func (c *Cluster) React(do func(path string)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.react = do
}

// Down makes the server close every connection without an answer, or answer again.
func (c *Cluster) Down(down bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.down = down
}

// Writes are method and path of the writes since the last call, without dry runs.
func (c *Cluster) Writes() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := c.writes
	c.writes = nil
	return out
}

// Put stores an object as a controller of the cluster does, with its status. It returns its path.
func (c *Cluster) Put(manifest string) string {
	c.t.Helper()
	var content map[string]any
	if err := yaml.Unmarshal([]byte(manifest), &content); err != nil {
		c.t.Fatalf("%v\n%s", err, manifest)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	u := &unstructured.Unstructured{Object: content}
	p := c.pathOf(u)
	if p == "" {
		c.t.Fatalf("no kind %s is served", u.GroupVersionKind())
	}
	live := c.objects[p]
	if live != nil {
		u.SetUID(live.GetUID())
	}
	c.store(p, live, u, "controller")
	return p
}

// Merge changes an object as a controller of the cluster does: with a patch in YAML (RFC 7386).
func (c *Cluster) Merge(path, patch string) {
	c.t.Helper()
	var change map[string]any
	if err := yaml.Unmarshal([]byte(patch), &change); err != nil {
		c.t.Fatal(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	live := c.objects[path]
	if live == nil {
		return // deleted meanwhile, as happens to controllers
	}
	merged, err := merge(live.Object, change)
	if err != nil {
		c.t.Fatal(err)
	}
	c.store(path, live, &unstructured.Unstructured{Object: merged}, "controller")
	c.collect(path)
}

// Remove deletes an object as a controller of the cluster does.
func (c *Cluster) Remove(path string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.remove(path)
}

// Get returns the object under a path, nil if there is none.
func (c *Cluster) Get(path string) map[string]any {
	c.mu.Lock()
	defer c.mu.Unlock()
	if o := c.objects[path]; o != nil {
		return o.DeepCopy().Object
	}
	return nil
}

// Versions are the resource versions of all objects, by path.
func (c *Cluster) Versions() map[string]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := map[string]string{}
	for p, o := range c.objects {
		out[p] = o.GetResourceVersion()
	}
	return out
}

// Paths are those of all objects.
func (c *Cluster) Paths() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.paths()
}

func (c *Cluster) paths() (out []string) {
	for p := range c.objects {
		out = append(out, p)
	}
	slices.Sort(out)
	return out
}

func (c *Cluster) pathOf(u *unstructured.Unstructured) string {
	for _, k := range c.kinds {
		if k.GroupVersionKind == u.GroupVersionKind() {
			return k.path(u.GetNamespace()) + "/" + u.GetName()
		}
	}
	return ""
}

func (k servedKind) path(namespace string) string {
	p := "/apis/" + k.Group + "/" + k.Version
	if k.Group == "" {
		p = "/api/" + k.Version
	}
	if k.namespaced && namespace != "" {
		p += "/namespaces/" + namespace
	}
	return p + "/" + k.plural
}

// resource is what a path names.
type resource struct {
	servedKind
	namespace, name, sub string
}

func (r resource) path() string { return r.servedKind.path(r.namespace) + "/" + r.name }

func (c *Cluster) parse(p string) (resource, bool) {
	words := strings.Split(strings.Trim(p, "/"), "/")
	var r resource
	var gv schema.GroupVersion
	switch {
	case len(words) > 2 && words[0] == "api":
		gv, words = schema.GroupVersion{Version: words[1]}, words[2:]
	case len(words) > 3 && words[0] == "apis":
		gv, words = schema.GroupVersion{Group: words[1], Version: words[2]}, words[3:]
	default:
		return r, false
	}
	if len(words) > 2 && words[0] == "namespaces" && words[2] != "status" && words[2] != "finalize" {
		r.namespace, words = words[1], words[2:]
	}
	for i, into := range []*string{&r.plural, &r.name, &r.sub} {
		if i < len(words) {
			*into = words[i]
		}
	}
	for _, k := range c.kinds {
		if k.GroupVersion() == gv && k.plural == r.plural {
			r.servedKind = k
			return r, true
		}
	}
	return r, false
}
