package cdi

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	cdiv1 "kubevirt.io/containerized-data-importer-api/pkg/apis/core/v1beta1"

	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/virt/kit/control"
)

// Where pods have their volumes, and what they are told, under CDI's names.
const (
	dataDir    = "/data"
	diskFile   = dataDir + "/disk.img"
	blockPath  = "/dev/cdi-block-volume"
	scratchDir = "/scratch"
	certDir    = "/certs"
	proxyDir   = "/proxycerts"
	sourceDir  = "/source"
	filesPort  = 8443

	varSource     = "IMPORTER_SOURCE"
	varEndpoint   = "IMPORTER_ENDPOINT"
	varContent    = "IMPORTER_CONTENTTYPE"
	varSize       = "IMPORTER_IMAGE_SIZE"
	varKey        = "IMPORTER_ACCESS_KEY_ID"
	varSecret     = "IMPORTER_SECRET_KEY"
	varCerts      = "IMPORTER_CERT_DIR"
	varProxyCerts = "IMPORTER_PROXY_CERT_DIR"
	varInsecure   = "INSECURE_TLS"
	varOverhead   = "FILESYSTEM_OVERHEAD"
	varArch       = "IMPORTER_REGISTRY_IMAGE_ARCHITECTURE"

	userID = 107 // as VMs run: the disk is theirs
)

func podName(prime *corev1.PersistentVolumeClaim, op operation) string {
	if op.kind == cdiv1.VolumeUploadSourceRef {
		return "cdi-upload-" + prime.Name
	}
	return "importer-" + prime.Name
}

// startPod starts the pod that fills the prime.
func (c *Controller) startPod(
	ctx context.Context, w *world, claim, prime *corev1.PersistentVolumeClaim, src any, op operation,
) error {
	pod := c.basicPod(prime, podName(prime, op))
	container := &pod.Spec.Containers[0]
	size := prime.Spec.Resources.Requests[corev1.ResourceStorage]
	env := map[string]string{
		varContent: prime.Annotations[annotationContent], varSize: size.String(),
		varOverhead: strconv.FormatFloat(w.overhead(prime.Spec.StorageClassName), 'f', -1, 64),
	}
	mount(pod, prime, "cdi-data-vol", dataDir, blockPath, false)
	var trust string
	scratch := prime.Annotations[annotationScratch] == "true"
	switch s := src.(type) {
	case *cdiv1.VolumeImportSource:
		var secret, certs string
		switch in := s.Spec.Source; {
		case in.Registry != nil:
			env[varSource], scratch = "registry", true
			if in.Registry.URL != nil {
				env[varEndpoint] = *in.Registry.URL
			}
			if in.Registry.Platform != nil {
				env[varArch] = in.Registry.Platform.Architecture
			}
			env[varInsecure] = strconv.FormatBool(w.insecure(env[varEndpoint]))
			secret, certs = deref(in.Registry.SecretRef), deref(in.Registry.CertConfigMap)
		case in.HTTP != nil:
			env[varSource], env[varEndpoint] = "http", in.HTTP.URL
			secret, certs = in.HTTP.SecretRef, in.HTTP.CertConfigMap
		default:
			env[varSource] = "none"
		}
		fromSecret(container, secret)
		fromConfigMap(pod, certs, "cdi-cert-vol", certDir, varCerts)
		var err error
		if trust, err = c.clusterTrust(ctx); err != nil {
			return err
		}
	case *cdiv1.VolumeCloneSource:
		from := w.claim(sourceNamespace(s), s.Spec.Source.Name)
		ready, err := c.cloneFrom(ctx, w, prime, from)
		if err != nil || ready == "" {
			return err
		}
		env[varSource], env[varEndpoint] = "http", ready
		if err := c.annotate(ctx, claim, map[string]string{annotationCloneType: "copy"}); err != nil {
			return err
		}
	case *cdiv1.VolumeUploadSource:
		container.Command = []string{"cdi-uploadserver"}
		container.Ports = []corev1.ContainerPort{{ContainerPort: filesPort}}
		container.ReadinessProbe = &corev1.Probe{PeriodSeconds: 1, ProbeHandler: corev1.ProbeHandler{
			HTTPGet: &corev1.HTTPGetAction{Path: "/healthz", Port: intstr.FromInt32(filesPort)},
		}}
		scratch = true
	}
	for _, name := range sortedKeys(env) {
		container.Env = append(container.Env, corev1.EnvVar{Name: name, Value: env[name]})
	}
	if scratch {
		pod.Spec.Volumes = append(pod.Spec.Volumes, claimVolume("cdi-scratch-vol", scratchName(prime), false))
		at := corev1.VolumeMount{Name: "cdi-scratch-vol", MountPath: scratchDir}
		container.VolumeMounts = append(container.VolumeMounts, at)
	}
	if trust != "" {
		fromConfigMap(pod, "import-proxy-cm-"+prime.Name, "cdi-proxy-cert-vol", proxyDir, varProxyCerts)
	}
	c.place(ctx, pod)
	if err := c.Client.Create(ctx, kube.Pods, pod.Namespace, pod); err != nil {
		return fmt.Errorf("create pod %s: %w", pod.Name, err)
	}
	if trust == "" {
		return nil
	}
	return c.Client.Make(ctx, kube.ConfigMaps, pod.Namespace, &corev1.ConfigMap{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"},
		ObjectMeta: metav1.ObjectMeta{Namespace: pod.Namespace, Name: "import-proxy-cm-" + prime.Name,
			OwnerReferences: ownedByPod(pod)},
		Data: map[string]string{"ca.pem": trust},
	})
}

