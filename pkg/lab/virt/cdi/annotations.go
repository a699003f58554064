package cdi

// Annotations by which the parts of CDI speak to each other and to others.
const (
	annotationPhase       = "cdi.kubevirt.io/storage.pod.phase"
	annotationRestarts    = "cdi.kubevirt.io/storage.pod.restarts"
	annotationSchedulable = "cdi.kubevirt.io/storage.pod.schedulable"
	annotationContent     = "cdi.kubevirt.io/storage.contentType"
	annotationPreallocate = "cdi.kubevirt.io/storage.preallocation.requested"
	annotationCreatedFor  = "cdi.kubevirt.io/storage.createdForDataVolume"
	annotationPopulator   = "cdi.kubevirt.io/storage.usePopulator"
	annotationPrime       = "cdi.kubevirt.io/storage.populator.pvcPrime"
	annotationKind        = "cdi.kubevirt.io/storage.populator.kind"
	annotationProgress    = "cdi.kubevirt.io/storage.populator.progress"
	annotationImportPod   = "cdi.kubevirt.io/storage.import.importPodName"
	annotationImmediate   = "cdi.kubevirt.io/storage.bind.immediate.requested"
	annotationPopulated   = "cdi.kubevirt.io/storage.populatedFor"
	annotationScratch     = "cdi.kubevirt.io/storage.import.requiresScratch"
	annotationCloneType   = "cdi.kubevirt.io/cloneType"
	annotationPodReady    = "cdi.kubevirt.io/storage.pod.ready"
	annotationRetain      = "cdi.kubevirt.io/storage.pod.retainAfterCompletion"

	annotationRunning        = "cdi.kubevirt.io/storage.condition.running"
	annotationRunningMessage = annotationRunning + ".message"
	annotationRunningReason  = annotationRunning + ".reason"
	annotationBound          = "cdi.kubevirt.io/storage.condition.bound"
	annotationBoundMessage   = annotationBound + ".message"
	annotationBoundReason    = annotationBound + ".reason"

	annotationClass   = "cdi.kubevirt.io/storage.import.storageClass"
	annotationDigest  = "cdi.kubevirt.io/storage.import.sourceDesiredDigest"
	annotationNext    = "cdi.kubevirt.io/storage.import.nextCronTime"
	annotationLast    = "cdi.kubevirt.io/storage.import.lastCronTime"
	annotationLastUse = "cdi.kubevirt.io/storage.import.lastUseTime"
	labelCron         = "cdi.kubevirt.io/dataImportCron"
	labelCDI          = "app"
	valueCDI          = "containerized-data-importer"

	selectedNode = "volume.kubernetes.io/selected-node"
)

// mirrored are the annotations of the claim that is filled which the claim of the user gets.
var mirrored = []string{
	annotationPhase, annotationPodReady, annotationRestarts, annotationPreallocate, annotationRunning,
	annotationRunningMessage, annotationRunningReason, annotationSchedulable, annotationProgress,
}
