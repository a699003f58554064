package nmstate

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/lab/virt/nmstate/link"
)

const (
	relook  = time.Minute      // between looks without a change
	retry   = time.Second      // after a failure, and while other nodes are changed
	lastFor = 30 * time.Second // after which a slot of nobody is free again
)

// Network is the node's.
type Network interface {
	// Apply makes it fit, or leaves it as it was.
	Apply(link.State) (undo func() error, err error)
	Current() ([]link.Shown, error)
}

// Handler gives one node the networks of policies.
type Handler struct {
	Client    *api.Client
	Clock     clock.Clock
	Log       *slog.Logger
	Node      string
	Namespace string // of the handlers' pods
	Network   Network
	// Reachable returns nil once the API server answers after a change.
	Reachable func(context.Context) error

	// applied are the generations of policies that this process has applied: a network
	// does not survive the node's reboot.
	applied map[string]int64
}

// Run works until ctx ends.
func (h *Handler) Run(ctx context.Context, watcher dynamic.Interface) error {
	h.applied = map[string]int64{}
	kinds := []kube.Kind{policies, enactments, kube.Nodes}
	for _, k := range kinds {
		for h.Client.List(ctx, k, "", new(any)) != nil {
			if h.Clock.Sleep(ctx, retry) != nil {
				return nil
			}
		}
	}
	return api.Follow(ctx, watcher, h.Clock, kinds, matters, func([][]any) time.Duration {
		again, err := h.round(ctx)
		if err != nil && ctx.Err() == nil {
			if !conflict(err) {
				h.Log.Error("cannot configure the node's network", "error", err)
			}
			return retry
		}
		return again
	})
}

// matters reports whether a change is more than a node's heartbeat.
func matters(before, after any) bool {
	b, ok := before.(*unstructured.Unstructured)
	a, also := after.(*unstructured.Unstructured)
	if !ok || !also || a.GetKind() != "Node" {
		return true
	}
	return !maps.Equal(b.GetLabels(), a.GetLabels()) || readiness(b) != readiness(a)
}

func readiness(u *unstructured.Unstructured) bool {
	n, err := api.Decoded[corev1.Node](u)
	return err == nil && nodeReady(n)
}

// cluster is what a round looks at.
type cluster struct {
	policies   []Policy
	enactments []Enactment
	nodes      []corev1.Node // with a handler
	self       corev1.Node
}

func (h *Handler) read(ctx context.Context) (cluster, error) {
	var c cluster
	var err error
	if c.policies, err = list[Policy](ctx, h.Client, policies, ""); err != nil {
		return c, err
	}
	if c.enactments, err = list[Enactment](ctx, h.Client, enactments, ""); err != nil {
		return c, err
	}
	nodes, err := list[corev1.Node](ctx, h.Client, kube.Nodes, "")
	if err != nil {
		return c, err
	}
	pods, err := list[corev1.Pod](ctx, h.Client, kube.Pods, h.Namespace)
	if err != nil {
		return c, err
	}
	for _, n := range nodes {
		if n.Name == h.Node {
			c.self = n
		}
		if slices.ContainsFunc(pods, func(p corev1.Pod) bool {
			return p.Spec.NodeName == n.Name && p.Labels["component"] == handlerName && p.DeletionTimestamp == nil
		}) {
			c.nodes = append(c.nodes, n)
		}
	}
	if c.self.Name == "" {
		return c, fmt.Errorf("there is no node %s", h.Node)
	}
	return c, nil
}

// candidates are the nodes that a policy is for.
func (c cluster) candidates(p Policy) []corev1.Node {
	return slices.DeleteFunc(slices.Clone(c.nodes), func(n corev1.Node) bool { return !p.matches(n) })
}

// round looks at every policy once.
func (h *Handler) round(ctx context.Context) (time.Duration, error) {
	c, err := h.read(ctx)
	if err != nil {
		return retry, err
	}
	again := relook
	for _, p := range c.policies {
		if !p.matches(c.self) {
			if err := h.forget(ctx, p.Name); err != nil {
				return retry, err
			}
			continue
		}
		done, err := h.enact(ctx, c, p)
		if err != nil {
			return retry, fmt.Errorf("policy %s: %w", p.Name, err)
		}
		if !done {
			again = retry
		}
	}
	for _, e := range c.enactments {
		gone := !slices.ContainsFunc(c.policies, func(p Policy) bool { return p.Name == e.Labels[policyLabel] })
		if gone && e.Labels[nodeLabel] == h.Node {
			if err := h.forget(ctx, e.Labels[policyLabel]); err != nil {
				return retry, err
			}
		}
	}
	if err := h.summarize(ctx); err != nil {
		return retry, err
	}
	return again, h.show(ctx)
}

// forget removes the node's enactment of a policy that is not for it any more. The network
// stays as it is.
func (h *Handler) forget(ctx context.Context, policy string) error {
	delete(h.applied, policy)
	err := h.Client.Delete(ctx, enactments.Ref("", h.Node+"."+policy))
	if kube.NotFound(err) {
		return nil
	}
	return err
}

// summarize writes the conditions of policies, as every handler does: the last one to
// finish tells how it ended.
func (h *Handler) summarize(ctx context.Context) error {
	c, err := h.read(ctx)
	if err != nil {
		return err
	}
	for _, p := range c.policies {
		before := slices.Clone(p.Status.Conditions)
		p.summary(c.candidates(p), c.enactments, h.Clock.Now())
		if slices.Equal(before, p.Status.Conditions) {
			continue
		}
		if err := h.Client.Update(ctx, policies.Ref("", p.Name), "status", &p); err != nil && !kube.NotFound(err) {
			return fmt.Errorf("write status of policy %s: %w", p.Name, err)
		}
	}
	return nil
}

func list[T any](ctx context.Context, c *api.Client, k kube.Kind, namespace string) ([]T, error) {
	var l struct {
		Items []T `json:"items"`
	}
	if err := c.List(ctx, k, namespace, &l); err != nil {
		return nil, fmt.Errorf("list %s: %w", k.Plural, err)
	}
	return l.Items, nil
}
