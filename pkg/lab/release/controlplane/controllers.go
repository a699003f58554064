package controlplane

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/okd-install/okd-install/pkg/lab/release/clusterconfig"
	"github.com/okd-install/okd-install/pkg/lab/release/staticpod"
)

const (
	bundleKey = "ca-bundle.crt"

	kcmNamespace         = "openshift-kube-controller-manager"
	kcmOperatorNamespace = "openshift-kube-controller-manager-operator"
	ksNamespace          = "openshift-kube-scheduler"
	ksOperatorNamespace  = "openshift-kube-scheduler-operator"

	kcmClient     = "kube-controller-manager-client-cert-key"
	ksClient      = "kube-scheduler-client-cert-key"
	kcmKubeconfig = "controller-manager-kubeconfig"
	tokenSecret   = "service-account-private-key"
)

// controllerManager is everything that differs between controller managers.
type controllerManager struct {
	Image      string
	Net        *clusterconfig.Network
	Kubeconfig string
	RootCA     string
	TokenKey   string
	Signer     pairFiles
	Resources  string
}

func (c controllerManager) flags() flags {
	f := flags{}
	var clusters, services []string
	for _, n := range c.Net.ClusterNetworks {
		clusters = append(clusters, n.CIDR.String())
	}
	for _, s := range c.Net.ServiceNetworks {
		services = append(services, s.String())
	}
	f.set("allocate-node-cidrs", "true")
	f.set("authentication-kubeconfig", c.Kubeconfig)
	// Without this it exits when it starts before the node's API server, and
	// after a power cut it would spend minutes in restart back-off.
	f.set("authentication-tolerate-lookup-failure", "true")
	f.set("authorization-kubeconfig", c.Kubeconfig)
	f.set("cluster-cidr", strings.Join(clusters, ","))
	f.set("cluster-signing-cert-file", c.Signer.Cert)
	f.set("cluster-signing-duration", "720h")
	f.set("cluster-signing-key-file", c.Signer.Key)
	f.set("controllers", "*,-bootstrap-signer-controller,-token-cleaner-controller")
	f.set("kube-api-burst", "300")
	f.set("kube-api-qps", "150")
	f.set("kubeconfig", c.Kubeconfig)
	f.set("leader-elect", "true")
	f.set("profiling", "false")
	f.set("root-ca-file", c.RootCA)
	f.set("secure-port", "10257")
	f.set("service-account-private-key-file", c.TokenKey)
	f.set("service-cluster-ip-range", strings.Join(services, ","))
	f.set("use-service-account-credentials", "true")
	f.set("flex-volume-plugin-dir", "/etc/kubernetes/kubelet-plugins/volume/exec")
	// Dual stack has a mask size per family; the plain flag is refused there.
	if len(c.Net.ClusterNetworks) == 1 {
		f.set("node-cidr-mask-size", fmt.Sprint(c.Net.ClusterNetworks[0].HostPrefix))
		return f
	}
	for _, n := range c.Net.ClusterNetworks {
		family := "ipv4"
		if n.CIDR.Addr().Is6() {
			family = "ipv6"
		}
		f.set("node-cidr-mask-size-"+family, fmt.Sprint(n.HostPrefix))
	}
	return f
}

func (c controllerManager) pod() *corev1.Pod {
	return serverPod(staticpod.Pod{
		Namespace: kcmNamespace, Name: "kube-controller-manager", App: "kube-controller-manager",
		Image: c.Image, Command: "/usr/bin/kube-controller-manager", Args: c.flags().arguments(),
		CPU: "50m", Memory: "100Mi", Grace: 10,
	}, 10257, "/healthz", "/healthz", c.Resources)
}

func bootstrapControllers(image string, net *clusterconfig.Network) controllerManager {
	return controllerManager{
		Image: image, Net: net,
		Kubeconfig: secretsMount + "/kubeconfig",
		RootCA:     secretsMount + "/kube-apiserver-complete-server-ca-bundle.crt",
		TokenKey:   secretsMount + "/service-account.key",
		Signer:     pairFiles{secretsMount + "/kubelet-signer.crt", secretsMount + "/kubelet-signer.key"},
	}
}

// Inputs of a revision of the controller manager.
var (
	kcmConfigMaps = []string{kcmKubeconfig, "serviceaccount-ca"}
	kcmSecrets    = []string{"csr-signer", kcmClient, tokenSecret}
)

func masterControllers(image string, net *clusterconfig.Network) controllerManager {
	return controllerManager{
		Image: image, Net: net,
		Kubeconfig: configMapFile(kcmKubeconfig, "kubeconfig"),
		RootCA:     configMapFile("serviceaccount-ca", bundleKey),
		TokenKey:   secretFile(tokenSecret, "service-account.key"),
		Signer:     secretPair("csr-signer"),
		Resources:  resourcesMount + "/kube-controller-manager-pod-REVISION",
	}
}

// scheduler is everything that differs between schedulers.
type scheduler struct {
	Image      string
	Kubeconfig string
	Resources  string
}

func (s scheduler) flags() flags {
	f := flags{}
	f.set("authentication-kubeconfig", s.Kubeconfig)
	f.set("authentication-tolerate-lookup-failure", "true")
	f.set("authorization-kubeconfig", s.Kubeconfig)
	f.set("kubeconfig", s.Kubeconfig)
	f.set("leader-elect", "true")
	f.set("profiling", "false")
	f.set("secure-port", "10259")
	return f
}

func (s scheduler) pod() *corev1.Pod {
	return serverPod(staticpod.Pod{
		Namespace: ksNamespace, Name: "openshift-kube-scheduler", App: "kube-scheduler",
		Image: s.Image, Command: "/usr/bin/kube-scheduler", Args: s.flags().arguments(),
		CPU: "20m", Memory: "50Mi", Grace: 10,
	}, 10259, "/healthz", "/healthz", s.Resources)
}

func bootstrapScheduler(image string) scheduler {
	return scheduler{Image: image, Kubeconfig: secretsMount + "/kubeconfig"}
}

// Inputs of a revision of the scheduler.
var (
	ksConfigMaps = []string{"scheduler-kubeconfig", "serviceaccount-ca"}
	ksSecrets    = []string{ksClient}
)

func masterScheduler(image string) scheduler {
	return scheduler{
		Image:      image,
		Kubeconfig: configMapFile("scheduler-kubeconfig", "kubeconfig"),
		Resources:  resourcesMount + "/kube-scheduler-pod-REVISION",
	}
}
