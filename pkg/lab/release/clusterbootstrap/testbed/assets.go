// Package testbed prepares what the installer puts on a bootstrap host, with
// certificates made on the spot, for tests of the lab release.
package testbed

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/okd-install/okd-install/pkg/lab/release/staticpod/certs"
)

// Domain of the test cluster.
const Domain = "demo.okd.test"

// ServiceIP is the address of Service kubernetes.
const ServiceIP = "198.19.128.1"

// WriteAssets makes manifests, tls and auth below dir, by the installer's names.
func WriteAssets(dir string, now time.Time) error {
	t := tree{dir: dir, now: now, signers: map[string]*certs.Authority{}}
	t.manifests()
	t.tls()
	return t.err
}

type tree struct {
	dir     string
	now     time.Time
	signers map[string]*certs.Authority
	err     error
}

func (t *tree) write(name string, data []byte) {
	if t.err != nil {
		return
	}
	path := filepath.Join(t.dir, name)
	if t.err = os.MkdirAll(filepath.Dir(path), 0o755); t.err == nil {
		t.err = os.WriteFile(path, data, 0o600)
	}
}

func (t *tree) signer(name string, life time.Duration) {
	if t.err != nil {
		return
	}
	ca, err := certs.NewAuthority(name, t.now, life)
	if err != nil {
		t.err = err
		return
	}
	t.signers[name] = ca
	t.write("tls/"+name+".crt", ca.CertPEM)
	t.write("tls/"+name+".key", ca.KeyPEM)
}

func (t *tree) leaf(name, signer string, r certs.Request) certs.Pair {
	if t.err != nil {
		return certs.Pair{}
	}
	p, err := t.signers[signer].Issue(r, t.now)
	if err != nil {
		t.err = err
	}
	t.write("tls/"+name+".crt", p.CertPEM)
	t.write("tls/"+name+".key", p.KeyPEM)
	return p
}

func (t *tree) bundle(name string, signers ...string) []byte {
	var out []byte
	for _, s := range signers {
		if ca := t.signers[s]; ca != nil {
			out = append(out, ca.CertPEM...)
		}
	}
	t.write("tls/"+name+".crt", out)
	return out
}

func (t *tree) tls() {
	const day, year = 24 * time.Hour, 365 * 24 * time.Hour
	for name, life := range map[string]time.Duration{
		"admin-kubeconfig-signer": 10 * year, "kube-apiserver-lb-signer": 10 * year, "kube-apiserver-localhost-signer": 10 * year,
		"kube-apiserver-service-network-signer": 10 * year, "kube-apiserver-to-kubelet-signer": year, "kube-control-plane-signer": year,
		"kubelet-bootstrap-kubeconfig-signer": 10 * year, "kubelet-signer": day, "aggregator-signer": day,
	} {
		t.signer(name, life)
	}
	server := func(name, signer string, hosts ...string) {
		t.leaf(name, signer, certs.Request{CommonName: "system:kube-apiserver", Organizations: []string{"kube-master"}, Hosts: hosts, Server: true, Life: day})
	}
	server("kube-apiserver-lb-server", "kube-apiserver-lb-signer", "api."+Domain)
	server("kube-apiserver-internal-lb-server", "kube-apiserver-lb-signer", "api-int."+Domain)
	server("kube-apiserver-localhost-server", "kube-apiserver-localhost-signer", "localhost", "127.0.0.1", "::1")
	server("kube-apiserver-service-network-server", "kube-apiserver-service-network-signer",
		"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local", ServiceIP)
	client := func(name, signer, cn, org string) certs.Pair {
		return t.leaf(name, signer, certs.Request{CommonName: cn, Organizations: []string{org}, Client: true, Life: day})
	}
	client("kube-apiserver-to-kubelet-client", "kube-apiserver-to-kubelet-signer", "system:kube-apiserver", "kube-master")
	client("kube-control-plane-kube-controller-manager-client", "kube-control-plane-signer", "system:admin", "system:masters")
	client("kube-control-plane-kube-scheduler-client", "kube-control-plane-signer", "system:admin", "system:masters")
	client("aggregator-client", "aggregator-signer", "system:kube-apiserver-proxy", "kube-master")
	admin := client("admin-kubeconfig-client", "admin-kubeconfig-signer", "system:admin", "system:masters")

	t.bundle("admin-kubeconfig-ca-bundle", "admin-kubeconfig-signer")
	t.bundle("kubelet-client-ca-bundle", "kubelet-signer")
	t.bundle("kubelet-serving-ca-bundle", "kubelet-signer")
	t.bundle("kube-apiserver-complete-client-ca-bundle", "admin-kubeconfig-signer", "kubelet-signer", "kube-control-plane-signer",
		"kube-apiserver-to-kubelet-signer", "kubelet-bootstrap-kubeconfig-signer")
	serverCA := t.bundle("kube-apiserver-complete-server-ca-bundle", "kube-apiserver-lb-signer", "kube-apiserver-localhost-signer",
		"kube-apiserver-service-network-signer")
	private, public, err := certs.RSAKeys()
	if err != nil && t.err == nil {
		t.err = err
	}
	t.write("tls/service-account.key", private)
	t.write("tls/service-account.pub", public)
	for name, server := range map[string]string{
		"kubeconfig": "https://api-int." + Domain + ":6443", "kubeconfig-loopback": "https://localhost:6443",
	} {
		t.write("auth/"+name, Kubeconfig(server, serverCA, admin))
	}
}

