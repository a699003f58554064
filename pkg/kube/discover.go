package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Resource is a kind as the API serves it.
type Resource struct {
	Kind
	Namespaced bool
}

// Object names an object of the kind. Objects of cluster-wide kinds have no namespace, others are in default without
// one.
func (r Resource) Object(namespace, name string) Ref {
	switch {
	case !r.Namespaced:
		namespace = ""
	case namespace == "":
		namespace = metav1.NamespaceDefault
	}
	return r.Ref(namespace, name)
}

// NoKind says that the API has answered, and serves no such kind.
type NoKind struct{ APIVersion, Kind string }

func (e *NoKind) Error() string {
	return fmt.Sprintf("the API serves no kind %s of %s", e.Kind, e.APIVersion)
}

// Find asks the API how it serves a kind. The error is a *NoKind if it does not.
func (c *Client) Find(ctx context.Context, apiVersion, kind string) (Resource, error) {
	c.mu.Lock()
	r, known := c.found[apiVersion+" "+kind]
	c.mu.Unlock()
	if known {
		return r, nil
	}
	group, version, grouped := strings.Cut(apiVersion, "/")
	p := "/apis/" + apiVersion
	if !grouped {
		group, version, p = "", apiVersion, "/api/"+apiVersion
	}
	raw, err := c.Raw(ctx, p, nil)
	switch {
	case NotFound(err):
		return Resource{}, &NoKind{apiVersion, kind}
	case err != nil:
		return Resource{}, err
	}
	var list metav1.APIResourceList
	if err := json.Unmarshal(raw, &list); err != nil {
		return Resource{}, fmt.Errorf("read the kinds of %s: %w", apiVersion, err)
	}
	for _, served := range list.APIResources {
		if served.Kind != kind || strings.Contains(served.Name, "/") { // a subresource
			continue
		}
		r := Resource{Kind{group, version, served.Name}, served.Namespaced}
		c.mu.Lock()
		c.found[apiVersion+" "+kind] = r
		c.mu.Unlock()
		return r, nil
	}
	return Resource{}, &NoKind{apiVersion, kind}
}
