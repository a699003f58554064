package kubetest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
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

// ServeHTTP answers one request.
func (c *Cluster) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if u, is := c.upgradeOf(r.URL.Path); is {
		u.ServeHTTP(w, r)
		return
	}
	c.mu.Lock()
	if c.down {
		c.mu.Unlock()
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_ = conn.Close()
		}
		return
	}
	changed, failed := c.handle(w, r)
	react := c.react
	c.mu.Unlock()
	if failed != nil {
		failed.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}
		failed.Status = metav1.StatusFailure
		w.WriteHeader(int(failed.Code))
		answer(w, failed)
	}
	if changed != "" && react != nil {
		react(changed)
	}
}

func refused(code int, reason metav1.StatusReason, format string, args ...any) *metav1.Status {
	return &metav1.Status{Code: int32(code), Reason: reason, Message: fmt.Sprintf(format, args...)}
}

func (c *Cluster) handle(w http.ResponseWriter, req *http.Request) (changed string, failed *metav1.Status) {
	if req.URL.Path == "/version" {
		answer(w, object{"gitVersion": "v1.34.3"})
		return "", nil
	}
	if c.discover(w, req.URL.Path) {
		return "", nil
	}
	r, served := c.parse(req.URL.Path)
	if !served {
		return "", refused(http.StatusNotFound, metav1.StatusReasonNotFound,
			"the server could not find the requested resource")
	}
	live := c.objects[r.path()]
	switch {
	case req.Method == http.MethodGet && r.name == "":
		return "", c.list(w, req, r)
	case live == nil && req.Method != http.MethodPost && !applies(req):
		return "", refused(http.StatusNotFound, metav1.StatusReasonNotFound, "%s %q not found", r.plural, r.name)
	case req.Method == http.MethodGet:
		answer(w, live.Object)
		return "", nil
	}
	return c.change(w, req, r, live)
}

func (c *Cluster) discover(w http.ResponseWriter, p string) bool {
	gv := strings.TrimPrefix(strings.TrimPrefix(p, "/apis/"), "/api/")
	var list []metav1.APIResource
	for _, k := range c.kinds {
		if k.GroupVersion().String() == gv {
			list = append(list, metav1.APIResource{Name: k.plural, Kind: k.Kind, Namespaced: k.namespaced})
		}
	}
	if list == nil {
		return false
	}
	answer(w, metav1.APIResourceList{GroupVersion: gv, APIResources: list})
	return true
}

func (c *Cluster) list(w http.ResponseWriter, req *http.Request, r resource) *metav1.Status {
	selector, err := labels.Parse(req.URL.Query().Get("labelSelector"))
	if err != nil {
		return refused(http.StatusBadRequest, metav1.StatusReasonBadRequest, "%v", err)
	}
	items := []any{}
	for _, p := range c.paths() {
		of, known := c.parse(p)
		o := c.objects[p]
		if known && of.servedKind == r.servedKind && (r.namespace == "" || of.namespace == r.namespace) &&
			selector.Matches(labels.Set(o.GetLabels())) {
			items = append(items, o.Object)
		}
	}
	answer(w, object{"apiVersion": r.GroupVersion().String(), "kind": r.Kind + "List", "items": items})
	return nil
}

func applies(req *http.Request) bool {
	return strings.Contains(req.Header.Get("Content-Type"), "apply-patch")
}

// change does a write.
func (c *Cluster) change(
	w http.ResponseWriter, req *http.Request, r resource, live *unstructured.Unstructured,
) (string, *metav1.Status) {
	dry := req.URL.Query().Get("dryRun") != ""
	if req.Method == http.MethodDelete {
		return c.delete(w, req, r, live, dry)
	}
	var body map[string]any
	if err := json.NewDecoder(req.Body).Decode(&body); err != nil {
		return "", refused(http.StatusBadRequest, metav1.StatusReasonBadRequest, "%v", err)
	}
	manager := cmp.Or(req.URL.Query().Get("fieldManager"), "client")
	next, failed := c.next(req, r, live, body, manager)
	if failed != nil {
		return "", failed
	}
	if r.namespace != "" && live == nil {
		ns := c.objects["/api/v1/namespaces/"+r.namespace]
		switch {
		case ns == nil:
			return "", refused(http.StatusNotFound, metav1.StatusReasonNotFound, "namespaces %q not found", r.namespace)
		case ns.GetDeletionTimestamp() != nil:
			return "", refused(http.StatusForbidden, metav1.StatusReasonForbidden, "unable to create new content in "+
				"namespace %s because it is being terminated", r.namespace)
		}
	}
	r.name = next.GetName()
	if c.admit != nil {
		if no := c.admit(Request{req.Method, r.path(), dry, next}); no != nil {
			return "", no
		}
	}
	if dry {
		answer(w, next.Object)
		return "", nil
	}
	c.writes = append(c.writes, req.Method+" "+req.URL.Path)
	if live != nil && same(live, next) {
		answer(w, live.Object)
		return "", nil
	}
	c.keep(r.path(), live, next)
	answer(w, c.objects[r.path()].Object)
	c.collect(r.path())
	return r.path(), nil
}

