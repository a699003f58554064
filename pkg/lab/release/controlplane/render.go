package controlplane

import (
	"embed"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/lab/release/clusterconfig"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/pki"
)

// RenderInput is what the three renderers work on.
type RenderInput struct {
	InputDir     string // the installer's tls directory
	OutputDir    string
	ConfigFile   string // written
	NetworkFile  string
	ManifestsDir string // rendered manifests, for cluster-config.yaml
	Image        string // hyperkube
	EtcdCA       string // file name in InputDir
	EtcdURLs     string
	// PolicyConfigFile is for the cluster policy controller, which the lab's release
	// does not have; the bootstrap copies it.
	PolicyConfigFile string
	Addresses        []netip.Addr // of this host
}

// RenderAPIServer writes the bootstrap API server and the inputs of the masters'.
func RenderAPIServer(in RenderInput) error {
	dir := tlsDir(in.InputDir)
	net, err := clusterconfig.ReadNetwork(in.NetworkFile)
	if err != nil {
		return err
	}
	if err := dir.ensureBoundKey(); err != nil {
		return err
	}
	agg, err := dir.aggregator()
	if err != nil {
		return err
	}
	advertise, err := in.advertise()
	if err != nil {
		return err
	}
	kubeletCA := dir.firstOf("kubelet-serving-ca-bundle.crt", "kubelet-client-ca-bundle.crt", "kubelet-signer.crt")
	pod, err := bootstrapAPIServer(in.Image, advertise, in.EtcdURLs, in.EtcdCA, kubeletCA, agg, net)
	if err != nil {
		return err
	}
	r := &reader{dir: dir}
	manifests, err := apiManifests(r, in.EtcdCA, kubeletCA, agg)
	if err := errors.Join(err, r.err()); err != nil {
		return err
	}
	return in.write("kube-apiserver", pod, manifests, "KubeAPIServerConfig", "apiServerArguments")
}

// RenderControllerManager does the same for the controller manager.
func RenderControllerManager(in RenderInput) error {
	net, err := clusterconfig.ReadNetwork(in.NetworkFile)
	if err != nil {
		return err
	}
	pod, err := bootstrapControllers(in.Image, net)
	if err != nil {
		return err
	}
	r := &reader{dir: tlsDir(in.InputDir)}
	signer := r.pair("kubelet-signer")
	client := r.pair("kube-control-plane-kube-controller-manager-client")
	serverCA := r.file("kube-apiserver-complete-server-ca-bundle.crt")
	tokenKey := map[string][]byte{"service-account.key": r.file("service-account.key")}
	kubeconfig := r.kubeconfig(kcmClient)
	if err := r.err(); err != nil {
		return err
	}
	const prefix = "kube-controller-manager-"
	objects := map[string]any{
		prefix + "csr-operator-signer-secret.yaml":         tlsSecret(kcmOperatorNamespace, "csr-signer", signer),
		prefix + "csr-signer-secret.yaml":                  tlsSecret(kcmNamespace, "csr-signer", signer),
		prefix + "client-secret.yaml":                      tlsSecret(kcmNamespace, kcmClient, client),
		prefix + "service-account-private-key-secret.yaml": api.Secret(kcmNamespace, tokenSecret, tokenKey),
		prefix + "serviceaccount-ca-cm.yaml":               bundle(kcmNamespace, "serviceaccount-ca", serverCA),
		prefix + "csr-controller-ca-cm.yaml":               bundle(managed, "csr-controller-ca", signer.Cert),
		prefix + "kubeconfig-cm.yaml":                      api.ConfigMap(kcmNamespace, kcmKubeconfig, kubeconfig),
		prefix + "operator-cr.yaml":                        api.OperatorResource("KubeControllerManager"),
	}
	if in.PolicyConfigFile != "" {
		err := writeConfig(in.PolicyConfigFile, "openshift.config.openshift.io/v1", "OpenShiftControllerManagerConfig",
			"controllers", []string{})
		if err != nil {
			return err
		}
	}
	return in.write("kube-controller-manager", pod, objects, "KubeControllerManagerConfig", "extendedArguments")
}

// RenderScheduler does the same for the scheduler.
func RenderScheduler(in RenderInput) error {
	pod, err := bootstrapScheduler(in.Image)
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(in.InputDir, "..", "auth", "kubeconfig")); err != nil {
		return fmt.Errorf("look for the installer's kubeconfig: %w", err)
	}
	r := &reader{dir: tlsDir(in.InputDir)}
	client := r.pair("kube-control-plane-kube-scheduler-client")
	serverCA := r.file("kube-apiserver-complete-server-ca-bundle.crt")
	kubeconfig := r.kubeconfig(ksClient)
	if err := r.err(); err != nil {
		return err
	}
	return in.write("kube-scheduler", pod, map[string]any{
		"kube-scheduler-client-secret.yaml":        tlsSecret(ksNamespace, ksClient, client),
		"kube-scheduler-serviceaccount-ca-cm.yaml": bundle(ksNamespace, "serviceaccount-ca", serverCA),
		"kube-scheduler-kubeconfig-cm.yaml":        api.ConfigMap(ksNamespace, "scheduler-kubeconfig", kubeconfig),
		"kube-scheduler-operator-cr.yaml":          api.OperatorResource("KubeScheduler"),
	}, "KubeSchedulerConfiguration", "extendedArguments")
}

// write stores the pod of the bootstrap host, the manifests for the cluster with
// the component's namespaces, and its flags in the form of its configuration file.
func (in RenderInput) write(component string, pod *corev1.Pod, manifests map[string]any, kind, key string) error {
	for _, ns := range []string{pod.Namespace, pod.Namespace + "-operator"} {
		manifests["00_"+ns+"-ns.yaml"] = api.Namespace(ns)
	}
	out := api.Files{}
	err := out.Add("bootstrap-manifests", map[string]any{component + "-pod.yaml": pod})
	if err == nil {
		err = out.Add("manifests", manifests)
	}
	if err == nil {
		err = out.Write(in.OutputDir)
	}
	if err == nil && in.ConfigFile != "" {
		err = writeConfig(in.ConfigFile, "kubecontrolplane.config.openshift.io/v1", kind, key, flags(pod))
	}
	return err
}

func writeConfig(path, version, kind, key string, value any) error {
	data, err := yaml.Marshal(map[string]any{"apiVersion": version, "kind": kind, key: value})
	if err != nil {
		return fmt.Errorf("render %s: %w", kind, err)
	}
	return api.Files{path: data}.Write("")
}

// advertise is the bootstrap host's address, if there is a cluster config.
func (in RenderInput) advertise() (string, error) {
	path := filepath.Join(in.ManifestsDir, "cluster-config.yaml")
	if _, err := os.Stat(path); in.ManifestsDir == "" || errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	c, err := clusterconfig.ReadCluster(path)
	if err != nil {
		return "", err
	}
	a, err := c.BootstrapAddress(in.Addresses)
	if err != nil {
		return "", err
	}
	return a.String(), nil
}

func bundle(namespace, name string, data []byte) any {
	return api.ConfigMap(namespace, name, map[string]string{bundleKey: string(data)})
}

func tlsSecret(namespace, name string, p pki.Pair) any {
	return api.TLSSecret(namespace, name, p.Cert, p.Key)
}

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
