package staticpod

import (
	"embed"
	"fmt"
	"io/fs"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
)

//go:embed templates
var templates embed.FS

const (
	installerAccount = "installer-sa"
	installerApp     = "installer"
)

// Pod fills in the manifest of a pod.
func Pod(files fs.FS, name string, data any) (*corev1.Pod, error) {
	text, err := program.FillFile(files, name, data)
	if err != nil {
		return nil, err
	}
	pod := new(corev1.Pod)
	if err := yaml.UnmarshalStrict(text, pod); err != nil {
		return nil, fmt.Errorf("read manifest %s: %w", name, err)
	}
	return pod, nil
}

// installerPod runs the installer on its node.
func (o *Operator) installerPod(s step, nodeIP string) (*corev1.Pod, error) {
	name := fmt.Sprintf("installer-%d-%s", s.Revision, s.Node)
	if s.Attempt > 0 {
		name = fmt.Sprintf("installer-%d-retry-%d-%s", s.Revision, s.Attempt, s.Node)
	}
	return Pod(templates, "templates/installer-pod.yaml.tmpl", struct {
		*Operator
		step
		PodName, NodeIP string
	}{o, s, name, nodeIP})
}

// Ready reports whether a pod runs and is ready.
func Ready(p *corev1.Pod) bool {
	ready := func(c corev1.PodCondition) bool { return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue }
	return p.Status.Phase == corev1.PodRunning && slices.ContainsFunc(p.Status.Conditions, ready)
}
