package node

import (
	"context"

	"github.com/okd-install/okd-install/pkg/agent/service"
	"github.com/okd-install/okd-install/pkg/kube"
)

// nodeList is what is read of the API's nodes.
type nodeList struct {
	Items []struct {
		Metadata struct {
			Name string `json:"name"`
		} `json:"metadata"`
		Status struct {
			Conditions []struct {
				Type   string `json:"type"`
				Status string `json:"status"`
			} `json:"conditions"`
			Addresses []struct {
				Address string `json:"address"`
			} `json:"addresses"`
		} `json:"status"`
	} `json:"items"`
}

// Nodes asks the API of a kubeconfig for the cluster's nodes.
func Nodes(ctx context.Context, kubeconfig []byte) ([]service.Node, error) {
	api, err := kube.Dial(kubeconfig)
	if err != nil {
		return nil, err
	}
	var list nodeList
	if err := api.List(ctx, kube.Nodes, "", &list); err != nil {
		return nil, err
	}
	nodes := make([]service.Node, 0, len(list.Items))
	for _, item := range list.Items {
		n := service.Node{Name: item.Metadata.Name}
		for _, c := range item.Status.Conditions {
			if c.Type == "Ready" {
				n.Ready = c.Status == "True"
			}
		}
		for _, a := range item.Status.Addresses {
			n.Addresses = append(n.Addresses, a.Address)
		}
		nodes = append(nodes, n)
	}
	return nodes, nil
}
