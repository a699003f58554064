// Package controlplane renders and runs the API server, controller manager
// and scheduler of the lab release: first on the bootstrap host from the
// installer's certificates, then on the control plane's nodes as revisions.
//
// The components are upstream Kubernetes with their own flags; where OKD hands
// them a configuration file, the file here lists those flags.
package controlplane

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

const (
	resourcesMount = "/etc/kubernetes/static-pod-resources"
	secretsMount   = "/etc/kubernetes/secrets"
	// bootstrapSecrets is where cluster-bootstrap copies the installer's tls
	// directory and the loopback kubeconfig.
	bootstrapSecrets = "/etc/kubernetes/bootstrap-secrets"
)

// staticPod is what the three pods have in common.
type staticPod struct {
	Namespace, Name string
	App             string
	Image           string
	Command         string // /usr/bin/kube-apiserver
	Args            []string
	Port            int32
	Ready           string // path of the readiness probe
	Live            string
	CPU, Memory     string // requests
	Grace           int64
	Resources       string // directory of the revision on the node; empty on the bootstrap host
}

func (s staticPod) pod() *corev1.Pod {
	no := false
	probe := func(path string, delay, period, failures int32) *corev1.Probe {
		return &corev1.Probe{
			ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{
				Path: path, Port: intstr.FromInt32(s.Port), Scheme: corev1.URISchemeHTTPS,
			}},
			InitialDelaySeconds: delay, PeriodSeconds: period, TimeoutSeconds: 5, FailureThreshold: failures,
		}
	}
	p := &corev1.Pod{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: s.Namespace, Name: s.Name,
			Labels:      map[string]string{"app": s.App},
			Annotations: map[string]string{"kubectl.kubernetes.io/default-container": s.App},
		},
		Spec: corev1.PodSpec{
			HostNetwork:                   true,
			PriorityClassName:             "system-node-critical",
			AutomountServiceAccountToken:  &no,
			TerminationGracePeriodSeconds: &s.Grace,
			Tolerations:                   []corev1.Toleration{{Operator: corev1.TolerationOpExists}},
			Containers: []corev1.Container{{
				Name:            s.App,
				Image:           s.Image,
				ImagePullPolicy: corev1.PullIfNotPresent,
				Command:         []string{s.Command},
				Args:            s.Args,
				Ports: []corev1.ContainerPort{{
					ContainerPort: s.Port, HostPort: s.Port, Protocol: corev1.ProtocolTCP,
				}},
				Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{
					corev1.ResourceCPU: resource.MustParse(s.CPU), corev1.ResourceMemory: resource.MustParse(s.Memory),
				}},
				TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
				StartupProbe:             probe(s.Live, 0, 2, 90),
				LivenessProbe:            probe(s.Live, 0, 10, 6),
				ReadinessProbe:           probe(s.Ready, 0, 2, 3),
			}},
		},
	}
	name, dir, mount := "secrets", bootstrapSecrets, secretsMount
	if s.Resources != "" {
		name, dir, mount = "resource-dir", s.Resources, resourcesMount
		p.Labels["revision"] = "REVISION"
	}
	p.Spec.Volumes = []corev1.Volume{hostDir(name, dir)}
	p.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: name, MountPath: mount, ReadOnly: true}}
	return p
}

func hostDir(name, path string) corev1.Volume {
	source := &corev1.HostPathVolumeSource{Path: path}
	return corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{HostPath: source}}
}

// flags are a component's arguments; a flag may occur more than once.
type flags map[string][]string

func (f flags) set(name string, values ...string) { f[name] = values }

// arguments renders flags in a stable order, so that the same settings give
// the same revision.
func (f flags) arguments() []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(f)) {
		for _, v := range f[name] {
			out = append(out, "--"+name+"="+v)
		}
	}
	return out
}

// resource paths of a revision on a node, as the installer lays them out.
func configMapFile(name, key string) string {
	return resourcesMount + "/configmaps/" + name + "/" + key
}
func secretFile(name, key string) string { return resourcesMount + "/secrets/" + name + "/" + key }
func secretPair(name string) pairFiles {
	return pairFiles{secretFile(name, corev1.TLSCertKey), secretFile(name, corev1.TLSPrivateKeyKey)}
}