func ownedByPod(pod *corev1.Pod) []metav1.OwnerReference {
	return []metav1.OwnerReference{*metav1.NewControllerRef(pod, corev1.SchemeGroupVersion.WithKind("Pod"))}
}

// basicPod is a pod that works on a claim, with no more rights than a namespace of users grants.
func (c *Controller) basicPod(claim *corev1.PersistentVolumeClaim, name string) *corev1.Pod {
	no, yes := false, true
	user := int64(userID)
	grace := int64(0)
	return &corev1.Pod{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: claim.Namespace, Name: name,
			Labels: map[string]string{labelCDI: valueCDI, "cdi.kubevirt.io": "importer",
				"app.kubernetes.io/component": "storage", "app.kubernetes.io/managed-by": "cdi-controller"},
			Annotations:     map[string]string{"cdi.kubevirt.io/storage.createdByController": "yes"},
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(claim, claimGVK)},
		},
		Spec: corev1.PodSpec{
			RestartPolicy: corev1.RestartPolicyOnFailure, TerminationGracePeriodSeconds: &grace,
			AutomountServiceAccountToken: &no,
			SecurityContext:              &corev1.PodSecurityContext{RunAsUser: &user, FSGroup: &user, RunAsNonRoot: &yes},
			Containers: []corev1.Container{{
				Name: "importer", Image: c.Image, ImagePullPolicy: corev1.PullIfNotPresent, Command: []string{"cdi-importer"},
				TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
				SecurityContext: &corev1.SecurityContext{
					AllowPrivilegeEscalation: &no, RunAsNonRoot: &yes,
					Capabilities:   &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
					SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
				},
			}},
		},
	}
}

// mount gives a pod a claim, as a directory or as a device.
func mount(pod *corev1.Pod, claim *corev1.PersistentVolumeClaim, name, dir, device string, readOnly bool) {
	pod.Spec.Volumes = append(pod.Spec.Volumes, claimVolume(name, claim.Name, readOnly))
	container := &pod.Spec.Containers[0]
	if claim.Spec.VolumeMode != nil && *claim.Spec.VolumeMode == corev1.PersistentVolumeBlock {
		container.VolumeDevices = append(container.VolumeDevices, corev1.VolumeDevice{Name: name, DevicePath: device})
		return
	}
	at := corev1.VolumeMount{Name: name, MountPath: dir, ReadOnly: readOnly}
	container.VolumeMounts = append(container.VolumeMounts, at)
}

