package controlplane

import (
	"embed"
	"errors"

	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
)

// rights are the role bindings by which nodes join, renew their certificates and
// are reached by the API server. Nobody approves a first client certificate here:
// that is for the bootstrap host (masters) and for the machine approver or the
// installer (workers).
//
//go:embed rights
var rights embed.FS

// apiManifests are what the masters' API servers are made from, and the rights
// without which no node can join.
func apiManifests(r *reader, etcdCA, kubeletCA string, agg aggregator) (map[string]any, error) {
	const (
		clientCA = "kube-apiserver-complete-client-ca-bundle.crt"
		serverCA = "kube-apiserver-complete-server-ca-bundle.crt"
	)
	boundKey, boundPublic := r.file(boundSigningKey+".key"), r.file(boundSigningKey+".pub")
	objects := map[string]any{
		"00_openshift-config-ns.yaml":                  api.Namespace("openshift-config"),
		"00_openshift-config-managed-ns.yaml":          api.Namespace(managed),
		"00_openshift-machine-config-operator-ns.yaml": api.Namespace("openshift-machine-config-operator"),
		"kube-apiserver-operator-cr.yaml":              api.OperatorResource("KubeAPIServer"),

		"cm-kube-apiserver-client-ca.yaml":            bundle(apiNamespace, "client-ca", r.file(clientCA)),
		"cm-kube-apiserver-aggregator-client-ca.yaml": bundle(apiNamespace, "aggregator-client-ca", r.file(agg.ca)),
		"cm-kube-apiserver-kubelet-serving-ca.yaml":   bundle(apiNamespace, "kubelet-serving-ca", r.file(kubeletCA)),
		"cm-kube-apiserver-etcd-serving-ca.yaml":      bundle(apiNamespace, "etcd-serving-ca", r.file(etcdCA)),
		"cm-kube-apiserver-sa-token-signing-certs.yaml": api.ConfigMap(apiNamespace, "sa-token-signing-certs",
			map[string]string{"service-account-001.pub": string(r.file("service-account.pub"))}),
		"cm-kube-apiserver-bound-sa-token-signing-certs.yaml": api.ConfigMap(apiNamespace,
			"bound-sa-token-signing-certs", map[string]string{"service-account-001.pub": string(boundPublic)}),
		"cm-kube-apiserver-server-ca.yaml":   bundle(managed, "kube-apiserver-server-ca", r.file(serverCA)),
		"cm-kube-apiserver-client-ca-m.yaml": bundle(managed, "kube-apiserver-client-ca", r.file(clientCA)),
		"cm-kubelet-serving-ca.yaml":         bundle(managed, "kubelet-serving-ca", r.file(kubeletCA)),
		"cm-admin-kubeconfig-client-ca.yaml": bundle("openshift-config", "admin-kubeconfig-client-ca",
			r.file("admin-kubeconfig-ca-bundle.crt")),

		"kube-apiserver-bound-token-key-secret.yaml": api.Secret(apiNamespace, boundSigningKey, map[string][]byte{
			"service-account.key": boundKey, "service-account.pub": boundPublic,
		}),
	}
	for file, s := range map[string]struct{ name, pair string }{
		"aggregator-client":             {"aggregator-client", agg.client},
		"etcd-client":                   {"etcd-client", "etcd-client"},
		"kubelet-client":                {"kubelet-client", "kube-apiserver-to-kubelet-client"},
		"external-loadbalancer-serving": {"external-loadbalancer-serving-certkey", "kube-apiserver-lb-server"},
		"internal-loadbalancer-serving": {"internal-loadbalancer-serving-certkey", "kube-apiserver-internal-lb-server"},
		"localhost-serving":             {"localhost-serving-cert-certkey", "kube-apiserver-localhost-server"},
		"service-network-serving":       {"service-network-serving-certkey", "kube-apiserver-service-network-server"},
	} {
		objects["kube-apiserver-"+file+"-secret.yaml"] = tlsSecret(apiNamespace, s.name, r.pair(s.pair))
	}
	for signer, file := range map[string]string{
		"loadbalancer-serving-signer":      "kube-apiserver-lb-signer",
		"localhost-serving-signer":         "kube-apiserver-localhost-signer",
		"service-network-serving-signer":   "kube-apiserver-service-network-signer",
		"aggregator-client-signer":         "aggregator-signer",
		"kube-apiserver-to-kubelet-signer": "kube-apiserver-to-kubelet-signer",
		"kube-control-plane-signer":        "kube-control-plane-signer",
	} {
		if r.dir.has(file + ".key") { // without it only the renewal of that certificate is missing
			objects["kube-apiserver-"+signer+"-secret.yaml"] = tlsSecret(apiOperatorNamespace, signer, r.pair(file))
		}
	}
	files, err := rights.ReadDir("rights")
	for _, f := range files {
		var binding map[string]any
		data, readErr := rights.ReadFile("rights/" + f.Name())
		err = errors.Join(err, readErr, yaml.Unmarshal(data, &binding))
		objects[f.Name()] = binding
	}
	return objects, err
}
