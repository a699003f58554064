package none

import (
	"testing"

	"github.com/okd-install/okd-install/pkg/types"
)

// Routers stay on a single node, which is its own load balancer.
func TestRoutersStay(t *testing.T) {
	for masters, want := range map[int64]bool{1: true, 3: false} {
		c := &types.InstallConfig{ControlPlane: &types.MachinePool{Replicas: &masters}}
		if got := cluster(c).RoutersOnControlPlane; got != want {
			t.Errorf("%d masters: %v", masters, got)
		}
	}
}
