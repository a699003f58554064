package main

import (
	"testing"

	"k8s.io/kubelet/pkg/apis"
)

func TestKubeletMaySetRoles(t *testing.T) {
	for label, want := range map[string]bool{
		"node-role.kubernetes.io/master":        true,
		"node-role.kubernetes.io/control-plane": true,
		"node-role.kubernetes.io/worker":        true,
		"node-role.kubernetes.io/anything":      false,
		"kubernetes.io/hostname":                true,
	} {
		if got := apis.IsKubeletLabel(label); got != want {
			t.Errorf("%s: %v, want %v", label, got, want)
		}
	}
}
