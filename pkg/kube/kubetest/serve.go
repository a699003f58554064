package kubetest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
)

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
