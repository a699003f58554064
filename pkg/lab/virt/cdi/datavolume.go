package cdi

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	cdiv1 "kubevirt.io/containerized-data-importer-api/pkg/apis/core/v1beta1"

	"github.com/okd-install/okd-install/pkg/lab/virt/kit/control"
)

// operation is what a DataVolume asks for, with the words for it.
type operation struct {
	kind                          string // of the source object
	scheduled, inProgress         cdiv1.DataVolumePhase
	done, verb                    string // in the message of success
	failedReason, succeededReason string
}

var (
	importing = operation{cdiv1.VolumeImportSourceRef, cdiv1.ImportScheduled, cdiv1.ImportInProgress,
		"Successfully imported into PVC %s", "import", "ImportFailed", "ImportSucceeded"}
	cloning = operation{cdiv1.VolumeCloneSourceRef, cdiv1.CloneScheduled, cdiv1.CloneInProgress,
		"Successfully cloned into PVC %s", "clone", "CloneFailed", "CloneSucceeded"}
	uploading = operation{cdiv1.VolumeUploadSourceRef, cdiv1.UploadScheduled, cdiv1.UploadReady,
		"Successfully uploaded into PVC %s", "upload", "UploadFailed", "UploadSucceeded"}
)

// operationOf is the operation of a kind of source.
func operationOf(kind string) (operation, bool) {
	for _, o := range []operation{importing, cloning, uploading} {
		if o.kind == kind {
			return o, true
		}
	}
	return operation{}, false
}

// volumeRound looks at one DataVolume.
func (c *Controller) volumeRound(ctx context.Context, w *world, dv *cdiv1.DataVolume) error {
	if dv.DeletionTimestamp != nil {
		return nil
	}
	before := dv.Status.DeepCopy()
	claim := w.claim(dv.Namespace, dv.Name)
	if claim != nil && !metav1.IsControlledBy(claim, dv) && claim.Annotations[annotationPopulated] != dv.Name {
		return c.say(ctx, dv, volumeGVK, "Warning", "ErrResourceExists",
			fmt.Sprintf("Resource %q already exists and is not managed by DataVolume", claim.Name))
	}
	if claim == nil && dv.Annotations["cdi.kubevirt.io/storage.prePopulated"] == "" {
		made, reason, err := c.makeClaim(ctx, w, dv)
		if err != nil {
			if control.Conflict(err) || reason == "" {
				return err
			}
			dv.Status.Phase = cdiv1.PhaseUnset
			c.conditions(dv, nil, reason, err.Error())
			if err := c.say(ctx, dv, volumeGVK, "Warning", reason, err.Error()); err != nil {
				return err
			}
			return c.writeVolume(ctx, before, dv)
		}
		claim = made
	}
	dv.Status.Phase = w.phase(dv, claim)
	if claim != nil {
		dv.Status.ClaimName = claim.Name
		if n, err := strconv.ParseInt(claim.Annotations[annotationRestarts], 10, 32); err == nil {
			dv.Status.RestartCount = int32(n)
		}
		dv.Status.Progress = cdiv1.DataVolumeProgress(claim.Annotations[annotationProgress])
	}
	switch {
	case dv.Status.Phase == cdiv1.Succeeded:
		dv.Status.Progress = "100.0%"
	case dv.Status.Progress == "":
		dv.Status.Progress = "N/A"
	}
	c.conditions(dv, claim, "", "")
	if err := c.news(ctx, before, dv); err != nil {
		return err
	}
	return c.writeVolume(ctx, before, dv)
}

// news records a phase that is new, and why something fails.
func (c *Controller) news(ctx context.Context, before *cdiv1.DataVolumeStatus, dv *cdiv1.DataVolume) error {
	op := operationFor(dv)
	if before.Phase != dv.Status.Phase {
		message := map[cdiv1.DataVolumePhase]string{
			op.scheduled:            fmt.Sprintf("%s into %s scheduled", title(op.verb), dv.Name),
			op.inProgress:           fmt.Sprintf("%s into %s in progress", title(op.verb), dv.Name),
			cdiv1.Succeeded:         fmt.Sprintf(op.done, dv.Name),
			cdiv1.PendingPopulation: "PVC " + dv.Name + " Pending and waiting for population",
		}[dv.Status.Phase]
		reason := string(dv.Status.Phase)
		if dv.Status.Phase == cdiv1.Succeeded {
			reason = op.succeededReason
		}
		if message != "" {
			if err := c.say(ctx, dv, volumeGVK, "Normal", reason, message); err != nil {
				return err
			}
		}
	}
	running := condition(dv.Status.Conditions, cdiv1.DataVolumeRunning)
	was := condition(before.Conditions, cdiv1.DataVolumeRunning)
	if running.Status == corev1.ConditionFalse && running.Message != "" && running.Message != was.Message &&
		running.Message != scratchRequired && dv.Status.Phase != cdiv1.Succeeded {
		return c.say(ctx, dv, volumeGVK, "Warning", running.Reason, running.Message)
	}
	return nil
}

