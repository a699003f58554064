package controlplane

import (
	"net/netip"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/okd-install/okd-install/pkg/lab/release/clusterconfig"
	"github.com/okd-install/okd-install/pkg/lab/release/staticpod"
)

const (
	apiNamespace         = "openshift-kube-apiserver"
	apiOperatorNamespace = "openshift-kube-apiserver-operator"
	managed              = "openshift-config-managed"
	boundSigningKey      = "bound-service-account-signing-key"
	issuer               = "https://kubernetes.default.svc"
)

// pairFiles are the paths of a certificate and its key.
type pairFiles struct{ Cert, Key string }

// apiServer is everything that differs between API servers.
type apiServer struct {
	Image     string
	Advertise string // address in the endpoints of Service kubernetes; empty lets the server choose
	EtcdURLs  string
	Services  []netip.Prefix
	Shutdown  string // how long /readyz fails before connections are refused
	Grace     int64
	Resources string
	Files     apiFiles
}

// apiFiles are paths inside the container.
type apiFiles struct {
	ClientCA        string
	EtcdCA          string
	Etcd            pairFiles
	KubeletCA       string
	Kubelet         pairFiles
	AggregatorCA    string
	Aggregator      pairFiles
	TokenKeys       []string // public keys that verify service account tokens
	TokenSigningKey string
	Default         pairFiles   // for clients that send no server name
	Named           []pairFiles // by the names in them
}

func (a apiServer) flags() flags {
	any := "0.0.0.0"
	if len(a.Services) > 0 && a.Services[0].Addr().Is6() {
		any = "::"
	}
	var services []string
	for _, s := range a.Services {
		services = append(services, s.String())
	}
	f := flags{}
	f.set("allow-privileged", "true")
	f.set("api-audiences", issuer)
	f.set("authorization-mode", "Node,RBAC")
	f.set("bind-address", any)
	f.set("client-ca-file", a.Files.ClientCA)
	f.set("enable-admission-plugins", "NodeRestriction")
	f.set("endpoint-reconciler-type", "lease")
	f.set("etcd-cafile", a.Files.EtcdCA)
	f.set("etcd-certfile", a.Files.Etcd.Cert)
	f.set("etcd-keyfile", a.Files.Etcd.Key)
	f.set("etcd-prefix", "kubernetes.io")
	f.set("etcd-servers", a.EtcdURLs)
	f.set("event-ttl", "3h")
	// Spreads long-lived connections over the servers behind the VIP again
	// after a restart of one.
	f.set("goaway-chance", "0.001")
	f.set("kubelet-certificate-authority", a.Files.KubeletCA)
	f.set("kubelet-client-certificate", a.Files.Kubelet.Cert)
	f.set("kubelet-client-key", a.Files.Kubelet.Key)
	f.set("kubelet-preferred-address-types", "InternalIP")
	f.set("profiling", "false")
	f.set("proxy-client-cert-file", a.Files.Aggregator.Cert)
	f.set("proxy-client-key-file", a.Files.Aggregator.Key)
	f.set("requestheader-allowed-names", "system:kube-apiserver-proxy")
	f.set("requestheader-client-ca-file", a.Files.AggregatorCA)
	f.set("requestheader-extra-headers-prefix", "X-Remote-Extra-")
	f.set("requestheader-group-headers", "X-Remote-Group")
	f.set("requestheader-username-headers", "X-Remote-User")
	f.set("secure-port", "6443")
	f.set("service-account-issuer", issuer)
	f.set("service-account-key-file", a.Files.TokenKeys...)
	f.set("service-account-signing-key-file", a.Files.TokenSigningKey)
	f.set("service-cluster-ip-range", strings.Join(services, ","))
	f.set("shutdown-delay-duration", a.Shutdown)
	f.set("storage-backend", "etcd3")
	f.set("tls-cert-file", a.Files.Default.Cert)
	f.set("tls-private-key-file", a.Files.Default.Key)
	var named []string
	for _, p := range a.Files.Named {
		named = append(named, p.Cert+","+p.Key)
	}
	f.set("tls-sni-cert-key", named...)
	if a.Advertise != "" {
		f.set("advertise-address", a.Advertise)
	}
	return f
}

