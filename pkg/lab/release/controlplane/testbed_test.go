package controlplane

import (
	"maps"
	"time"

	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/okd-install/okd-install/pkg/lab/certs"
	"github.com/okd-install/okd-install/pkg/lab/release/crds"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/pki"
)

// Domain of the test cluster.
const Domain = "demo.okd.test"

// serviceIP is the address of Service kubernetes.
const serviceIP = "198.19.128.1"

// WriteAssets puts below dir what the installer puts on a bootstrap host:
// manifests, tls and auth, with certificates made on the spot.
func WriteAssets(dir string, now time.Time) error {
	t := tree{files: api.Files{}, now: now, signers: map[string]pki.Pair{}}
	t.manifests()
	t.tls()
	if t.err != nil {
		return t.err
	}
	return t.files.Write(dir)
}

type tree struct {
	files   api.Files
	now     time.Time
	signers map[string]pki.Pair
	err     error
}

func (t *tree) pair(name string, p pki.Pair, err error) pki.Pair {
	if err != nil && t.err == nil {
		t.err = err
	}
	t.files["tls/"+name+".crt"], t.files["tls/"+name+".key"] = p.Cert, p.Key
	return p
}

func (t *tree) bundle(name string, signers ...string) []byte {
	var out []byte
	for _, s := range signers {
		out = append(out, t.signers[s].Cert...)
	}
	t.files["tls/"+name+".crt"] = out
	return out
}

func (t *tree) tls() {
	for name, life := range map[string]time.Duration{
		"admin-kubeconfig-signer": pki.TenYears, "kube-apiserver-lb-signer": pki.TenYears,
		"kube-apiserver-localhost-signer": pki.TenYears, "kube-apiserver-service-network-signer": pki.TenYears,
		"kubelet-bootstrap-kubeconfig-signer": pki.TenYears, "kube-apiserver-to-kubelet-signer": pki.Year,
		"kube-control-plane-signer": pki.Year, "kubelet-signer": pki.Day, "aggregator-signer": pki.Day,
	} {
		ca, err := certs.NewAuthority(t.now, pki.Name{Common: name, Unit: "openshift"}, life)
		t.signers[name] = t.pair(name, ca, err)
	}
	server := func(name, signer string, hosts ...string) {
		leaf := pki.Leaf{Name: pki.Name{Common: "system:kube-apiserver", Organization: []string{"kube-master"}},
			Usage: pki.Server, Life: pki.Day}
		p, err := certs.Issue(t.signers[signer], t.now, leaf, hosts...)
		t.pair(name, p, err)
	}
	server("kube-apiserver-lb-server", "kube-apiserver-lb-signer", "api."+Domain)
	server("kube-apiserver-internal-lb-server", "kube-apiserver-lb-signer", "api-int."+Domain)
	server("kube-apiserver-localhost-server", "kube-apiserver-localhost-signer", "localhost", "127.0.0.1", "::1")
	server("kube-apiserver-service-network-server", "kube-apiserver-service-network-signer", "kubernetes",
		"kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local", serviceIP)
	client := func(name, signer, cn, org string) pki.Pair {
		leaf := pki.Leaf{Name: pki.Name{Common: cn, Organization: []string{org}}, Usage: pki.Client, Life: pki.Day}
		p, err := certs.Issue(t.signers[signer], t.now, leaf)
		return t.pair(name, p, err)
	}
	client("kube-apiserver-to-kubelet-client", "kube-apiserver-to-kubelet-signer", "system:kube-apiserver",
		"kube-master")
	for _, c := range []string{"kube-controller-manager", "kube-scheduler"} {
		client("kube-control-plane-"+c+"-client", "kube-control-plane-signer", "system:admin", "system:masters")
	}
	client("aggregator-client", "aggregator-signer", "system:kube-apiserver-proxy", "kube-master")
	admin := client("admin-kubeconfig-client", "admin-kubeconfig-signer", "system:admin", "system:masters")

	t.bundle("admin-kubeconfig-ca-bundle", "admin-kubeconfig-signer")
	t.bundle("kubelet-client-ca-bundle", "kubelet-signer")
	t.bundle("kubelet-serving-ca-bundle", "kubelet-signer")
	t.bundle("kube-apiserver-complete-client-ca-bundle", "admin-kubeconfig-signer", "kubelet-signer",
		"kube-control-plane-signer", "kube-apiserver-to-kubelet-signer", "kubelet-bootstrap-kubeconfig-signer")
	serverCA := t.bundle("kube-apiserver-complete-server-ca-bundle", "kube-apiserver-lb-signer",
		"kube-apiserver-localhost-signer", "kube-apiserver-service-network-signer")
	t.serviceAccountKey()
	for name, server := range map[string]string{
		"kubeconfig": "https://api-int." + Domain + ":6443", "kubeconfig-loopback": "https://localhost:6443",
	} {
		out, err := api.Kubeconfig(clientcmdapi.Cluster{Server: server, CertificateAuthorityData: serverCA}, "admin",
			clientcmdapi.AuthInfo{ClientCertificateData: admin.Cert, ClientKeyData: admin.Key})
		if err != nil && t.err == nil {
			t.err = err
		}
		t.files["auth/"+name] = out
	}
}

func (t *tree) serviceAccountKey() {
	key, err := pki.NewKey()
	if err != nil {
		t.err = err
		return
	}
	t.files["tls/service-account.key"] = pki.EncodeKey(key)
	if t.files["tls/service-account.pub"], err = pki.EncodePublicKey(&key.PublicKey); err != nil {
		t.err = err
	}
}

func (t *tree) manifests() {
	spec := `  clusterNetwork: [{cidr: 198.19.0.0/17, hostPrefix: 24}]
  serviceNetwork: [198.19.128.0/17]
  networkType: OVNKubernetes
`
	maps.Copy(t.files, api.Files{
		"manifests/cluster-config.yaml": []byte(`apiVersion: v1
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
`),
		"manifests/cluster-network-02-config.yml": []byte("apiVersion: config.openshift.io/v1\nkind: Network\n" +
			"metadata: {name: cluster}\nspec:\n" + spec + "status:\n" + spec),
		"manifests/cluster-infrastructure-02-config.yml": []byte(`apiVersion: config.openshift.io/v1
kind: Infrastructure
metadata: {name: cluster}
spec: {platformSpec: {type: BareMetal}}
status:
  infrastructureName: demo-x7k2p
  apiServerInternalURI: https://api-int.demo.okd.test:6443
  controlPlaneTopology: HighlyAvailable
`),
	})
	for _, k := range crds.All() {
		data, err := k.Manifest()
		if err != nil {
			t.err = err
		}
		t.files["manifests/"+k.File()] = data
	}
}
