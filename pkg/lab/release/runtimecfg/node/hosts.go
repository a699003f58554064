package node

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/okd-install/okd-install/pkg/lab/release/mco/kube"
)

// Getter reads API objects.
type Getter interface {
	Get(ctx context.Context, path string, into any) error
}

// ListHosts lists the cluster's nodes from the API server's cache.
func ListHosts(ctx context.Context, api Getter) ([]Host, error) {
	var list corev1.NodeList
	if err := api.Get(ctx, kube.Core+"/nodes?resourceVersion=0", &list); err != nil {
		return nil, fmt.Errorf("list nodes: %w", err)
	}
	var out []Host
	for _, n := range list.Items {
		h := Host{Name: n.Name}
		_, h.Master = n.Labels["node-role.kubernetes.io/master"]
		for _, a := range n.Status.Addresses {
			if a.Type == corev1.NodeInternalIP && h.Address == "" {
				h.Address = a.Address
			}
		}
		if h.Address != "" {
			out = append(out, h)
		}
	}
	return out, nil
}
