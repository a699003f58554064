package staticpod

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestRunsOn: only etcd runs on arbiters, and nothing on workers.
func TestRunsOn(t *testing.T) {
	for _, tt := range []struct {
		label         string
		etcd, control bool
	}{
		{"node-role.kubernetes.io/master", true, true}, {"node-role.kubernetes.io/control-plane", true, true},
		{"node-role.kubernetes.io/arbiter", true, false}, {"node-role.kubernetes.io/worker", false, false},
	} {
		n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{tt.label: ""}}}
		if got := (&Component{Arbiters: true}).runsOn(n); got != tt.etcd {
			t.Errorf("%s: etcd %v", tt.label, got)
		}
		if got := (&Component{}).runsOn(n); got != tt.control {
			t.Errorf("%s: API server %v", tt.label, got)
		}
	}
}
