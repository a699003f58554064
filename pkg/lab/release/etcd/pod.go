package etcd

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// bootstrapPod is the only member there is at first.
func bootstrapPod(image, ip string) *corev1.Pod {
	dir := "/etc/kubernetes/static-pod-resources/etcd-member"
	files := serverFiles{
		CA:          dir + "/ca.crt",
		ServingCert: dir + "/etcd-serving.crt", ServingKey: dir + "/etcd-serving.key",
		PeerCert: dir + "/etcd-peer.crt", PeerKey: dir + "/etcd-peer.key",
	}
	settings := serverSettings(BootstrapMember, ip, BootstrapMember+"="+PeerURL(ip), "new", files)
	p := basePod(BootstrapMember)
	p.Spec.Containers = []corev1.Container{etcdContainer(image, arguments(settings)...)}
	p.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{
		{Name: "certs", MountPath: dir, ReadOnly: true},
		{Name: "data-dir", MountPath: "/var/lib/etcd"},
	}
	p.Spec.Volumes = []corev1.Volume{hostDir("certs", dir), hostDir("data-dir", "/var/lib/etcd")}
	return p
}

// masterPod is the template that the installer fills in per node. A container
// of its own waits to be added to the cluster, so the etcd image needs nothing
// but etcd.
func masterPod(etcdImage, operatorImage string) *corev1.Pod {
	base := "/etc/kubernetes/static-pod-resources/" + certDir
	files := masterFiles("NODE_NAME")
	p := basePod("etcd")
	p.Labels["revision"] = "REVISION"
	mounts := []corev1.VolumeMount{
		{Name: "cert-dir", MountPath: base, ReadOnly: true},
		{Name: "data-dir", MountPath: "/var/lib/etcd"},
		{Name: "config", MountPath: "/etc/etcd"},
	}
	p.Spec.InitContainers = []corev1.Container{{
		Name:            "discover",
		Image:           operatorImage,
		ImagePullPolicy: corev1.PullIfNotPresent,
		Command:         []string{"/usr/bin/discover-etcd-initial-cluster"},
		Args: []string{
			"--name=NODE_NAME", "--ip=NODE_IP", "--data-dir=/var/lib/etcd", "--config-file=/etc/etcd/etcd.yaml",
			"--endpoints-file=" + base + "/configmaps/" + memberList + "/" + discoverKey,
			"--cacert=" + files.CA, "--cert=" + files.PeerCert, "--key=" + files.PeerKey,
		},
		TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
		VolumeMounts:             mounts,
	}}
	p.Spec.Containers = []corev1.Container{etcdContainer(etcdImage, "--config-file=/etc/etcd/etcd.yaml")}
	p.Spec.Containers[0].VolumeMounts = mounts
	p.Spec.Volumes = []corev1.Volume{
		hostDir("cert-dir", base), hostDir("data-dir", "/var/lib/etcd"),
		{Name: "config", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
	}
	return p
}

func basePod(name string) *corev1.Pod {
	grace := int64(30)
	no := false
	return &corev1.Pod{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace:   namespace,
			Name:        name,
			Labels:      map[string]string{"app": "etcd", "etcd": "true", "k8s-app": "etcd"},
			Annotations: map[string]string{"kubectl.kubernetes.io/default-container": "etcd"},
		},
		Spec: corev1.PodSpec{
			HostNetwork:                   true,
			PriorityClassName:             "system-node-critical",
			AutomountServiceAccountToken:  &no,
			TerminationGracePeriodSeconds: &grace,
			Tolerations:                   []corev1.Toleration{{Operator: corev1.TolerationOpExists}},
		},
	}
}

func etcdContainer(image string, args ...string) corev1.Container {
	probe := func(path string, delay, period, failures int32) *corev1.Probe {
		return &corev1.Probe{
			ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{
				Host: "127.0.0.1", Path: path, Port: intstr.Parse(healthPort), Scheme: corev1.URISchemeHTTP,
			}},
			InitialDelaySeconds: delay, PeriodSeconds: period, TimeoutSeconds: 5, FailureThreshold: failures,
		}
	}
	return corev1.Container{
		Name:            "etcd",
		Image:           image,
		ImagePullPolicy: corev1.PullIfNotPresent,
		Command:         []string{"/usr/bin/etcd"},
		Args:            args,
		// No ports: on a node that bootstraps in place this pod comes up to 20 s
		// before the kubelet drops that of the bootstrap, and a kubelet refuses a
		// static pod for good while another has its ports. It waits for them
		// itself (discovery.free).
		Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{
			corev1.ResourceCPU: resource.MustParse("50m"), corev1.ResourceMemory: resource.MustParse("100Mi"),
		}},
		TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
		// A learner is alive but not ready: /readyz wants a linearizable read.
		LivenessProbe:  probe("/livez", 30, 10, 5),
		ReadinessProbe: probe("/readyz", 0, 2, 3),
	}
}

func hostDir(name, path string) corev1.Volume {
	t := corev1.HostPathDirectoryOrCreate
	source := &corev1.HostPathVolumeSource{Path: path, Type: &t}
	return corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{HostPath: source}}
}
