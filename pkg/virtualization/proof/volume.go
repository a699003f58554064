package proof

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	cdiv1 "kubevirt.io/containerized-data-importer-api/pkg/apis/core/v1beta1"

	"github.com/okd-install/okd-install/pkg/kube"
)

const (
	volumeName = "proof-disk"
	volumeTime = 5 * time.Minute
	// bindNow makes a volume that no pod uses yet, although its class waits for the first one.
	bindNow = "cdi.kubevirt.io/storage.bind.immediate.requested"
	// keepIt, if false, keeps older versions of CDI from deleting a DataVolume that has succeeded.
	keepIt = "cdi.kubevirt.io/storage.deleteAfterCompletion"
	// provisionTime is how long a provisioner may fail: it tries again.
	provisionTime = 30 * time.Second
	maxRestarts   = 2 // of the pod that fills the disk
)

// disk is an empty disk of 1 GiB, whose access mode CDI chooses for the class.
func (r *run) disk() *cdiv1.DataVolume {
	meta := r.meta(volumeName)
	meta.Annotations = map[string]string{bindNow: "true", keepIt: "false"}
	storage := &cdiv1.StorageSpec{Resources: corev1.VolumeResourceRequirements{
		Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}}}
	if class := r.Options.StorageClass; class != "" {
		storage.StorageClassName = &class
	}
	return &cdiv1.DataVolume{
		TypeMeta:   metav1.TypeMeta{APIVersion: "cdi.kubevirt.io/v1beta1", Kind: "DataVolume"},
		ObjectMeta: meta,
		Spec: cdiv1.DataVolumeSpec{Source: &cdiv1.DataVolumeSource{Blank: &cdiv1.DataVolumeBlankImage{}},
			Storage: storage},
	}
}

// volume makes a disk.
func (r *run) volume(ctx context.Context) outcome {
	switch {
	case r.facts.noCDI:
		return skipped("CDI is not deployed")
	case r.facts.noClass:
		return failed("no disk was made", "no StorageClass is the default", giveClass)
	}
	if f := r.create(ctx, volumes, volumeName, func() any { return r.disk() }); f != nil {
		return under(ctx, f, "no disk was made")
	}
	size := ""
	f := r.until(ctx, volumeTime, Volume, func(ctx context.Context) (seen, error) {
		got, claim, err := r.lookVolume(ctx)
		size = claim
		return got, err
	})
	if f != nil {
		return under(ctx, r.explain(ctx, f, volumeName, "importer-"), "disk %s/%s was not made", r.namespace, volumeName)
	}
	// It has served. Removed now, it does not hold up the removal of the namespace, which takes it along otherwise.
	_ = r.API.Delete(ctx, volumes.Ref(r.namespace, volumeName))
	return passed("DataVolume %s/%s of 1Gi has succeeded%s", r.namespace, volumeName, size)
}

func (r *run) lookVolume(ctx context.Context) (got seen, claim string, err error) {
	var dv cdiv1.DataVolume
	err = r.API.Get(ctx, volumes.Ref(r.namespace, volumeName), &dv)
	if kube.NotFound(err) {
		return broken("somebody has deleted it", "datavolumes "+r.namespace+"/"+volumeName+" is gone",
			"leave the namespaces of the test alone, and run the same command again: "+r.Options.Again), "", nil
	}
	if err != nil {
		return seen{}, "", err
	}
	got = lookDataVolume(dv)
	if got.missing == "" {
		return got, r.claim(ctx), nil
	}
	if got.trouble != nil {
		return got, "", nil
	}
	pods, err := r.pods(ctx, r.namespace, "cdi.kubevirt.io=importer")
	if err != nil {
		return seen{}, "", err
	}
	for _, p := range pods {
		if t := podTrouble(p); t != nil {
			return seen{got.missing + "; " + t.cause, t}, "", nil
		}
	}
	if t := provisioning(r.warning(ctx, volumeName, "prime-")); t != nil {
		return seen{got.missing + "; " + t.cause, t}, "", nil
	}
	return got, "", nil
}

// claim is what the disk lies on.
func (r *run) claim(ctx context.Context) string {
	var c corev1.PersistentVolumeClaim
	if err := r.API.Get(ctx, claims.Ref(r.namespace, volumeName), &c); err != nil || c.Spec.StorageClassName == nil {
		return ""
	}
	return " on StorageClass " + *c.Spec.StorageClassName
}

// lookDataVolume is a DataVolume by itself.
func lookDataVolume(dv cdiv1.DataVolume) seen {
	if dv.Status.Phase == cdiv1.Succeeded {
		return seen{}
	}
	phase := string(dv.Status.Phase)
	if phase == "" {
		phase = "not set"
	}
	text := fmt.Sprintf("DataVolume %s/%s: phase %s", dv.Namespace, dv.Name, phase)
	list := conditions(dv.Status.Conditions)
	for _, c := range list {
		if c.Status != "True" {
			text += "; " + c.String()
		}
	}
	running := conditionOf(list, string(cdiv1.DataVolumeRunning))
	describe := fmt.Sprintf("oc -n %s describe datavolume,pvc,pod", dv.Namespace)
	switch {
	case dv.Status.Phase == cdiv1.Failed:
		return seen{text, &trouble{fault: fault{"it failed", text, describe}}}
	case running.Status == "False" && strings.Contains(running.Reason, "ImagePull"):
		return seen{text, &trouble{fault: fault{"an image cannot be pulled", running.String(),
			imageNext("the importer", running.Message)}, kind: "image", last: lasting}}
	case running.Status == "False" && running.Reason == "Error" && dv.Status.RestartCount > maxRestarts:
		return seen{text, &trouble{fault: fault{fmt.Sprintf("the import failed %d times", dv.Status.RestartCount),
			running.String(), describe}}}
	case running.Status == "False" && running.Reason == "Error":
		return seen{text, &trouble{fault: fault{"the import fails", running.String(), describe}, kind: "import",
			last: provisionTime}}
	}
	return seen{missing: text}
}

// provisioning is the trouble of which an event of the claim or the DataVolume tells.
func provisioning(event string) *trouble {
	for reason, next := range map[string]string{
		"ProvisioningFailed": "look at the storage's provisioner: its log, and whether it has space",
		"ErrClaimNotValid":   "give the StorageProfile of the class spec.claimPropertySets",
		"ErrExceededQuota":   "raise the quota of new namespaces",
	} {
		if strings.Contains(event, ": "+reason+": ") {
			return &trouble{fault: fault{"its storage is not provided", event, next}, kind: "storage", last: provisionTime}
		}
	}
	return nil
}
