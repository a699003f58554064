// Package controlplane renders and runs the API server, controller manager
// and scheduler of the lab release: first on the bootstrap host from the
// installer's certificates, then on the control plane's nodes as revisions.
//
// The components are upstream Kubernetes with their own flags; where OKD hands
// them a configuration file, the file here lists those flags.
package controlplane

import (
	"embed"
	"net/netip"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/okd-install/okd-install/pkg/lab/release/clusterconfig"
	"github.com/okd-install/okd-install/pkg/lab/release/staticpod"
)

const (
	apiNamespace         = "openshift-kube-apiserver"
	apiOperatorNamespace = "openshift-kube-apiserver-operator"
	kcmNamespace         = "openshift-kube-controller-manager"
	kcmOperatorNamespace = "openshift-kube-controller-manager-operator"
	ksNamespace          = "openshift-kube-scheduler"
	managed              = "openshift-config-managed"

	bundleKey       = "ca-bundle.crt"
	boundSigningKey = "bound-service-account-signing-key"
	kcmClient       = "kube-controller-manager-client-cert-key"
	ksClient        = "kube-scheduler-client-cert-key"
	kcmKubeconfig   = "controller-manager-kubeconfig"
	tokenSecret     = "service-account-private-key"

	resourcesMount = "/etc/kubernetes/static-pod-resources" // files of a revision in a node's pod
	secretsMount   = "/etc/kubernetes/secrets"              // the installer's files in a pod of the bootstrap host
)

// Inputs of a revision.
var (
	apiConfigMaps = []string{
		"aggregator-client-ca", "bound-sa-token-signing-certs", "client-ca", "etcd-serving-ca", "kubelet-serving-ca",
		"sa-token-signing-certs",
	}
	apiSecrets = []string{
		"aggregator-client", boundSigningKey, "etcd-client", "external-loadbalancer-serving-certkey",
		"internal-loadbalancer-serving-certkey", "kubelet-client", "localhost-serving-cert-certkey",
		"service-network-serving-certkey",
	}
	kcmConfigMaps = []string{kcmKubeconfig, "serviceaccount-ca"}
	kcmSecrets    = []string{"csr-signer", kcmClient, tokenSecret}
	ksConfigMaps  = []string{"scheduler-kubeconfig", "serviceaccount-ca"}
	ksSecrets     = []string{ksClient}
)

//go:embed templates
var templates embed.FS

// pod fills in the manifest of a component.
func pod(component string, data any) (*corev1.Pod, error) {
	return staticpod.Pod(templates, "templates/"+component+".yaml.tmpl", data)
}

// flags are the arguments of a pod by name; a flag may occur more than once.
func flags(p *corev1.Pod) map[string][]string {
	out := map[string][]string{}
	for _, a := range p.Spec.Containers[0].Args {
		name, value, _ := strings.Cut(strings.TrimPrefix(a, "--"), "=")
		out[name] = append(out[name], value)
	}
	return out
}

// Files as the installer lays them out on a node. A pair is named without .crt
// and .key.
func configMapFile(name, key string) string {
	return resourcesMount + "/configmaps/" + name + "/" + key
}
func secretFile(name, key string) string { return resourcesMount + "/secrets/" + name + "/" + key }
func secretPair(name string) string      { return secretFile(name, "tls") }
func bootstrapFile(name string) string   { return secretsMount + "/" + name }

// apiServer is everything that differs between API servers. Files are paths in
// the container.
type apiServer struct {
	Bootstrap bool
	Image     string
	Advertise string // address in the endpoints of Service kubernetes; empty lets the server choose
	EtcdURLs  string
	Services  []netip.Prefix
	Shutdown  string // how long /readyz fails before connections are refused
	Grace     int

	ClientCA, EtcdCA, KubeletCA, AggregatorCA string
	Etcd, Kubelet, Aggregator                 string   // pairs
	TokenKeys                                 []string // public keys that verify service account tokens
	TokenSigningKey                           string
	Default                                   string   // pair for clients that send no server name
	Named                                     []string // pairs, by the names in them
}