// Kubeconfig of an administrator.
func Kubeconfig(server string, ca []byte, client certs.Pair) []byte {
	c := clientcmdapi.NewConfig()
	c.Clusters["demo"] = &clientcmdapi.Cluster{Server: server, CertificateAuthorityData: ca}
	c.AuthInfos["admin"] = &clientcmdapi.AuthInfo{ClientCertificateData: client.CertPEM, ClientKeyData: client.KeyPEM}
	c.Contexts["admin"] = &clientcmdapi.Context{Cluster: "demo", AuthInfo: "admin"}
	c.CurrentContext = "admin"
	out, err := clientcmd.Write(*c)
	if err != nil {
		panic(err) // a value of this shape always encodes
	}
	return out
}

func (t *tree) manifests() {
	t.write("manifests/cluster-config.yaml", []byte(`apiVersion: v1
kind: ConfigMap
metadata: {name: cluster-config-v1, namespace: kube-system}
data:
  install-config: |
    baseDomain: okd.test
    metadata: {name: demo}
    controlPlane: {name: master, replicas: 3}
    networking:
      machineNetwork: [{cidr: 198.18.0.0/24}]
    platform:
      baremetal: {apiVIP: 198.18.0.10, apiVIPs: [198.18.0.10], ingressVIPs: [198.18.0.11]}
`))
	spec := `  clusterNetwork: [{cidr: 198.19.0.0/17, hostPrefix: 24}]
  serviceNetwork: [198.19.128.0/17]
  networkType: OVNKubernetes
`
	t.write("manifests/cluster-network-02-config.yml", []byte("apiVersion: config.openshift.io/v1\nkind: Network\nmetadata: {name: cluster}\nspec:\n"+spec+"status:\n"+spec))
	t.write("manifests/cluster-infrastructure-02-config.yml", []byte(`apiVersion: config.openshift.io/v1
kind: Infrastructure
metadata: {name: cluster}
spec: {platformSpec: {type: BareMetal}}
status:
  infrastructureName: demo-x7k2p
  apiServerInternalURI: https://api-int.demo.okd.test:6443
  controlPlaneTopology: HighlyAvailable
`))
	for kind, group := range map[string]string{
		"Etcd": "operator", "KubeAPIServer": "operator", "KubeControllerManager": "operator", "KubeScheduler": "operator",
		"ClusterOperator": "config", "Network": "config", "Infrastructure": "config",
	} {
		t.write("manifests/0000_10_"+kind+".crd.yaml", crd(kind, group+".openshift.io"))
	}
}

func crd(kind, group string) []byte {
	plural := map[string]string{
		"Etcd": "etcds", "KubeAPIServer": "kubeapiservers", "KubeControllerManager": "kubecontrollermanagers", "KubeScheduler": "kubeschedulers",
		"ClusterOperator": "clusteroperators", "Network": "networks", "Infrastructure": "infrastructures",
	}[kind]
	return fmt.Appendf(nil, `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: %[1]s.%[2]s}
spec:
  group: %[2]s
  scope: Cluster
  names: {kind: %[3]s, plural: %[1]s, listKind: %[3]sList}
  versions:
    - name: v1
      served: true
      storage: true
      subresources: {status: {}}
      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
`, plural, group, kind)
}
