package staticpod

import (
	"fmt"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	installerAccount = "installer-sa"
	installerApp     = "installer"
	resourceDir      = "/etc/kubernetes/static-pod-resources"
	manifestDir      = "/etc/kubernetes/manifests"
)

func installerName(s step) string {
	if s.Attempt == 0 {
		return fmt.Sprintf("installer-%d-%s", s.Revision, s.Node)
	}
	return fmt.Sprintf("installer-%d-retry-%d-%s", s.Revision, s.Attempt, s.Node)
}

// installerPod runs the installer on its node. It is bound to the node
// directly and uses the node's network, so it needs neither a scheduler nor a
// pod network.
func (c *Component) installerPod(s step, nodeIP string) *corev1.Pod {
	args := append(append([]string{}, c.InstallerCommand[1:]...),
		"--revision="+strconv.Itoa(s.Revision),
		"--namespace="+c.Namespace,
		"--pod="+c.PodConfigMap,
		"--resource-dir="+resourceDir,
		"--pod-manifest-dir="+manifestDir,
		"--configmaps="+strings.Join(c.ConfigMaps, ","),
		"--secrets="+strings.Join(c.Secrets, ","),
		"--cert-dir="+c.CertDir,
		"--cert-configmaps="+strings.Join(c.CertConfigMaps, ","),
		"--cert-secrets="+strings.Join(c.CertSecrets, ","),
		"--node-name="+s.Node,
		"--node-ip="+nodeIP,
	)
	dir := corev1.HostPathDirectoryOrCreate
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: c.Namespace,
			Name:      installerName(s),
			Labels: map[string]string{
				"app":      installerApp,
				"revision": strconv.Itoa(s.Revision),
				"attempt":  strconv.Itoa(s.Attempt),
			},
		},
		Spec: corev1.PodSpec{
			NodeName:           s.Node,
			HostNetwork:        true,
			DNSPolicy:          corev1.DNSDefault,
			RestartPolicy:      corev1.RestartPolicyNever,
			ServiceAccountName: installerAccount,
			PriorityClassName:  "system-node-critical",
			EnableServiceLinks: new(bool),
			Tolerations:        []corev1.Toleration{{Operator: corev1.TolerationOpExists}},
			Containers: []corev1.Container{{
				Name:                     "installer",
				Image:                    c.InstallerImage,
				ImagePullPolicy:          corev1.PullIfNotPresent,
				Command:                  c.InstallerCommand[:1],
				Args:                     args,
				TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
				VolumeMounts:             []corev1.VolumeMount{{Name: "kubernetes", MountPath: "/etc/kubernetes"}},
			}},
			Volumes: []corev1.Volume{{Name: "kubernetes", VolumeSource: corev1.VolumeSource{
				HostPath: &corev1.HostPathVolumeSource{Path: "/etc/kubernetes", Type: &dir},
			}}},
		},
	}
}

// NodeAddress is the internal address of a node, empty when it has not
// reported one.
func NodeAddress(n *corev1.Node) string {
	for _, a := range n.Status.Addresses {
		if a.Type == corev1.NodeInternalIP {
			return a.Address
		}
	}
	return ""
}
