package cdi

import (
	"context"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	cdiv1 "kubevirt.io/containerized-data-importer-api/pkg/apis/core/v1beta1"

	"github.com/okd-install/okd-install/pkg/kube"
)

func sourceNamespace(s *cdiv1.VolumeCloneSource) string {
	if ns := s.Annotations[cloneNamespace]; ns != "" {
		return ns
	}
	return s.Namespace
}

// cloneFrom starts a pod that offers the disk of a claim, and is where it does; empty until then. The pod is in the
// claim's namespace, which may be another one, and on the node that has its volume.
func (c *Controller) cloneFrom(
	ctx context.Context, w *world, prime, from *corev1.PersistentVolumeClaim,
) (string, error) {
	if from == nil {
		return "", nil
	}
	name := fmt.Sprintf("%s-source-pod", prime.UID)
	pod := w.pod(from.Namespace, name)
	if pod == nil {
		pod = c.basicPod(from, name)
		container := &pod.Spec.Containers[0]
		pod.Labels["cdi.kubevirt.io"] = "cdi-clone-source"
		container.Command = []string{"cdi-cloner"}
		container.Ports = []corev1.ContainerPort{{ContainerPort: filesPort}}
		container.ReadinessProbe = &corev1.Probe{PeriodSeconds: 1, ProbeHandler: corev1.ProbeHandler{
			HTTPGet: &corev1.HTTPGetAction{Path: "/healthz", Port: intstr.FromInt32(filesPort)},
		}}
		mount(pod, from, "cdi-data-vol", dataDir, blockPath, true)
		c.place(ctx, pod)
		if err := c.Client.Create(ctx, kube.Pods, pod.Namespace, pod); err != nil {
			return "", fmt.Errorf("create pod %s: %w", name, err)
		}
		return "", nil
	}
	if !isReady(pod) || pod.Status.PodIP == "" {
		return "", nil
	}
	return fmt.Sprintf("http://%s:%d/disk.img", pod.Status.PodIP, filesPort), nil
}

// endClones takes away pods that offer a disk to nobody any more.
func (c *Controller) endClones(ctx context.Context, w *world) error {
	wanted := map[string]bool{}
	for i := range w.claims {
		if p := &w.claims[i]; p.Annotations[annotationKind] == cdiv1.VolumeCloneSourceRef &&
			p.Annotations[annotationPhase] != string(corev1.PodSucceeded) {
			wanted[fmt.Sprintf("%s-source-pod", p.UID)] = true
		}
	}
	for _, p := range w.pods {
		if p.Labels["cdi.kubevirt.io"] == "cdi-clone-source" && !wanted[p.Name] && p.DeletionTimestamp == nil {
			if err := c.Client.Delete(ctx, kube.Pods.Ref(p.Namespace, p.Name)); err != nil && !kube.NotFound(err) {
				return fmt.Errorf("delete pod %s: %w", p.Name, err)
			}
		}
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