func claimVolume(name, claim string, readOnly bool) corev1.Volume {
	return corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{
		PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claim, ReadOnly: readOnly},
	}}
}

func fromSecret(container *corev1.Container, name string) {
	if name == "" {
		return
	}
	for variable, key := range map[string]string{varKey: "accessKeyId", varSecret: "secretKey"} {
		container.Env = append(container.Env, corev1.EnvVar{Name: variable, ValueFrom: &corev1.EnvVarSource{
			SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: name}, Key: key},
		}})
	}
}

func fromConfigMap(pod *corev1.Pod, name, volume, dir, variable string) {
	if name == "" {
		return
	}
	pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: volume, VolumeSource: corev1.VolumeSource{
		ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: name}},
	}})
	container := &pod.Spec.Containers[0]
	at := corev1.VolumeMount{Name: volume, MountPath: dir, ReadOnly: true}
	container.VolumeMounts = append(container.VolumeMounts, at)
	container.Env = append(container.Env, corev1.EnvVar{Name: variable, Value: dir})
}

// place puts a pod where CDI's workloads belong.
func (c *Controller) place(ctx context.Context, pod *corev1.Pod) {
	all, err := control.All[cdiv1.CDI](ctx, c.Client, cdis, "")
	if err != nil || len(all) == 0 {
		return
	}
	p := all[0].Spec.Workloads
	pod.Spec.NodeSelector, pod.Spec.Affinity, pod.Spec.Tolerations = p.NodeSelector, p.Affinity, p.Tolerations
	pod.Spec.ImagePullSecrets = nil
	if r := all[0].Spec.Config; r != nil && r.PodResourceRequirements != nil {
		pod.Spec.Containers[0].Resources = *r.PodResourceRequirements
	}
}

// scratch makes the claim that a pod waits for.
func (c *Controller) scratch(
	ctx context.Context, w *world, prime *corev1.PersistentVolumeClaim, pod *corev1.Pod,
) error {
	name := scratchName(prime)
	wants := false
	for _, v := range pod.Spec.Volumes {
		wants = wants || v.PersistentVolumeClaim != nil && v.PersistentVolumeClaim.ClaimName == name
	}
	if !wants || pod.Status.Phase != corev1.PodPending || w.claim(prime.Namespace, name) != nil {
		return nil
	}
	class := prime.Spec.StorageClassName
	if w.config != nil && w.config.Status.ScratchSpaceStorageClass != "" {
		class = &w.config.Status.ScratchSpaceStorageClass
	}
	return c.Client.Make(ctx, control.Claims, prime.Namespace, &corev1.PersistentVolumeClaim{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "PersistentVolumeClaim"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: prime.Namespace, Name: name, Labels: map[string]string{labelCDI: valueCDI},
			OwnerReferences: ownedByPod(pod),
		},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}, StorageClassName: class,
			Resources: prime.Spec.Resources,
		},
	})
}

func scratchName(prime *corev1.PersistentVolumeClaim) string { return prime.Name + "-scratch" }

// insecure reports whether a registry's certificate does not matter.
func (w *world) insecure(url string) bool {
	if w.config == nil {
		return false
	}
	host, _, _ := strings.Cut(strings.TrimPrefix(url, "docker://"), "/")
	for _, r := range w.config.Spec.InsecureRegistries {
		if r == host {
			return true
		}
	}
	return false
}

// clusterTrust is the cluster's bundle of additional authorities. In the lab these stand for those that everybody
// trusts: the registries that the lab imitates have certificates of its own authority.
func (c *Controller) clusterTrust(ctx context.Context) (string, error) {
	cm, err := control.FindAs[corev1.ConfigMap](ctx, c.Client, kube.ConfigMaps, "openshift-config", "user-ca-bundle")
	if err != nil || cm == nil {
		return "", err
	}
	return cm.Data["ca-bundle.crt"], nil
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