func title(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func operationFor(dv *cdiv1.DataVolume) operation {
	switch s := dv.Spec.Source; {
	case dv.Spec.SourceRef != nil || s != nil && (s.PVC != nil || s.Snapshot != nil):
		return cloning
	case s != nil && s.Upload != nil:
		return uploading
	}
	return importing
}

func (c *Controller) writeVolume(ctx context.Context, before *cdiv1.DataVolumeStatus, dv *cdiv1.DataVolume) error {
	if control.Same(before, dv.Status) {
		return nil
	}
	dv.TypeMeta = metav1.TypeMeta{APIVersion: group + "/v1beta1", Kind: "DataVolume"}
	if err := c.Client.Update(ctx, dataVolumes.Ref(dv.Namespace, dv.Name), "status", dv); err != nil {
		return fmt.Errorf("write status: %w", err)
	}
	return nil
}

// makeClaim makes the claim and what it is filled from. Reason is set for what only the user can mend.
func (c *Controller) makeClaim(ctx context.Context, w *world, dv *cdiv1.DataVolume) (
	claim *corev1.PersistentVolumeClaim, reason string, err error) {
	spec, err := w.claimSpec(dv)
	if err != nil {
		return nil, "ErrClaimNotValid", err
	}
	source, err := sourceOf(dv, w)
	if err != nil {
		return nil, "ErrClaimNotValid", err
	}
	if src := w.cloneSource(dv); operationFor(dv).kind == cdiv1.VolumeCloneSourceRef {
		switch {
		case src == nil:
			//nolint:staticcheck // as in CDI
			return nil, "CloneWithoutSource", fmt.Errorf("The source DataSource %s doesn't exist or has no PVC",
				dv.Spec.SourceRef.Name)
		case w.claim(src.Namespace, src.Name) == nil:
			//nolint:staticcheck // as in CDI
			return nil, "CloneWithoutSource", fmt.Errorf("The source pvc %s doesn't exist", src.Name)
		}
	}
	if source != nil {
		if err := c.Client.Make(ctx, source.kind, dv.Namespace, source.object); err != nil {
			return nil, "", err
		}
		api := group
		spec.DataSourceRef = &corev1.TypedObjectReference{APIGroup: &api, Kind: operationFor(dv).kind, Name: source.name}
	}
	claim = &corev1.PersistentVolumeClaim{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "PersistentVolumeClaim"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: dv.Namespace, Name: dv.Name, Labels: map[string]string{labelCDI: valueCDI},
			Annotations:     map[string]string{},
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(dv, volumeGVK)},
		},
		Spec: *spec,
	}
	for k, v := range dv.Labels {
		claim.Labels[k] = v
	}
	for k, v := range dv.Annotations {
		claim.Annotations[k] = v
	}
	content := string(cdiv1.DataVolumeKubeVirt)
	if dv.Spec.ContentType != "" {
		content = string(dv.Spec.ContentType)
	}
	claim.Annotations[annotationRestarts] = "0"
	claim.Annotations[annotationContent] = content
	claim.Annotations[annotationPreallocate] = strconv.FormatBool(dv.Spec.Preallocation != nil && *dv.Spec.Preallocation)
	claim.Annotations[annotationCreatedFor] = string(dv.UID)
	claim.Annotations[annotationPopulator] = "true"
	if err := c.Client.Create(ctx, control.Claims, dv.Namespace, claim); err != nil {
		if strings.Contains(err.Error(), "exceeded quota") {
			return nil, "ErrExceededQuota", err
		}
		return nil, "", fmt.Errorf("create claim: %w", err)
	}
	w.claims = append(w.claims, *claim)
	return claim, "", nil
}

// phase is where a DataVolume is.
func (w *world) phase(dv *cdiv1.DataVolume, claim *corev1.PersistentVolumeClaim) cdiv1.DataVolumePhase {
	if claim == nil {
		if dv.Status.Phase == cdiv1.PhaseUnset {
			return cdiv1.Pending
		}
		return dv.Status.Phase
	}
	op := operationFor(dv)
	pod := corev1.PodPhase(claim.Annotations[annotationPhase])
	switch {
	case claim.Annotations[annotationPopulated] == dv.Name || claim.Spec.DataSourceRef == nil:
		return cdiv1.Succeeded // somebody else has filled it
	case pod == corev1.PodSucceeded:
		return cdiv1.Succeeded
	case claim.Status.Phase == corev1.ClaimLost:
		return cdiv1.Failed
	case claim.Status.Phase == corev1.ClaimPending && w.waits(claim):
		return cdiv1.PendingPopulation
	case pod == corev1.PodRunning:
		if op.kind == cdiv1.VolumeUploadSourceRef && claim.Annotations[annotationPodReady] != "true" {
			return op.scheduled
		}
		return op.inProgress
	case pod == corev1.PodFailed:
		return dv.Status.Phase
	}
	prime := w.claim(claim.Namespace, primeName(claim))
	if prime == nil || prime.Annotations[annotationImportPod] == "" {
		if dv.Status.Phase == cdiv1.PhaseUnset || dv.Status.Phase == cdiv1.PendingPopulation {
			return cdiv1.Pending
		}
		return dv.Status.Phase
	}
	return op.scheduled
}