// bootstrapAPIServer serves on the bootstrap host from the installer's files.
func bootstrapAPIServer(image, advertise, etcdURLs, etcdCA, kubeletCA string, agg aggregator,
	net *clusterconfig.Network) (*corev1.Pod, error) {
	file := bootstrapFile
	return pod("kube-apiserver", apiServer{
		Bootstrap: true, Image: image, Advertise: advertise, EtcdURLs: etcdURLs, Services: net.ServiceNetworks,
		// Its clients are to notice at once that the masters have taken over, and their
		// watches last until it is killed.
		Shutdown: "0s", Grace: 2,
		ClientCA:        file("kube-apiserver-complete-client-ca-bundle.crt"),
		EtcdCA:          file(etcdCA),
		Etcd:            file("etcd-client"),
		KubeletCA:       file(kubeletCA),
		Kubelet:         file("kube-apiserver-to-kubelet-client"),
		AggregatorCA:    file(agg.ca),
		Aggregator:      file(agg.client),
		TokenKeys:       []string{file("service-account.pub"), file(boundSigningKey + ".pub")},
		TokenSigningKey: file(boundSigningKey + ".key"),
		Default:         file("kube-apiserver-service-network-server"),
		Named: []string{
			file("kube-apiserver-lb-server"), file("kube-apiserver-internal-lb-server"),
			file("kube-apiserver-localhost-server"), file("kube-apiserver-service-network-server"),
		},
	})
}

// masterAPIServer serves on a control plane node. It uses the etcd member of
// its own node only: with several endpoints a client spreads its streams over
// them, and every server in the cluster would hang on a third of its watches
// when a machine loses power. This way a dead machine takes down its own server,
// which the load balancer drops.
func masterAPIServer(image string, net *clusterconfig.Network) (*corev1.Pod, error) {
	return pod("kube-apiserver", apiServer{
		Image: image, Advertise: "NODE_IP", EtcdURLs: "https://localhost:2379", Services: net.ServiceNetworks,
		Shutdown: "5s", Grace: 30,
		ClientCA:     configMapFile("client-ca", bundleKey),
		EtcdCA:       configMapFile("etcd-serving-ca", bundleKey),
		Etcd:         secretPair("etcd-client"),
		KubeletCA:    configMapFile("kubelet-serving-ca", bundleKey),
		Kubelet:      secretPair("kubelet-client"),
		AggregatorCA: configMapFile("aggregator-client-ca", bundleKey),
		Aggregator:   secretPair("aggregator-client"),
		TokenKeys: []string{
			configMapFile("sa-token-signing-certs", "service-account-001.pub"),
			configMapFile("bound-sa-token-signing-certs", "service-account-001.pub"),
		},
		TokenSigningKey: secretFile(boundSigningKey, "service-account.key"),
		Default:         secretPair("service-network-serving-certkey"),
		Named: []string{
			secretPair("external-loadbalancer-serving-certkey"), secretPair("internal-loadbalancer-serving-certkey"),
			secretPair("localhost-serving-cert-certkey"), secretPair("service-network-serving-certkey"),
		},
	})
}

// controllerManager is everything that differs between controller managers.
type controllerManager struct {
	Bootstrap                            bool
	Image                                string
	Clusters                             []clusterconfig.ClusterNetwork
	Services                             []netip.Prefix
	Kubeconfig, RootCA, TokenKey, Signer string // files; Signer is a pair
}

func bootstrapControllers(image string, net *clusterconfig.Network) (*corev1.Pod, error) {
	return pod("kube-controller-manager", controllerManager{
		Bootstrap: true, Image: image, Clusters: net.ClusterNetworks, Services: net.ServiceNetworks,
		Kubeconfig: bootstrapFile("kubeconfig"),
		RootCA:     bootstrapFile("kube-apiserver-complete-server-ca-bundle.crt"),
		TokenKey:   bootstrapFile("service-account.key"),
		Signer:     bootstrapFile("kubelet-signer"),
	})
}

func masterControllers(image string, net *clusterconfig.Network) (*corev1.Pod, error) {
	return pod("kube-controller-manager", controllerManager{
		Image: image, Clusters: net.ClusterNetworks, Services: net.ServiceNetworks,
		Kubeconfig: configMapFile(kcmKubeconfig, "kubeconfig"),
		RootCA:     configMapFile("serviceaccount-ca", bundleKey),
		TokenKey:   secretFile(tokenSecret, "service-account.key"),
		Signer:     secretPair("csr-signer"),
	})
}

// scheduler is everything that differs between schedulers.
type scheduler struct {
	Bootstrap         bool
	Image, Kubeconfig string
}

func bootstrapScheduler(image string) (*corev1.Pod, error) {
	return pod("kube-scheduler", scheduler{true, image, bootstrapFile("kubeconfig")})
}

func masterScheduler(image string, _ *clusterconfig.Network) (*corev1.Pod, error) {
	return pod("kube-scheduler", scheduler{false, image, configMapFile("scheduler-kubeconfig", "kubeconfig")})
}
