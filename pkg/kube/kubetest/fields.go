package kubetest

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/google/uuid"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/managedfields"
)

// oneVersion is what the manager of fields needs to know of kinds: they have one version, and no defaults.
type oneVersion struct{}

func (oneVersion) Convert(in, out, _ any) error {
	from, isFrom := in.(*unstructured.Unstructured)
	to, isTo := out.(*unstructured.Unstructured)
	if !isFrom || !isTo {
		return errors.New("only unstructured objects can be converted")
	}
	to.Object = from.DeepCopy().Object
	return nil
}

func (oneVersion) ConvertToVersion(in runtime.Object, _ runtime.GroupVersioner) (runtime.Object, error) {
	return in, nil
}

func (oneVersion) ConvertFieldLabel(_ schema.GroupVersionKind, label, value string) (string, string, error) {
	return label, value, nil
}

func (oneVersion) Default(runtime.Object) {}

func (oneVersion) New(kind schema.GroupVersionKind) (runtime.Object, error) {
	u := &unstructured.Unstructured{}
	u.SetGroupVersionKind(kind)
	return u, nil
}

func manager(kind schema.GroupVersionKind) (*managedfields.FieldManager, error) {
	return managedfields.NewDefaultCRDFieldManager(managedfields.NewDeducedTypeConverter(), oneVersion{}, oneVersion{},
		oneVersion{}, kind, kind.GroupVersion(), "", nil)
}

// apply is the object with what an owner applies.
func (c *Cluster) apply(
	r resource, live *unstructured.Unstructured, body map[string]any, owner string, force bool,
) (*unstructured.Unstructured, *metav1.Status) {
	applied := &unstructured.Unstructured{Object: body}
	if applied.GetName() != r.name || applied.GroupVersionKind() != r.GroupVersionKind {
		return nil, refused(http.StatusBadRequest, metav1.StatusReasonBadRequest, "kind or name do not fit the path")
	}
	applied.SetNamespace(r.namespace)
	base := c.empty(r)
	if live != nil {
		base = live.DeepCopy()
	}
	m, err := manager(r.GroupVersionKind)
	if err != nil {
		return nil, refused(http.StatusInternalServerError, metav1.StatusReasonInternalError, "%v", err)
	}
	out, err := m.Apply(base, applied, owner, force)
	if err != nil {
		var status apierrors.APIStatus
		if errors.As(err, &status) {
			s := status.Status()
			return nil, &s
		}
		return nil, refused(http.StatusBadRequest, metav1.StatusReasonBadRequest, "%v", err)
	}
	next, isObject := out.(*unstructured.Unstructured)
	if !isObject {
		return nil, refused(http.StatusInternalServerError, metav1.StatusReasonInternalError, "no object came out")
	}
	return next, nil
}

// updated is next with its managed fields.
func (c *Cluster) updated(
	r resource, live, next *unstructured.Unstructured, owner string,
) (*unstructured.Unstructured, *metav1.Status) {
	base := c.empty(r)
	if live != nil {
		base = live.DeepCopy()
	}
	m, err := manager(r.GroupVersionKind)
	if err != nil {
		return nil, refused(http.StatusInternalServerError, metav1.StatusReasonInternalError, "%v", err)
	}
	out, err := m.Update(base, next, owner)
	if err != nil {
		return nil, refused(http.StatusBadRequest, metav1.StatusReasonBadRequest, "%v", err)
	}
	u, isObject := out.(*unstructured.Unstructured)
	if !isObject {
		return nil, refused(http.StatusInternalServerError, metav1.StatusReasonInternalError, "no object came out")
	}
	return u, nil
}

func (c *Cluster) empty(r resource) *unstructured.Unstructured {
	u := &unstructured.Unstructured{Object: map[string]any{}}
	u.SetGroupVersionKind(r.GroupVersionKind)
	return u
}

// same reports whether a write changes nothing but times.
func same(live, next *unstructured.Unstructured) bool {
	a, b := live.DeepCopy(), next.DeepCopy()
	for _, o := range []*unstructured.Unstructured{a, b} {
		fields := o.GetManagedFields()
		for i := range fields {
			fields[i].Time = nil
		}
		o.SetManagedFields(fields)
		o.SetUID(live.GetUID())
		o.SetCreationTimestamp(live.GetCreationTimestamp())
		o.SetResourceVersion("")
		o.SetGeneration(0)
		if o.Object["status"] == nil {
			delete(o.Object, "status")
		}
	}
	return equality.Semantic.DeepEqual(a.Object, b.Object)
}

// store keeps an object that a controller writes.
func (c *Cluster) store(p string, live, next *unstructured.Unstructured, owner string) {
	c.t.Helper()
	r, known := c.parse(p)
	if !known {
		c.t.Fatalf("no kind is served at %s", p)
	}
	u, failed := c.updated(r, live, next, owner)
	if failed != nil {
		c.t.Fatalf("store %s: %s", p, failed.Message)
	}
	if live != nil && same(live, u) {
		return
	}
	c.keep(p, live, u)
}

// keep stores an object with the server's own fields.
func (c *Cluster) keep(p string, live, next *unstructured.Unstructured) {
	c.version++
	next = next.DeepCopy()
	if next.Object["status"] == nil {
		delete(next.Object, "status")
	}
	next.SetResourceVersion(fmt.Sprint(c.version))
	if live == nil {
		next.SetUID(types.UID(uuid.NewString()))
		next.SetCreationTimestamp(metav1.Now())
		next.SetGeneration(1)
	} else {
		next.SetUID(live.GetUID())
		next.SetCreationTimestamp(live.GetCreationTimestamp())
		next.SetGeneration(live.GetGeneration())
		if !equality.Semantic.DeepEqual(live.Object["spec"], next.Object["spec"]) {
			next.SetGeneration(live.GetGeneration() + 1)
		}
	}
	c.objects[p] = next
	if next.GetKind() == "CustomResourceDefinition" {
		c.define(next)
	}
}

// define makes the API serve what a CustomResourceDefinition says.
func (c *Cluster) define(crd *unstructured.Unstructured) {
	c.undefine(crd)
	group, _, _ := unstructured.NestedString(crd.Object, "spec", "group")
	kind, _, _ := unstructured.NestedString(crd.Object, "spec", "names", "kind")
	plural, _, _ := unstructured.NestedString(crd.Object, "spec", "names", "plural")
	scope, _, _ := unstructured.NestedString(crd.Object, "spec", "scope")
	versions, _, _ := unstructured.NestedSlice(crd.Object, "spec", "versions")
	for _, v := range versions {
		m, _ := v.(map[string]any)
		name, _ := m["name"].(string)
		gvk := schema.GroupVersionKind{Group: group, Version: name, Kind: kind}
		c.kinds = append(c.kinds, servedKind{gvk, plural, scope == "Namespaced"})
	}
}

// undefine takes kinds away, with their objects.
func (c *Cluster) undefine(crd *unstructured.Unstructured) {
	plural, group, _ := strings.Cut(crd.GetName(), ".")
	var left []servedKind
	for _, k := range c.kinds {
		if k.plural != plural || k.Group != group {
			left = append(left, k)
		}
	}
	if c.objects["/apis/apiextensions.k8s.io/v1/customresourcedefinitions/"+crd.GetName()] == nil {
		for _, p := range c.paths() {
			if r, known := c.parse(p); known && r.plural == plural && r.Group == group {
				delete(c.objects, p)
			}
		}
	}
	c.kinds = left
}
