package etcd

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/okd-install/okd-install/pkg/lab/release/staticpod"
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
	p := memberPod(BootstrapMember, image, arguments(settings)...)
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
	p := memberPod("etcd", etcdImage, "--config-file=/etc/etcd/etcd.yaml")
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
	p.Spec.Containers[0].VolumeMounts = mounts
	p.Spec.Volumes = []corev1.Volume{
		hostDir("cert-dir", base), hostDir("data-dir", "/var/lib/etcd"),
		{Name: "config", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
	}
	return p
}

func memberPod(name, image string, args ...string) *corev1.Pod {
	p := staticpod.Pod{
		Namespace: namespace, Name: name, App: "etcd", Image: image, Command: "/usr/bin/etcd", Args: args,
		CPU: "50m", Memory: "100Mi", Grace: 30,
	}.Build()
	p.Labels["etcd"], p.Labels["k8s-app"] = "true", "etcd"
	// No ports: on a node that bootstraps in place this pod comes up to 20 s
	// before the kubelet drops that of the bootstrap, and a kubelet refuses a
	// static pod for good while another has its ports. It waits for them itself
	// (discovery.free).
	c := &p.Spec.Containers[0]
	get := corev1.HTTPGetAction{
		Host: "127.0.0.1", Path: "/livez", Port: intstr.Parse(healthPort), Scheme: corev1.URISchemeHTTP,
	}
	c.LivenessProbe = staticpod.Probe(get, 30, 10, 5)
	// A learner is alive but not ready: /readyz wants a linearizable read.
	get.Path = "/readyz"
	c.ReadinessProbe = staticpod.Probe(get, 0, 2, 3)
	return p
}

func hostDir(name, path string) corev1.Volume {
	return staticpod.HostDir(name, path, corev1.HostPathDirectoryOrCreate)
}
