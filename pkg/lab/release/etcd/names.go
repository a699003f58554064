// Package etcd is the lab release's etcd operator: it renders the bootstrap
// member, takes the cluster from one member to the control plane's, learner by
// learner, and removes the bootstrap member when the cluster no longer needs
// it.
package etcd

import "net"

const (
	namespace         = "openshift-etcd"
	operatorNamespace = "openshift-etcd-operator"

	// BootstrapMember is the name of the member on the bootstrap host.
	BootstrapMember = "etcd-bootstrap"
	// Endpoints is the ConfigMap of the voting members without the bootstrap's.
	Endpoints = "etcd-endpoints"
	// BootstrapAnnotation on Endpoints is the bootstrap member's address while
	// there is one.
	BootstrapAnnotation = "alpha.installer.openshift.io/etcd-bootstrap"

	memberList  = "etcd-discovery" // ConfigMap with every member's client URL, for nodes that join
	bundle      = "etcd-ca-bundle"
	allCerts    = "etcd-all-certs"
	signer      = "etcd-signer"
	clientCert  = "etcd-client"
	certDir     = "etcd-certs"
	bundleKey   = "ca-bundle.crt"
	discoverKey = "endpoints"

	clientPort  = "2379"
	peerPort    = "2380"
	metricsPort = "9978"
	healthPort  = "9981" // loopback, plain, for the kubelet's probes

	// runningInCluster is the condition for etcd not depending on the bootstrap
	// host any more.
	runningInCluster = "EtcdRunningInCluster"
)

// url is https://host:port.
func url(ip, port string) string { return "https://" + net.JoinHostPort(ip, port) }

// PeerURL is how members reach the member at ip.
func PeerURL(ip string) string { return url(ip, peerPort) }

// ClientURL is how clients reach the member at ip.
func ClientURL(ip string) string { return url(ip, clientPort) }