// next is the object that a write makes of one.
func (c *Cluster) next(
	req *http.Request, r resource, live *unstructured.Unstructured, body map[string]any, manager string,
) (*unstructured.Unstructured, *metav1.Status) {
	if applies(req) {
		if r.sub == "" {
			delete(body, "status")
		}
		return c.apply(r, live, body, manager, req.URL.Query().Get("force") == "true")
	}
	next := &unstructured.Unstructured{Object: body}
	switch req.Method {
	case http.MethodPost:
		if c.objects[r.servedKind.path(r.namespace)+"/"+next.GetName()] != nil {
			return nil, refused(http.StatusConflict, metav1.StatusReasonAlreadyExists, "%s already exists", next.GetName())
		}
		delete(body, "status")
	case http.MethodPatch:
		merged, err := merge(live.Object, body)
		if err != nil {
			return nil, refused(http.StatusBadRequest, metav1.StatusReasonBadRequest, "%v", err)
		}
		next = &unstructured.Unstructured{Object: merged}
	}
	if live != nil { // the object and its status are written apart
		part, whole := live.DeepCopy(), next.DeepCopy()
		if r.sub == "status" {
			part.Object["status"] = whole.Object["status"]
			next = part
		} else {
			whole.Object["status"] = part.Object["status"]
			next = whole
		}
	}
	next.SetGroupVersionKind(r.GroupVersionKind)
	next.SetNamespace(r.namespace)
	return c.updated(r, live, next, manager)
}

func (c *Cluster) delete(
	w http.ResponseWriter, req *http.Request, r resource, live *unstructured.Unstructured, dry bool,
) (string, *metav1.Status) {
	var options metav1.DeleteOptions
	_ = json.NewDecoder(req.Body).Decode(&options) // a body is not needed
	if p := options.Preconditions; p != nil && p.UID != nil && *p.UID != live.GetUID() {
		return "", refused(http.StatusConflict, metav1.StatusReasonConflict, "the UID in the precondition (%s) does not "+
			"match the UID in record (%s)", *p.UID, live.GetUID())
	}
	if c.admit != nil {
		if no := c.admit(Request{req.Method, r.path(), dry, nil}); no != nil {
			return "", no
		}
	}
	if !dry {
		c.writes = append(c.writes, req.Method+" "+req.URL.Path)
		c.remove(r.path())
	}
	answer(w, metav1.Status{Status: metav1.StatusSuccess})
	return r.path(), nil
}

// remove deletes an object and what it owns, or marks it while it has finalizers.
func (c *Cluster) remove(p string) {
	o := c.objects[p]
	if o == nil {
		return
	}
	now := metav1.Now()
	o.SetDeletionTimestamp(&now)
	c.version++
	o.SetResourceVersion(fmt.Sprint(c.version))
	if o.GetKind() == "Namespace" && o.GroupVersionKind().Group == "" {
		for _, in := range c.paths() {
			if strings.Contains(in, "/namespaces/"+o.GetName()+"/") {
				c.remove(in)
			}
		}
	}
	c.collect(p)
}

// collect takes an object away that is deleted and has no finalizer left.
func (c *Cluster) collect(p string) {
	o := c.objects[p]
	if o == nil || o.GetDeletionTimestamp() == nil || len(o.GetFinalizers()) > 0 {
		return
	}
	if o.GetKind() == "Namespace" && slices.ContainsFunc(c.paths(), func(in string) bool {
		return strings.Contains(in, "/namespaces/"+o.GetName()+"/")
	}) {
		return
	}
	delete(c.objects, p)
	if o.GetKind() == "CustomResourceDefinition" {
		c.undefine(o)
	}
	c.orphans(o.GetUID())
	if r, known := c.parse(p); known && r.namespace != "" {
		c.collect("/api/v1/namespaces/" + r.namespace)
	}
}

func (c *Cluster) orphans(uid types.UID) {
	for _, p := range c.paths() {
		o := c.objects[p]
		if o != nil && slices.ContainsFunc(o.GetOwnerReferences(),
			func(r metav1.OwnerReference) bool { return r.UID == uid }) {
			c.remove(p)
		}
	}
}
