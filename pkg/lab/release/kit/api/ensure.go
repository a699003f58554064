package api

import (
	"context"
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/okd-install/okd-install/pkg/kube"
)

// EnsureConfigMap sets the data and annotations of want. Other annotations stay.
func (c *Client) EnsureConfigMap(ctx context.Context, want *corev1.ConfigMap) error {
	var have corev1.ConfigMap
	return c.ensure(ctx, kube.ConfigMaps.Ref(want.Namespace, want.Name), want, &have, func() bool {
		annotations := maps.Clone(have.Annotations)
		if annotations == nil {
			annotations = map[string]string{}
		}
		maps.Copy(annotations, want.Annotations)
		same := equality.Semantic.DeepEqual(have.Data, want.Data) &&
			equality.Semantic.DeepEqual(have.Annotations, annotations)
		have.Data, have.Annotations = want.Data, annotations
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

// Make creates an object of a kind unless it exists.
func (c *Client) Make(ctx context.Context, k kube.Kind, namespace string, object any) error {
	err := c.Create(ctx, k, namespace, object)
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("create one of %s: %w", k.Plural, err)
	}
	return nil
}
