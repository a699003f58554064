package bundle

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Programs of the lifecycle manager's image that the job runs.
const (
	CopyProgram    = "cpb"
	ExtractProgram = "bundle-extract"
)

// Reference is the label of an unpack job and its pods: the name of the ConfigMap.
const Reference = "operatorframework.io/bundle-unpack-ref"

// Name is that of the objects for one bundle: they are made once per image.
func Name(image string) string {
	sum := sha256.Sum256([]byte(image))
	return hex.EncodeToString(sum[:])[:63]
}

// Job describes the unpacking of a bundle.
type Job struct {
	Namespace string // of the catalog
	Bundle    string // image
	Manager   string // image with the programs
	Deadline  time.Duration
	Secrets   []string // for pulling
}

// ConfigMap is where the content goes.
func (j Job) ConfigMap(owner metav1.OwnerReference) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
		Namespace: j.Namespace, Name: Name(j.Bundle), OwnerReferences: []metav1.OwnerReference{owner},
		Labels: map[string]string{Reference: Name(j.Bundle), "olm.managed": "true"},
	}}
}

// Role and RoleBinding let the job's pod write the ConfigMap.
func (j Job) Role(owner metav1.OwnerReference) (*rbacv1.Role, *rbacv1.RoleBinding) {
	meta := metav1.ObjectMeta{
		Namespace: j.Namespace, Name: Name(j.Bundle), OwnerReferences: []metav1.OwnerReference{owner},
	}
	role := &rbacv1.Role{ObjectMeta: meta, Rules: []rbacv1.PolicyRule{{
		APIGroups: []string{""}, Resources: []string{"configmaps"}, ResourceNames: []string{Name(j.Bundle)},
		Verbs: []string{"create", "get", "update"},
	}}}
	return role, &rbacv1.RoleBinding{
		ObjectMeta: meta,
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: role.Name},
		Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Name: "default", Namespace: j.Namespace}},
	}
}

// Batch is the job: the bundle's own image is run with a program that was copied to
// a volume, so the kubelet pulls it as it does others.
func (j Job) Batch(owner metav1.OwnerReference) *batchv1.Job {
	labels := map[string]string{Reference: Name(j.Bundle), "olm.managed": "true"}
	mount := func(volume string) corev1.VolumeMount {
		return corev1.VolumeMount{Name: volume, MountPath: "/" + volume}
	}
	small := corev1.ResourceRequirements{Requests: corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse("10m"), corev1.ResourceMemory: resource.MustParse("50Mi"),
	}}
	volume := func(name string) corev1.Volume {
		return corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}
	}
	spec := corev1.PodSpec{
		RestartPolicy: corev1.RestartPolicyNever,
		NodeSelector:  map[string]string{"kubernetes.io/os": "linux"},
		Volumes:       []corev1.Volume{volume("bundle"), volume("util")},
		InitContainers: []corev1.Container{
			{
				Name: "util", Image: j.Manager, ImagePullPolicy: corev1.PullIfNotPresent, Resources: small,
				Command:      []string{"/usr/bin/" + CopyProgram, "--install=/util/" + CopyProgram},
				VolumeMounts: []corev1.VolumeMount{mount("util")},
			},
			{
				Name: "pull", Image: j.Bundle, ImagePullPolicy: corev1.PullIfNotPresent, Resources: small,
				Command:      []string{"/util/" + CopyProgram, "--to=/bundle"},
				VolumeMounts: []corev1.VolumeMount{mount("bundle"), mount("util")},
			},
		},
		Containers: []corev1.Container{{
			Name: "extract", Image: j.Manager, ImagePullPolicy: corev1.PullIfNotPresent, Resources: small,
			Command: []string{
				"/usr/bin/" + ExtractProgram, "--from=/bundle", "--namespace=" + j.Namespace, "--config-map=" + Name(j.Bundle),
			},
			VolumeMounts:             []corev1.VolumeMount{mount("bundle")},
			TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
		}},
	}
	for _, s := range j.Secrets {
		spec.ImagePullSecrets = append(spec.ImagePullSecrets, corev1.LocalObjectReference{Name: s})
	}
	return &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: j.Namespace, Name: Name(j.Bundle), Labels: labels,
			OwnerReferences: []metav1.OwnerReference{owner},
		},
		Spec: batchv1.JobSpec{
			ActiveDeadlineSeconds: new(int64(j.Deadline.Seconds())), BackoffLimit: new(int32(3)),
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: spec},
		},
	}
}
