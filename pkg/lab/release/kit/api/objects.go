package api

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/okd-install/okd-install/pkg/kube"
)

// ApplyObject gives the server's object the fields of o.
func (c *Client) ApplyObject(ctx context.Context, o *unstructured.Unstructured) error {
	ref, err := c.ref(ctx, o)
	if err == nil {
		err = c.Apply(ctx, ref, c.owner, o)
	}
	if err != nil {
		return fmt.Errorf("apply %s: %w", name(o), err)
	}
	return nil
}

// CreateObject makes an object unless it exists.
func (c *Client) CreateObject(ctx context.Context, o *unstructured.Unstructured) error {
	if err := c.CreateNew(ctx, o); err != nil && !apierrors.IsAlreadyExists(err) {
		return err
	}
	return nil
}

// CreateNew makes an object; one that exists is an error.
func (c *Client) CreateNew(ctx context.Context, o *unstructured.Unstructured) error {
	ref, err := c.ref(ctx, o)
	if err == nil {
		err = c.Create(ctx, ref.Kind, ref.Namespace, o.DeepCopy())
	}
	if err != nil {
		return fmt.Errorf("create %s: %w", name(o), err)
	}
	return nil
}

// CreateWithStatus makes an object unless it exists, and gives it the manifest's
// status if it has none. Kinds without the subresource take it on creation.
func (c *Client) CreateWithStatus(ctx context.Context, o *unstructured.Unstructured) error {
	if err := c.CreateObject(ctx, o); err != nil {
		return err
	}
	want, ok := o.Object["status"].(map[string]any)
	if !ok || len(want) == 0 {
		return nil
	}
	ref, err := c.ref(ctx, o)
	if err != nil {
		return err
	}
	live := &unstructured.Unstructured{}
	if err := c.Get(ctx, ref, live); err != nil {
		return fmt.Errorf("read %s: %w", name(o), err)
	}
	if have, ok := live.Object["status"].(map[string]any); ok && len(have) > 0 {
		return nil
	}
	live.Object["status"] = want
	if err := c.Update(ctx, ref, "status", live); err != nil && !kube.NotFound(err) {
		return fmt.Errorf("write status of %s: %w", name(o), err)
	}
	return nil
}

// resource is where the objects of a kind are.
type resource struct {
	kube.Kind
	namespaced bool
}

// freshLook bounds how often the server is asked again for a kind that is missing.
const freshLook = 200 * time.Millisecond

func (c *Client) ref(ctx context.Context, o *unstructured.Unstructured) (kube.Ref, error) {
	gvk := o.GroupVersionKind()
	c.mu.Lock()
	defer c.mu.Unlock()
	r, ok := c.known[gvk]
	if gv := gvk.GroupVersion(); !ok && time.Since(c.looked[gv]) >= freshLook {
		if err := c.discover(ctx, gv); err != nil {
			return kube.Ref{}, err
		}
		c.looked[gv] = time.Now()
		r, ok = c.known[gvk]
	}
	switch {
	case !ok:
		return kube.Ref{}, &meta.NoKindMatchError{GroupKind: gvk.GroupKind(), SearchedVersions: []string{gvk.Version}}
	case !r.namespaced:
		return r.Ref("", o.GetName()), nil
	case o.GetNamespace() == "":
		return r.Ref(metav1.NamespaceDefault, o.GetName()), nil
	}
	return r.Ref(o.GetNamespace(), o.GetName()), nil
}

// discover asks for the kinds of a group in a version.
func (c *Client) discover(ctx context.Context, gv schema.GroupVersion) error {
	path := "/apis/" + gv.String()
	if gv.Group == "" {
		path = "/api/" + gv.Version
	}
	raw, err := c.Raw(ctx, path, nil)
	if kube.NotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("ask for the kinds of %s: %w", gv, err)
	}
	var list metav1.APIResourceList
	if err := json.Unmarshal(raw, &list); err != nil {
		return fmt.Errorf("read the kinds of %s: %w", gv, err)
	}
	for _, r := range list.APIResources {
		if !strings.Contains(r.Name, "/") { // a subresource
			kind := kube.Kind{Group: gv.Group, Version: gv.Version, Plural: r.Name}
			c.known[gv.WithKind(r.Kind)] = resource{kind, r.Namespaced}
		}
	}
	return nil
}

func name(o *unstructured.Unstructured) string {
	if o.GetNamespace() != "" {
		return o.GetKind() + " " + o.GetNamespace() + "/" + o.GetName()
	}
	return o.GetKind() + " " + o.GetName()
}

// NodeAddress is the internal address of a node, empty while it has none.
func NodeAddress(n *corev1.Node) string {
	for _, a := range n.Status.Addresses {
		if a.Type == corev1.NodeInternalIP {
			return a.Address
		}
	}
	return ""
}

// EnsureConfigMap makes the data of a ConfigMap that of want.
func (c *Client) EnsureConfigMap(ctx context.Context, want *corev1.ConfigMap) error {
	var have corev1.ConfigMap
	return c.ensure(ctx, kube.ConfigMaps.Ref(want.Namespace, want.Name), want, &have, func() bool {
		same := equality.Semantic.DeepEqual(have.Data, want.Data)
		have.Data = want.Data
		return !same
	})
}

// EnsureSecret makes the data of a Secret that of want.
func (c *Client) EnsureSecret(ctx context.Context, want *corev1.Secret) error {
	var have corev1.Secret
	return c.ensure(ctx, kube.Secrets.Ref(want.Namespace, want.Name), want, &have, func() bool {
		same := equality.Semantic.DeepEqual(have.Data, want.Data)
		have.Data = want.Data
		return !same
	})
}

// ensure creates an object, or writes the one that exists if change changes it.
func (c *Client) ensure(ctx context.Context, r kube.Ref, want, have any, change func() bool) error {
	err := c.Get(ctx, r, have)
	switch {
	case kube.NotFound(err):
		err = c.Create(ctx, r.Kind, r.Namespace, want)
	case err == nil && change():
		err = c.Update(ctx, r, "", have)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", r, err)
	}
	return nil
}

// Make creates an object of a kind, a map or a pointer to a struct, unless it exists.
func (c *Client) Make(ctx context.Context, k kube.Kind, namespace string, object any) error {
	err := c.Create(ctx, k, namespace, &object) // what the server answers is read back, which a map cannot be
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("create one of %s: %w", k.Plural, err)
	}
	return nil
}
