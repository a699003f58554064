package cvo

import (
	"context"
	"fmt"
	"net/url"
	"slices"

	configv1 "github.com/openshift/api/config/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// api is what applying needs of the API server.
type api interface {
	Apply(ctx context.Context, o *unstructured.Unstructured) (*unstructured.Unstructured, error)
	Create(ctx context.Context, o *unstructured.Unstructured) error
}

// applier brings the payload's objects to the API server.
type applier struct {
	api       api
	overrides []configv1.ComponentOverride
	internal  string // Infrastructure's apiServerInternalURL, empty while unknown
}

// pass applies the manifests in order and returns those that failed, with the
// causes. It does not stop at a failure: on a new cluster what a manifest
// needs (a namespace, a definition) may be brought by others, and the next
// pass finds it.
func (a applier) pass(ctx context.Context, manifests []manifest) (failed []manifest, causes []error) {
	for _, m := range manifests {
		if ctx.Err() != nil {
			return append(failed, m), append(causes, ctx.Err())
		}
		if a.unmanaged(m.Object) {
			continue
		}
		if err := a.one(ctx, m.Object); err != nil {
			failed = append(failed, m)
			causes = append(causes, fmt.Errorf("%s: %w", m.File, err))
		}
	}
	return failed, causes
}

func (a applier) one(ctx context.Context, o *unstructured.Unstructured) error {
	// The operator that owns a ClusterOperator writes its status; the payload
	// only says that there is one.
	if isClusterOperator(o) || o.GetAnnotations()["release.openshift.io/create-only"] == "true" {
		return a.api.Create(ctx, o)
	}
	o = o.DeepCopy()
	if a.internal != "" {
		if err := setServiceHost(o, a.internal); err != nil {
			return err
		}
	}
	_, err := a.api.Apply(ctx, o)
	return err
}

func isClusterOperator(o *unstructured.Unstructured) bool {
	gvk := o.GroupVersionKind()
	return gvk.Group == configv1.GroupName && gvk.Kind == "ClusterOperator"
}

// unmanaged says whether spec.overrides takes the object out of our hands.
func (a applier) unmanaged(o *unstructured.Unstructured) bool {
	gvk := o.GroupVersionKind()
	return slices.ContainsFunc(a.overrides, func(c configv1.ComponentOverride) bool {
		return c.Unmanaged && c.Kind == gvk.Kind && c.Group == gvk.Group && c.Namespace == o.GetNamespace() && c.Name == o.GetName()
	})
}

// Where the pod template is in the kinds that have one.
var podSpecs = map[string][]string{
	"Deployment":  {"spec", "template", "spec"},
	"DaemonSet":   {"spec", "template", "spec"},
	"StatefulSet": {"spec", "template", "spec"},
	"Job":         {"spec", "template", "spec"},
	"CronJob":     {"spec", "jobTemplate", "spec", "template", "spec"},
}

// setServiceHost points containers that name KUBERNETES_SERVICE_HOST to the
// internal load balancer: those pods run before there is a service network.
func setServiceHost(o *unstructured.Unstructured, internal string) error {
	path, ok := podSpecs[o.GetKind()]
	if !ok {
		return nil
	}
	u, err := url.Parse(internal)
	if err != nil || u.Hostname() == "" {
		return fmt.Errorf("parse internal API URL %q: %w", internal, err)
	}
	values := map[string]string{"KUBERNETES_SERVICE_HOST": u.Hostname(), "KUBERNETES_SERVICE_PORT": u.Port()}
	for _, field := range []string{"initContainers", "containers"} {
		containers, found, err := unstructured.NestedSlice(o.Object, append(slices.Clone(path), field)...)
		if err != nil || !found {
			continue
		}
		for _, c := range containers {
			container, _ := c.(map[string]any)
			env, _ := container["env"].([]any)
			if !hasName(env, "KUBERNETES_SERVICE_HOST") {
				continue
			}
			for _, e := range env {
				variable, _ := e.(map[string]any)
				name, _ := variable["name"].(string)
				if v := values[name]; v != "" {
					variable["value"] = v
				}
			}
		}
		if err := unstructured.SetNestedSlice(o.Object, containers, append(slices.Clone(path), field)...); err != nil {
			return err
		}
	}
	return nil
}

func hasName(list []any, name string) bool {
	return slices.ContainsFunc(list, func(e any) bool {
		m, _ := e.(map[string]any)
		return m["name"] == name
	})
}

func toUnstructured(object map[string]any) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: object}
}
