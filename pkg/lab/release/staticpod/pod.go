package staticpod

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Pod is a static pod of the control plane with one container, on the network of
// its host.
type Pod struct {
	Namespace, Name string
	App             string // label app, and the container's name
	Image           string
	Command         string // /usr/bin/kube-apiserver
	Args            []string
	CPU, Memory     string // requests
	Grace           int64  // seconds to end in
}

// Build makes the pod, without probes and volumes.
func (p Pod) Build() *corev1.Pod {
	return &corev1.Pod{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: p.Namespace, Name: p.Name,
			Labels:      map[string]string{"app": p.App},
			Annotations: map[string]string{"kubectl.kubernetes.io/default-container": p.App},
		},
		Spec: corev1.PodSpec{
			HostNetwork:                   true,
			PriorityClassName:             "system-node-critical",
			AutomountServiceAccountToken:  new(bool),
			TerminationGracePeriodSeconds: &p.Grace,
			Tolerations:                   []corev1.Toleration{{Operator: corev1.TolerationOpExists}},
			Containers: []corev1.Container{{
				Name: p.App, Image: p.Image, ImagePullPolicy: corev1.PullIfNotPresent,
				Command: []string{p.Command}, Args: p.Args,
				Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{
					corev1.ResourceCPU: resource.MustParse(p.CPU), corev1.ResourceMemory: resource.MustParse(p.Memory),
				}},
				TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
			}},
		},
	}
}

// Probe asks a container; delay and period are seconds.
func Probe(get corev1.HTTPGetAction, delay, period, failures int32) *corev1.Probe {
	return &corev1.Probe{
		ProbeHandler:        corev1.ProbeHandler{HTTPGet: &get},
		InitialDelaySeconds: delay, PeriodSeconds: period, TimeoutSeconds: 5, FailureThreshold: failures,
	}
}

// HostDir is a directory of the host. Without a type it is not looked at.
func HostDir(name, path string, kind ...corev1.HostPathType) corev1.Volume {
	source := &corev1.HostPathVolumeSource{Path: path}
	if len(kind) > 0 {
		source.Type = &kind[0]
	}
	return corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{HostPath: source}}
}
