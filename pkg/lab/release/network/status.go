package network

import (
	"context"
	"fmt"
	"reflect"

	configv1 "github.com/openshift/api/config/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/okd-install/okd-install/pkg/lab/release/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/operand"
)

// publishNetwork copies the networks in use to the status of Network, where
// OpenShift's components read them. That kind has no status subresource.
func publishNetwork(ctx context.Context, client *kube.Client, _ operand.Cluster) (string, error) {
	gvk := configv1.GroupVersion.WithKind("Network")
	o, err := client.Get(ctx, gvk, "", "cluster")
	if err != nil || o == nil {
		return "there is no Network cluster", err
	}
	spec, _, err := unstructured.NestedMap(o.Object, "spec")
	if err != nil {
		return "", fmt.Errorf("read Network: %w", err)
	}
	status := map[string]any{}
	for _, field := range []string{"clusterNetwork", "serviceNetwork", "networkType"} {
		if v, ok := spec[field]; ok {
			status[field] = v
		}
	}
	if now, _, _ := unstructured.NestedMap(o.Object, "status"); reflect.DeepEqual(now, status) {
		return "", nil
	}
	change := &unstructured.Unstructured{Object: map[string]any{"status": status}}
	change.SetGroupVersionKind(gvk)
	change.SetName("cluster")
	_, err = client.Apply(ctx, change)
	return "", err
}
