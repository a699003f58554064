package main

import (
	_ "unsafe" // for go:linkname

	"k8s.io/apimachinery/pkg/util/sets"
	_ "k8s.io/kubelet/pkg/apis"
)

// kubeletLabels are the labels that a kubelet may give its own Node; the
// kubelet checks them when it starts and the API server when it registers.
//
//go:linkname kubeletLabels k8s.io/kubelet/pkg/apis.kubeletLabels
var kubeletLabels sets.String

// OKD's Kubernetes carries a patch for this: its nodes get their roles from
// the kubelet's --node-labels, which upstream forbids.
func init() {
	kubeletLabels.Insert(
		"node-role.kubernetes.io/master",
		"node-role.kubernetes.io/control-plane",
		"node-role.kubernetes.io/arbiter",
		"node-role.kubernetes.io/worker",
	)
}
