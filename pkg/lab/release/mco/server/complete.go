package server

import (
	"encoding/json"
	"fmt"

	"github.com/okd-install/okd-install/pkg/lab/release/mco/ign"
)

// Annotations of a node that say which config it has and which it should have.
const (
	AnnotationCurrent = "machineconfiguration.openshift.io/currentConfig"
	AnnotationDesired = "machineconfiguration.openshift.io/desiredConfig"
	AnnotationState   = "machineconfiguration.openshift.io/state"
	StateDone         = "Done"
)

// AnnotationsFile tells a booted node what to annotate itself with.
const AnnotationsFile = "/etc/machine-config-daemon/node-annotations.json"

// Complete adds to a rendered config what only the server knows: credentials,
// and what the machine is to say of itself.
func Complete(s Served) (ign.Config, error) {
	cfg, err := ign.Parse(s.Config.Spec.Config.Raw)
	if err != nil {
		return ign.Config{}, fmt.Errorf("read machine config %s: %w", s.Config.Name, err)
	}
	annotations, err := json.Marshal(map[string]string{
		AnnotationCurrent: s.Config.Name,
		AnnotationDesired: s.Config.Name,
		AnnotationState:   StateDone,
	})
	if err != nil {
		return ign.Config{}, err
	}
	whole, err := json.Marshal(s.Config)
	if err != nil {
		return ign.Config{}, fmt.Errorf("encode machine config %s: %w", s.Config.Name, err)
	}
	extra := ign.New()
	ign.AddFile(&extra, "/etc/kubernetes/kubeconfig", 0o600, s.Kubeconfig)
	ign.AddFile(&extra, "/etc/kubernetes/kubelet-ca.crt", 0o644, s.KubeletCA)
	ign.AddFile(&extra, AnnotationsFile, 0o644, annotations)
	ign.AddFile(&extra, "/etc/ignition-machine-config-encapsulated.json", 0o600, whole)
	return ign.Merge(cfg, extra), nil
}
