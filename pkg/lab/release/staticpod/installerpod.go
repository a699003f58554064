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
func (o *Operator) installerPod(s step, nodeIP string) *corev1.Pod {
	args := append(append([]string{}, o.InstallerCommand[1:]...),
		"--revision="+strconv.Itoa(s.Revision),
		"--namespace="+o.Namespace,
		"--pod="+o.PodConfigMap,
		"--resource-dir="+resourceDir,
		"--pod-manifest-dir="+manifestDir,
		"--configmaps="+strings.Join(o.ConfigMaps, ","),
		"--secrets="+strings.Join(o.Secrets, ","),
		"--cert-dir="+o.CertDir,
		"--cert-configmaps="+strings.Join(o.CertConfigMaps, ","),
		"--cert-secrets="+strings.Join(o.CertSecrets, ","),
		"--node-name="+s.Node,
		"--node-ip="+nodeIP,
	)
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: o.Namespace,
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
				Image:                    o.Images.Operator,
				ImagePullPolicy:          corev1.PullIfNotPresent,
				Command:                  o.InstallerCommand[:1],
				Args:                     args,
				TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
				VolumeMounts:             []corev1.VolumeMount{{Name: "kubernetes", MountPath: "/etc/kubernetes"}},
			}},
			Volumes: []corev1.Volume{HostDir("kubernetes", "/etc/kubernetes", corev1.HostPathDirectoryOrCreate)},
		},
	}
}