// waits reports whether a claim waits until a pod wants it.
func (w *world) waits(claim *corev1.PersistentVolumeClaim) bool {
	class := w.class(claim.Spec.StorageClassName)
	_, immediate := claim.Annotations[annotationImmediate]
	return class != nil && late(class) && claim.Annotations[selectedNode] == "" && !immediate
}

func late(class *storagev1.StorageClass) bool {
	return class.VolumeBindingMode != nil && *class.VolumeBindingMode == storagev1.VolumeBindingWaitForFirstConsumer
}

// conditions are what the DataVolume says of its claim and of the pod that fills it.
func (c *Controller) conditions(dv *cdiv1.DataVolume, claim *corev1.PersistentVolumeClaim, reason, message string) {
	now := c.Clock.Now()
	list := &dv.Status.Conditions
	ready := corev1.ConditionFalse
	if dv.Status.Phase == cdiv1.Succeeded {
		ready = corev1.ConditionTrue
	}
	var a map[string]string
	switch {
	case claim == nil:
		m, r := message, reason
		if m == "" {
			m, r = "No PVC found", "NotFound"
		}
		setCondition(list, cdiv1.DataVolumeBound, corev1.ConditionFalse, r, m, now)
	case claim.Status.Phase == corev1.ClaimBound:
		setCondition(list, cdiv1.DataVolumeBound, corev1.ConditionTrue, "Bound", "PVC "+claim.Name+" Bound", now)
	case claim.Status.Phase == corev1.ClaimLost:
		setCondition(list, cdiv1.DataVolumeBound, corev1.ConditionFalse, "ClaimLost", "Claim Lost", now)
	case claim.Annotations[annotationBound] == "false":
		setCondition(list, cdiv1.DataVolumeBound, corev1.ConditionFalse, claim.Annotations[annotationBoundReason],
			fmt.Sprintf("target PVC %s Pending and [%s] : %s", claim.Name, claim.Annotations[annotationPrime],
				claim.Annotations[annotationBoundMessage]), now)
	default:
		setCondition(list, cdiv1.DataVolumeBound, corev1.ConditionFalse, "Pending", "PVC "+claim.Name+" Pending", now)
	}
	if claim != nil {
		a = claim.Annotations
	}
	readyReason := reason
	if ready == corev1.ConditionFalse && strings.EqualFold(a[annotationRunning], "true") {
		readyReason = "TransferRunning"
	}
	setCondition(list, cdiv1.DataVolumeReady, ready, readyReason, message, now)
	running := corev1.ConditionFalse
	switch {
	case a[annotationSchedulable] == "false":
		setCondition(list, cdiv1.DataVolumeRunning, running, "Unschedulable", "Importer pod cannot be scheduled", now)
		return
	case strings.EqualFold(a[annotationRunning], "true"):
		running = corev1.ConditionTrue
	}
	setCondition(list, cdiv1.DataVolumeRunning, running, a[annotationRunningReason], a[annotationRunningMessage], now)
}

func condition(list []cdiv1.DataVolumeCondition, kind cdiv1.DataVolumeConditionType) cdiv1.DataVolumeCondition {
	i := slices.IndexFunc(list, func(c cdiv1.DataVolumeCondition) bool { return c.Type == kind })
	if i < 0 {
		return cdiv1.DataVolumeCondition{}
	}
	return list[i]
}

// setCondition puts a condition into a list. Only a change of status moves its time.
func setCondition(list *[]cdiv1.DataVolumeCondition, kind cdiv1.DataVolumeConditionType, status corev1.ConditionStatus,
	reason, message string, now time.Time) {
	stamp := metav1.NewTime(now.UTC().Truncate(time.Second))
	i := slices.IndexFunc(*list, func(c cdiv1.DataVolumeCondition) bool { return c.Type == kind })
	if i < 0 {
		*list = append(*list, cdiv1.DataVolumeCondition{Type: kind})
		i = len(*list) - 1
	}
	c := &(*list)[i]
	if c.Status == status && c.Reason == reason && c.Message == message {
		return
	}
	if c.Status != status {
		c.LastTransitionTime = stamp
	}
	c.Status, c.Reason, c.Message, c.LastHeartbeatTime = status, reason, message, stamp
}