func (a apiServer) pod() *corev1.Pod {
	return serverPod(staticpod.Pod{
		Namespace: apiNamespace, Name: "kube-apiserver", App: "kube-apiserver",
		Image: a.Image, Command: "/usr/bin/kube-apiserver", Args: a.flags().arguments(),
		CPU: "100m", Memory: "300Mi", Grace: a.Grace,
	}, 6443, "/readyz", "/livez", a.Resources)
}

// bootstrapAPIServer serves on the bootstrap host from the installer's files.
func bootstrapAPIServer(image, advertise, etcdURLs, etcdCA, kubeletCA string, agg aggregator,
	net *clusterconfig.Network) apiServer {
	file := func(name string) string { return secretsMount + "/" + name }
	pair := func(name string) pairFiles { return pairFiles{file(name + ".crt"), file(name + ".key")} }
	return apiServer{
		Image: image, Advertise: advertise, EtcdURLs: etcdURLs, Services: net.ServiceNetworks,
		// Whoever still talks to this server is to notice at once that the
		// masters have taken over.
		Shutdown: "0s", Grace: 15,
		Files: apiFiles{
			ClientCA:        file("kube-apiserver-complete-client-ca-bundle.crt"),
			EtcdCA:          file(etcdCA),
			Etcd:            pair("etcd-client"),
			KubeletCA:       file(kubeletCA),
			Kubelet:         pair("kube-apiserver-to-kubelet-client"),
			AggregatorCA:    file(agg.ca),
			Aggregator:      pair(agg.client),
			TokenKeys:       []string{file("service-account.pub"), file("bound-service-account-signing-key.pub")},
			TokenSigningKey: file("bound-service-account-signing-key.key"),
			Default:         pair("kube-apiserver-service-network-server"),
			Named: []pairFiles{
				pair("kube-apiserver-lb-server"), pair("kube-apiserver-internal-lb-server"),
				pair("kube-apiserver-localhost-server"), pair("kube-apiserver-service-network-server"),
			},
		},
	}
}

// Inputs of a revision of the API server.
var (
	apiConfigMaps = []string{
		"aggregator-client-ca", "bound-sa-token-signing-certs", "client-ca", "etcd-serving-ca", "kubelet-serving-ca",
		"sa-token-signing-certs",
	}
	apiSecrets = []string{
		"aggregator-client", "bound-service-account-signing-key", "etcd-client",
		"external-loadbalancer-serving-certkey",
		"internal-loadbalancer-serving-certkey", "kubelet-client", "localhost-serving-cert-certkey",
		"service-network-serving-certkey",
	}
)

// masterAPIServer serves on a control plane node. It uses the etcd member of
// its own node only. With several endpoints a client spreads its streams over
// them, and a machine that lost power answers nothing: every server in the
// cluster would hang on a third of its watches until keepalive gives up. This
// way a dead machine takes down its own server, which the load balancer drops.
func masterAPIServer(image string, net *clusterconfig.Network) apiServer {
	pair := secretPair
	return apiServer{
		Image: image, Advertise: "NODE_IP", EtcdURLs: "https://localhost:2379", Services: net.ServiceNetworks,
		Shutdown: "5s", Grace: 30, Resources: resourcesMount + "/kube-apiserver-pod-REVISION",
		Files: apiFiles{
			ClientCA:     configMapFile("client-ca", bundleKey),
			EtcdCA:       configMapFile("etcd-serving-ca", bundleKey),
			Etcd:         pair("etcd-client"),
			KubeletCA:    configMapFile("kubelet-serving-ca", bundleKey),
			Kubelet:      pair("kubelet-client"),
			AggregatorCA: configMapFile("aggregator-client-ca", bundleKey),
			Aggregator:   pair("aggregator-client"),
			TokenKeys: []string{
				configMapFile("sa-token-signing-certs", "service-account-001.pub"),
				configMapFile("bound-sa-token-signing-certs", "service-account-001.pub"),
			},
			TokenSigningKey: secretFile("bound-service-account-signing-key", "service-account.key"),
			Default:         pair("service-network-serving-certkey"),
			Named: []pairFiles{
				pair("external-loadbalancer-serving-certkey"), pair("internal-loadbalancer-serving-certkey"),
				pair("localhost-serving-cert-certkey"), pair("service-network-serving-certkey"),
			},
		},
	}
}
