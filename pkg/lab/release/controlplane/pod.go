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
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/okd-install/okd-install/pkg/lab/release/staticpod"
)

const (
	resourcesMount = "/etc/kubernetes/static-pod-resources"
	secretsMount   = "/etc/kubernetes/secrets"
	// bootstrapSecrets is where cluster-bootstrap copies the installer's tls
	// directory and the loopback kubeconfig.
	bootstrapSecrets = "/etc/kubernetes/bootstrap-secrets"
)

// serverPod adds what the three pods have in common: their port and the probes of
// it, and the files that they read, which on a node are those of a revision.
func serverPod(p staticpod.Pod, port int32, ready, live, revision string) *corev1.Pod {
	pod := p.Build()
	c := &pod.Spec.Containers[0]
	c.Ports = []corev1.ContainerPort{{ContainerPort: port, HostPort: port, Protocol: corev1.ProtocolTCP}}
	get := corev1.HTTPGetAction{Path: live, Port: intstr.FromInt32(port), Scheme: corev1.URISchemeHTTPS}
	c.StartupProbe, c.LivenessProbe = staticpod.Probe(get, 0, 2, 90), staticpod.Probe(get, 0, 10, 6)
	get.Path = ready
	c.ReadinessProbe = staticpod.Probe(get, 0, 2, 3)
	name, dir, mount := "secrets", bootstrapSecrets, secretsMount
	if revision != "" {
		name, dir, mount = "resource-dir", revision, resourcesMount
		pod.Labels["revision"] = "REVISION"
	}
	pod.Spec.Volumes = []corev1.Volume{staticpod.HostDir(name, dir)}
	c.VolumeMounts = []corev1.VolumeMount{{Name: name, MountPath: mount, ReadOnly: true}}
	return pod
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
