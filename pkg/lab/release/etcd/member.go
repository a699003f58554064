// Package etcd is the lab release's etcd operator: it renders the bootstrap
// member, grows the cluster to the control plane's members, learner by learner,
// and removes the bootstrap member when it is no longer needed.
package etcd

import (
	"embed"
	"net"
	"net/netip"

	corev1 "k8s.io/api/core/v1"

	"github.com/okd-install/okd-install/pkg/lab/release/staticpod"
)

const (
	namespace = "openshift-etcd"

	// BootstrapMember is the name of the member on the bootstrap host.
	BootstrapMember = "etcd-bootstrap"
	// Endpoints is the ConfigMap of the voting members without the bootstrap's.
	Endpoints = "etcd-endpoints"
	// BootstrapAnnotation on Endpoints is the address of the bootstrap member.
	BootstrapAnnotation = "alpha.installer.openshift.io/etcd-bootstrap"

	// DelayedMarker is the file on the bootstrap host that says that it becomes a node
	// when it has handed over.
	DelayedMarker = "/assets/assisted-install-bootstrap"
	// DelayedAnnotation on namespace openshift-etcd says the same to the operator.
	DelayedAnnotation = "openshift.io/delayed-bootstrap"

	memberList  = "etcd-discovery" // ConfigMap with every member's client URL, for nodes that join
	bundle      = "etcd-ca-bundle"
	allCerts    = "etcd-all-certs"
	signer      = "etcd-signer"
	clientCert  = "etcd-client"
	bundleKey   = "ca-bundle.crt"
	discoverKey = "endpoints"

	clientPort = "2379"
	peerPort   = "2380"

	// etcd no longer depends on the bootstrap host.
	runningInCluster = "EtcdRunningInCluster"
)

// delayedAnnotations are the present and the former name.
var delayedAnnotations = []string{DelayedAnnotation, "openshift.io/delayed-ha-bootstrap"}

// PeerURL is how members reach the member at ip.
func PeerURL(ip string) string { return "https://" + net.JoinHostPort(ip, peerPort) }

// ClientURL is how clients reach the member at ip.
func ClientURL(ip string) string { return "https://" + net.JoinHostPort(ip, clientPort) }

//go:embed templates
var templates embed.FS

// settings fill in the templates of a member's pod and of its configuration.
type settings struct {
	Bootstrap              bool
	Image, OperatorImage   string
	Name, DataDir, Cluster string
	PeerURL, ClientURL     string
	Any                    string // address to listen on
}

// settingsAt are those of a member at an address.
func settingsAt(ip string) settings {
	s := settings{PeerURL: PeerURL(ip), ClientURL: ClientURL(ip), Any: "0.0.0.0"}
	if a, err := netip.ParseAddr(ip); err == nil && a.Is6() {
		s.Any = "[::]"
	}
	return s
}

// bootstrapPod is the only member there is at first.
func bootstrapPod(image, ip string) (*corev1.Pod, error) {
	s := settingsAt(ip)
	s.Bootstrap, s.Image = true, image
	return staticpod.Pod(templates, "templates/pod.yaml.tmpl", s)
}

// masterPod is the template that the installer fills in per node.
func masterPod(etcdImage, operatorImage string) (*corev1.Pod, error) {
	return staticpod.Pod(templates, "templates/pod.yaml.tmpl", settings{Image: etcdImage, OperatorImage: operatorImage})
}
