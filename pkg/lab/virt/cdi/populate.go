package cdi

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	cdiv1 "kubevirt.io/containerized-data-importer-api/pkg/apis/core/v1beta1"

	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/virt/kit/control"
)

// A claim with a source is filled by way of another one, its prime: no driver makes a volume for a claim whose source
// it does not know, so a pod can only get at the prime's. Once that is filled, the volume is given to the claim.

const scratchRequired = "scratch space required and none found"

func primeName(claim *corev1.PersistentVolumeClaim) string { return "prime-" + string(claim.UID) }

// populate brings one claim further.
func (c *Controller) populate(ctx context.Context, w *world, claim *corev1.PersistentVolumeClaim) error {
	ref := claim.Spec.DataSourceRef
	if ref == nil || ref.APIGroup == nil || *ref.APIGroup != group || claim.DeletionTimestamp != nil {
		return nil
	}
	op, ok := operationOf(ref.Kind)
	if !ok {
		return nil
	}
	prime := w.claim(claim.Namespace, primeName(claim))
	bound := claim.Status.Phase == corev1.ClaimBound
	switch {
	case bound && prime == nil:
		return nil
	case bound:
		return c.clear(ctx, w, prime)
	case prime == nil:
		return c.makePrime(ctx, w, claim, op)
	}
	if err := c.annotate(ctx, claim, map[string]string{annotationPrime: prime.Name}); err != nil {
		return err
	}
	source, err := c.sourceObject(ctx, claim, op)
	if err != nil {
		return err
	}
	if err := c.carry(ctx, w, claim, prime, source, op); err != nil {
		return err
	}
	mirror := map[string]string{}
	for _, a := range mirrored {
		mirror[a] = remove
		if v, ok := prime.Annotations[a]; ok {
			mirror[a] = v
		}
	}
	if prime.Annotations[annotationPhase] == string(corev1.PodSucceeded) {
		mirror[annotationProgress] = "100.0%"
		if err := c.rebind(ctx, claim, prime); err != nil {
			return err
		}
	}
	return c.annotate(ctx, claim, mirror)
}

// clear takes the prime away when its volume is the claim's.
func (c *Controller) clear(ctx context.Context, w *world, prime *corev1.PersistentVolumeClaim) error {
	if prime.Status.Phase != corev1.ClaimLost || prime.Annotations[annotationRetain] == "true" {
		return nil
	}
	if pod := w.pod(prime.Namespace, prime.Annotations[annotationImportPod]); pod != nil {
		if _, err := control.Gone(ctx, c.Client, kube.Pods, pod.Namespace, pod.Name); err != nil {
			return err
		}
	}
	_, err := control.Gone(ctx, c.Client, control.Claims, prime.Namespace, prime.Name)
	return err
}

// makePrime makes the prime when its claim may be bound.
func (c *Controller) makePrime(ctx context.Context, w *world, claim *corev1.PersistentVolumeClaim, op operation) error {
	if w.class(claim.Spec.StorageClassName) == nil || w.waits(claim) {
		return nil
	}
	prime := &corev1.PersistentVolumeClaim{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "PersistentVolumeClaim"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: claim.Namespace, Name: primeName(claim),
			Labels:          map[string]string{labelCDI: valueCDI, "velero.io/exclude-from-backup": "true"},
			Annotations:     map[string]string{annotationImmediate: "", annotationKind: op.kind},
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(claim, claimGVK)},
		},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: claim.Spec.AccessModes, Resources: claim.Spec.Resources,
			StorageClassName: claim.Spec.StorageClassName, VolumeMode: claim.Spec.VolumeMode,
		},
	}
	for _, a := range []string{selectedNode, annotationContent, annotationPreallocate, annotationRetain} {
		if v, ok := claim.Annotations[a]; ok {
			prime.Annotations[a] = v
		}
	}
	if err := c.Client.Create(ctx, control.Claims, claim.Namespace, prime); err != nil {
		return fmt.Errorf("create %s: %w", prime.Name, err)
	}
	return c.say(ctx, claim, claimGVK, "Normal", "CreatedPVCPrimeSuccessfully", "PVC Prime created successfully")
}

// sourceObject reads what a claim is filled from; nil if it is not there any more.
func (c *Controller) sourceObject(ctx context.Context, claim *corev1.PersistentVolumeClaim, op operation) (any, error) {
	name := claim.Spec.DataSourceRef.Name
	switch op {
	case cloning:
		s, err := control.FindAs[cdiv1.VolumeCloneSource](ctx, c.Client, cloneSources, claim.Namespace, name)
		if s == nil || err != nil {
			return nil, err
		}
		return s, nil
	case uploading:
		s, err := control.FindAs[cdiv1.VolumeUploadSource](ctx, c.Client, uploadSources, claim.Namespace, name)
		if s == nil || err != nil {
			return nil, err
		}
		return s, nil
	}
	s, err := control.FindAs[cdiv1.VolumeImportSource](ctx, c.Client, importSources, claim.Namespace, name)
	if s == nil || err != nil {
		return nil, err
	}
	return s, nil
}

