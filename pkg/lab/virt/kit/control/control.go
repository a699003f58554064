// Package control runs the lab's virtualization operators: each looks at all of its objects whenever one of them
// changes, as there are few.
package control

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
)

const (
	retry = time.Second            // after a failure
	quiet = 100 * time.Millisecond // changes that come together are looked at together
)

// Controller looks at objects when they change.
type Controller struct {
	Name   string
	Client *api.Client
	Clock  clock.Clock
	Log    *slog.Logger
	Kinds  []kube.Kind // whose changes count; their definitions must exist
	// Round brings the world closer to what the objects want. It runs again after what it returns (0: only after a
	// change), or after a second if it fails.
	Round func(context.Context) (again time.Duration, err error)
}

// Run works until ctx ends.
func (c Controller) Run(ctx context.Context) error {
	for _, k := range c.Kinds {
		if err := c.await(ctx, k); err != nil {
			return err
		}
	}
	watcher, err := c.Client.Watcher()
	if err != nil {
		return fmt.Errorf("set up watches of %s: %w", c.Name, err)
	}
	last := ""
	return api.Follow(ctx, watcher, c.Clock, c.Kinds, matters, func([][]any) time.Duration {
		if c.Clock.Sleep(ctx, quiet) != nil {
			return 0
		}
		again, err := c.Round(ctx)
		switch {
		case ctx.Err() != nil || err == nil && last == "":
		case err == nil:
			c.Log.Info("works again", "controller", c.Name)
			last = ""
		case Conflict(err):
			return quiet
		default:
			if err.Error() != last {
				c.Log.Error("failed", "controller", c.Name, "error", err)
			}
			last = err.Error()
		}
		if err != nil {
			return retry
		}
		return again
	})
}

// await waits for a kind's definition: a watch of one that is missing would only log errors.
func (c Controller) await(ctx context.Context, k kube.Kind) error {
	said := false
	for {
		_, err := c.Client.Raw(ctx, k.Path(), map[string][]string{"limit": {"1"}})
		if err == nil {
			return nil
		}
		if !said {
			c.Log.Info("waiting", "controller", c.Name, "for", k.Plural, "cause", err)
			said = true
		}
		if err := c.Clock.Sleep(ctx, retry); err != nil {
			return nil
		}
	}
}

// matters reports whether a change is more than a heartbeat.
func matters(before, after any) bool {
	b, ok := before.(*unstructured.Unstructured)
	a, also := after.(*unstructured.Unstructured)
	if !ok || !also {
		return true
	}
	if b.GetResourceVersion() == a.GetResourceVersion() {
		return false
	}
	if a.GetKind() == "Node" {
		return !reflect.DeepEqual(b.GetLabels(), a.GetLabels())
	}
	return true
}

// Conflict reports whether an error says that an object was changed by somebody else at the same time, or made.
func Conflict(err error) bool { return apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) }

// Kind is a kind with its name, which objects need.
type Kind struct {
	kube.Kind
	Name string
}

// GVK is the kind as Kubernetes' libraries name it.
func (k Kind) GVK() schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: k.Group, Version: k.Version, Kind: k.Name}
}

// New is an empty object of the kind.
func (k Kind) New(namespace, name string) *unstructured.Unstructured {
	u := &unstructured.Unstructured{Object: map[string]any{}}
	u.SetGroupVersionKind(k.GVK())
	u.SetNamespace(namespace)
	u.SetName(name)
	return u
}

// Find reads an object; nil if there is none.
func Find(ctx context.Context, c *api.Client, k kube.Kind, namespace, name string) (*unstructured.Unstructured, error) {
	u := &unstructured.Unstructured{}
	err := c.Get(ctx, k.Ref(namespace, name), u)
	if kube.NotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", k.Ref(namespace, name), err)
	}
	return u, nil
}

// FindAs is Find in a type.
func FindAs[T any](ctx context.Context, c *api.Client, k kube.Kind, namespace, name string) (*T, error) {
	var out T
	err := c.Get(ctx, k.Ref(namespace, name), &out)
	if kube.NotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", k.Ref(namespace, name), err)
	}
	return &out, nil
}

// All are the objects of a kind; none if there is no such kind.
func All[T any](ctx context.Context, c *api.Client, k kube.Kind, namespace string) ([]T, error) {
	var l struct {
		Items []T `json:"items"`
	}
	if err := c.List(ctx, k, namespace, &l); err != nil && !kube.NotFound(err) {
		return nil, fmt.Errorf("list %s: %w", k.Plural, err)
	}
	return l.Items, nil
}

// Gone removes an object and reports whether it is not there any more.
func Gone(ctx context.Context, c *api.Client, k kube.Kind, namespace, name string) (bool, error) {
	u, err := Find(ctx, c, k, namespace, name)
	if err != nil || u == nil {
		return u == nil && err == nil, err
	}
	if u.GetDeletionTimestamp() != nil {
		return false, nil
	}
	if err := c.Delete(ctx, k.Ref(namespace, name)); err != nil && !kube.NotFound(err) {
		return false, fmt.Errorf("delete %s: %w", k.Ref(namespace, name), err)
	}
	return false, nil
}

// Event is what is said about an object, once for each combination of reason and message.
func Event(ctx context.Context, c *api.Client, now time.Time, component string, o metav1.Object,
	gvk schema.GroupVersionKind, kind, reason, message string) error {
	namespace := o.GetNamespace()
	if namespace == "" {
		namespace = metav1.NamespaceDefault
	}
	stamp := metav1.NewTime(now)
	apiVersion, name := gvk.ToAPIVersionAndKind()
	event := map[string]any{
		"apiVersion": "v1", "kind": "Event", "type": kind, "reason": reason, "message": message, "count": 1,
		"firstTimestamp": stamp, "lastTimestamp": stamp,
		"metadata": map[string]any{"name": eventName(o, kind, reason, message), "namespace": namespace},
		"source":   map[string]any{"component": component},
		"involvedObject": map[string]any{"apiVersion": apiVersion, "kind": name, "namespace": o.GetNamespace(),
			"name": o.GetName(), "uid": o.GetUID()},
	}
	return c.Make(ctx, kube.Events, namespace, event)
}

// Health serves what the kubelet asks an operator.
func Health(address string, ready func() error) *http.Server {
	mux := http.NewServeMux()
	ok := func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") }
	mux.HandleFunc("/livez", ok)
	mux.HandleFunc("/healthz", ok)
	mux.HandleFunc("/readyz", func(w http.ResponseWriter, r *http.Request) {
		if ready != nil {
			if err := ready(); err != nil {
				http.Error(w, err.Error(), http.StatusServiceUnavailable)
				return
			}
		}
		ok(w, r)
	})
	return &http.Server{Addr: address, Handler: mux}
}

// Same reports whether two values have the same JSON.
func Same(a, b any) bool {
	x, err := json.Marshal(a)
	if err != nil {
		return false
	}
	y, err := json.Marshal(b)
	return err == nil && string(x) == string(y)
}
