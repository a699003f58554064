package nmstate

import (
	"context"
	"fmt"
	"reflect"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/virt/nmstate/link"
)

// NodeState is a node's network as it is.
type NodeState struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Status            NodeStateStatus `json:"status,omitempty"`
}

// NodeStateStatus is what the kernel says.
type NodeStateStatus struct {
	Current struct {
		Interfaces []link.Shown `json:"interfaces"`
	} `json:"currentState,omitempty"`
	Updated metav1.Time `json:"lastSuccessfulUpdateTime,omitempty"`
}

// show publishes the node's network.
func (h *Handler) show(ctx context.Context) error {
	interfaces, err := h.Network.Current()
	if err != nil {
		return fmt.Errorf("show the network: %w", err)
	}
	ref := states.Ref("", h.Node)
	var s NodeState
	err = h.Client.Get(ctx, ref, &s)
	if kube.NotFound(err) {
		s = NodeState{
			TypeMeta:   metav1.TypeMeta{APIVersion: "nmstate.io/v1beta1", Kind: "NodeNetworkState"},
			ObjectMeta: metav1.ObjectMeta{Name: h.Node},
		}
		if err = h.Client.Create(ctx, states, "", &s); err == nil {
			err = h.Client.Get(ctx, ref, &s)
		}
	}
	if err != nil {
		return fmt.Errorf("show the network: %w", err)
	}
	if reflect.DeepEqual(s.Status.Current.Interfaces, interfaces) {
		return nil
	}
	s.Status.Current.Interfaces = interfaces
	s.Status.Updated = metav1.NewTime(h.Clock.Now().UTC().Truncate(time.Second))
	return h.Client.Update(ctx, ref, "status", &s)
}
