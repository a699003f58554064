// Package kube is what the lab's operators share to talk to the API server:
// connecting, applying objects of any kind, and reporting ClusterOperators.
package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
)

// Client talks to the API server with objects of any kind.
type Client struct {
	Dynamic dynamic.Interface
	Mapper  meta.ResettableRESTMapper
	Owner   string // field manager of what is applied

	mu        sync.Mutex
	lastReset time.Time
}

// Config reads a kubeconfig, or the pod's service account when path is empty.
func Config(path string) (*rest.Config, error) {
	var config *rest.Config
	var err error
	if path == "" {
		config, err = rest.InClusterConfig()
	} else {
		config, err = clientcmd.BuildConfigFromFlags("", path)
	}
	if err != nil {
		return nil, fmt.Errorf("configure API client: %w", err)
	}
	// The defaults (5 per second) would stretch the first pass over a
	// release's manifests to half a minute.
	config.QPS, config.Burst = 50, 100
	config.Timeout = 30 * time.Second
	return config, nil
}

// New connects with config; owner is the field manager of what is applied.
func New(config *rest.Config, owner string) (*Client, error) {
	dyn, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("make API client: %w", err)
	}
	disco, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("make discovery client: %w", err)
	}
	return &Client{Dynamic: dyn, Mapper: restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(disco)), Owner: owner}, nil
}

// Resource finds where objects of a kind live. A kind that is not known gets
// one fresh look at what the server has: its definition may be new.
func (c *Client) Resource(gvk schema.GroupVersionKind, namespace string) (dynamic.ResourceInterface, error) {
	mapping, err := c.Mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if meta.IsNoMatchError(err) && c.mayReset() {
		c.Mapper.Reset()
		mapping, err = c.Mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	}
	if err != nil {
		return nil, fmt.Errorf("find resource of %s: %w", gvk.Kind, err)
	}
	if mapping.Scope.Name() == meta.RESTScopeNameNamespace {
		return c.Dynamic.Resource(mapping.Resource).Namespace(namespace), nil
	}
	return c.Dynamic.Resource(mapping.Resource), nil
}

// mayReset limits discovery, which is costly for the server, to once a second.
func (c *Client) mayReset() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.lastReset) < time.Second {
		return false
	}
	c.lastReset = time.Now()
	return true
}

// Apply makes the server's object have the fields of o (server-side apply)
// and returns the result.
func (c *Client) Apply(ctx context.Context, o *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	r, err := c.Resource(o.GroupVersionKind(), o.GetNamespace())
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(o.Object)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", Name(o), err)
	}
	force := true
	out, err := r.Patch(ctx, o.GetName(), types.ApplyPatchType, data, metav1.PatchOptions{FieldManager: c.Owner, Force: &force})
	if err != nil {
		return nil, fmt.Errorf("apply %s: %w", Name(o), err)
	}
	return out, nil
}

// Create makes the object unless it exists.
func (c *Client) Create(ctx context.Context, o *unstructured.Unstructured) error {
	r, err := c.Resource(o.GroupVersionKind(), o.GetNamespace())
	if err != nil {
		return err
	}
	_, err = r.Create(ctx, o, metav1.CreateOptions{FieldManager: c.Owner})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("create %s: %w", Name(o), err)
	}
	return nil
}

// Get reads an object; a missing one or a missing kind is nil.
func (c *Client) Get(ctx context.Context, gvk schema.GroupVersionKind, namespace, name string) (*unstructured.Unstructured, error) {
	r, err := c.Resource(gvk, namespace)
	if err == nil {
		var o *unstructured.Unstructured
		if o, err = r.Get(ctx, name, metav1.GetOptions{}); err == nil {
			return o, nil
		}
	}
	if apierrors.IsNotFound(err) || meta.IsNoMatchError(errors.Unwrap(err)) {
		return nil, nil
	}
	return nil, fmt.Errorf("get %s %s: %w", gvk.Kind, name, err)
}

// Name says which object it is, for people.
func Name(o *unstructured.Unstructured) string {
	if o.GetNamespace() != "" {
		return o.GetKind() + " " + o.GetNamespace() + "/" + o.GetName()
	}
	return o.GetKind() + " " + o.GetName()
}