// carry starts the pod that fills the prime and writes down how it does.
func (c *Controller) carry(
	ctx context.Context, w *world, claim, prime *corev1.PersistentVolumeClaim, source any, op operation,
) error {
	if prime.Annotations[annotationPhase] == string(corev1.PodSucceeded) {
		return nil
	}
	name := podName(prime, op)
	if err := c.annotate(ctx, prime, map[string]string{annotationImportPod: name}); err != nil {
		return err
	}
	pod := w.pod(prime.Namespace, name)
	if pod == nil {
		if source == nil {
			return nil
		}
		return c.startPod(ctx, w, claim, prime, source, op)
	}
	if err := c.scratch(ctx, w, prime, pod); err != nil {
		return err
	}
	news, again := observe(prime.Annotations, pod)
	if err := c.annotate(ctx, prime, news); err != nil {
		return err
	}
	switch {
	case again: // it said that it needs scratch space: another one gets it
		_, err := control.Gone(ctx, c.Client, kube.Pods, pod.Namespace, pod.Name)
		return err
	case news[annotationPhase] == string(corev1.PodSucceeded) && prime.Annotations[annotationRetain] != "true":
		_, err := control.Gone(ctx, c.Client, kube.Pods, pod.Namespace, pod.Name)
		return err
	}
	return nil
}

// termination is what a pod that ends well says.
type termination struct {
	ScratchSpaceRequired *bool             `json:"scratchSpaceRequired,omitempty"`
	PreallocationApplied *bool             `json:"preallocationApplied,omitempty"`
	Labels               map[string]string `json:"labels,omitempty"`
	Message              *string           `json:"message,omitempty"`
}

// observe is what a pod's state means for the annotations of the claim that it fills. Again is set if it has to start
// anew with scratch space.
func observe(have map[string]string, pod *corev1.Pod) (out map[string]string, again bool) {
	out = map[string]string{annotationSchedulable: "true", annotationPhase: string(pod.Status.Phase)}
	if pod.Status.Phase == corev1.PodPending {
		for _, cond := range pod.Status.Conditions {
			if cond.Type == corev1.PodScheduled && cond.Reason == corev1.PodReasonUnschedulable {
				out[annotationSchedulable] = "false"
			}
		}
	}
	out[annotationPodReady] = strconv.FormatBool(isReady(pod))
	if len(pod.Status.ContainerStatuses) == 0 {
		return out, false
	}
	status := pod.Status.ContainerStatuses[0]
	restarts, _ := strconv.Atoi(have[annotationRestarts])
	out[annotationRestarts] = strconv.Itoa(max(int(status.RestartCount), restarts))
	condition := func(running bool, reason, message string) {
		out[annotationRunning] = strconv.FormatBool(running)
		out[annotationRunningReason], out[annotationRunningMessage] = reason, message
	}
	switch s := status.State; {
	case s.Running != nil:
		condition(true, "Pod is running", "")
	case s.Waiting != nil && (s.Waiting.Reason == "ImagePullBackOff" || s.Waiting.Reason == "ErrImagePull" ||
		s.Waiting.Reason == "InvalidImageName"):
		condition(false, "ImagePullFailed", "failed to pull image: "+status.Image)
	case s.Waiting != nil && s.Waiting.Reason == "CrashLoopBackOff":
		if t := status.LastTerminationState.Terminated; t != nil {
			condition(false, endReason(t), plainer(t.Message))
		} else {
			out[annotationRunning] = "false"
		}
	case s.Waiting != nil:
		condition(false, s.Waiting.Reason, plainer(s.Waiting.Message))
	case s.Terminated != nil:
		var said termination
		if s.Terminated.ExitCode == 0 && json.Unmarshal([]byte(s.Terminated.Message), &said) == nil {
			if said.ScratchSpaceRequired != nil && *said.ScratchSpaceRequired {
				condition(false, "ScratchSpaceRequired", scratchRequired)
				out[annotationScratch] = "true"
				delete(out, annotationPhase)
				return out, true
			}
			message := ""
			if said.Message != nil {
				message = *said.Message
			}
			condition(false, s.Terminated.Reason, message)
			break
		}
		condition(false, endReason(s.Terminated), plainer(s.Terminated.Message))
	}
	return out, false
}

// endReason is the reason of a container that failed.
func endReason(t *corev1.ContainerStateTerminated) string {
	if strings.Contains(t.Message, "failed to pull image") {
		return "ImagePullFailed"
	}
	return t.Reason
}

// plainer is a message in the words that users know.
func plainer(message string) string {
	for _, s := range []string{"is larger than the reported available", "no space left on device", "disk quota exceeded"} {
		if strings.Contains(message, s) {
			return "DataVolume too small to contain image"
		}
	}
	return message
}

func isReady(pod *corev1.Pod) bool {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// rebind gives the prime's volume to the claim.
func (c *Controller) rebind(ctx context.Context, claim, prime *corev1.PersistentVolumeClaim) error {
	v, err := control.FindAs[corev1.PersistentVolume](ctx, c.Client, control.Volumes, "", prime.Spec.VolumeName)
	if err != nil {
		return err
	}
	if v == nil || v.Spec.ClaimRef == nil {
		return fmt.Errorf("PV %s claimRef is nil", prime.Spec.VolumeName)
	}
	if v.Spec.ClaimRef.UID == claim.UID {
		return nil
	}
	if v.Spec.ClaimRef.UID != prime.UID {
		return fmt.Errorf("PV %s bound to unexpected claim %s", v.Name, v.Spec.ClaimRef.Name)
	}
	v.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "PersistentVolume"}
	v.Spec.ClaimRef = &corev1.ObjectReference{
		APIVersion: "v1", Kind: "PersistentVolumeClaim", Namespace: claim.Namespace, Name: claim.Name, UID: claim.UID,
		ResourceVersion: claim.ResourceVersion,
	}
	if err := c.Client.Update(ctx, control.Volumes.Ref("", v.Name), "", v); err != nil {
		return fmt.Errorf("rebind volume %s: %w", v.Name, err)
	}
	return nil
}
