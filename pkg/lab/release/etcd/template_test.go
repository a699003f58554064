package etcd

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
)

// The kubelet refuses a manifest whose label is a number, and says so only in
// its own log.
func TestTemplateStaysAPodWithNumbersInIt(t *testing.T) {
	template, err := masterPod("etcd", "operator")
	if err != nil {
		t.Fatal(err)
	}
	text, err := api.Template(template)
	if err != nil {
		t.Fatal(err)
	}
	var pod corev1.Pod
	if err := yaml.UnmarshalStrict([]byte(strings.ReplaceAll(text, "REVISION", "3")), &pod); err != nil {
		t.Fatal(err)
	}
	if pod.Labels["revision"] != "3" {
		t.Errorf("labels %v", pod.Labels)
	}
}

// TestNoPorts: the kubelet compares declared ports when it admits a pod, and a
// static pod that it refuses never comes.
func TestNoPorts(t *testing.T) {
	pod, err := masterPod("etcd", "operator")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range append(pod.Spec.InitContainers, pod.Spec.Containers...) {
		if len(c.Ports) > 0 {
			t.Errorf("container %s declares %v", c.Name, c.Ports)
		}
	}
}
