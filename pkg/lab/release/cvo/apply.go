package cvo

import (
	"context"
	"fmt"
	"net/url"
	"slices"

	configv1 "github.com/openshift/api/config/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// writer is what applying needs of the API server.
type writer interface {
	ApplyObject(ctx context.Context, o *unstructured.Unstructured) error
	CreateObject(ctx context.Context, o *unstructured.Unstructured) error
}

// applier brings the payload's objects to the API server.
type applier struct {
	api       writer
	overrides []configv1.ComponentOverride
	internal  string // Infrastructure's apiServerInternalURL, empty while unknown
}

func (a applier) put(ctx context.Context, o *unstructured.Unstructured) error {
	if a.unmanaged(o) {
		return nil
	}
	// Its operator writes a ClusterOperator; the payload only says that there is one.
	if isClusterOperator(o) || o.GetAnnotations()["release.openshift.io/create-only"] == "true" {
		return a.api.CreateObject(ctx, o)
	}
	o = o.DeepCopy()
	if a.internal != "" {
		if err := setServiceHost(o, a.internal); err != nil {
			return err
		}
	}
	return a.api.ApplyObject(ctx, o)
}

func isClusterOperator(o *unstructured.Unstructured) bool {
	gvk := o.GroupVersionKind()
	return gvk.Group == configv1.GroupName && gvk.Kind == "ClusterOperator"
}

// unmanaged reports whether spec.overrides leaves the object to the user.
func (a applier) unmanaged(o *unstructured.Unstructured) bool {
	gvk := o.GroupVersionKind()
	return slices.ContainsFunc(a.overrides, func(c configv1.ComponentOverride) bool {
		return c.Unmanaged && c.Kind == gvk.Kind && c.Group == gvk.Group &&
			c.Namespace == o.GetNamespace() && c.Name == o.GetName()
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

// setServiceHost changes containers that name KUBERNETES_SERVICE_HOST: those pods
// run before there is a service network.
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
		// The list is the object's own, which is changed in place.
		list, _, _ := unstructured.NestedFieldNoCopy(o.Object, append(slices.Clone(path), field)...)
		containers, _ := list.([]any)
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
	}
	return nil
}

func hasName(list []any, name string) bool {
	return slices.ContainsFunc(list, func(e any) bool {
		m, _ := e.(map[string]any)
		return m["name"] == name
	})
}
