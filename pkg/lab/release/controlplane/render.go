package controlplane

import (
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
	// PolicyConfigFile is empty, as the lab has no cluster policy controller; the
	// bootstrap copies it.
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
	objects := map[string]any{}
	for file, object := range map[string]any{
		"csr-operator-signer-secret":         tlsSecret(kcmOperatorNamespace, "csr-signer", signer),
		"csr-signer-secret":                  tlsSecret(kcmNamespace, "csr-signer", signer),
		"client-secret":                      tlsSecret(kcmNamespace, kcmClient, client),
		"service-account-private-key-secret": api.Secret(kcmNamespace, tokenSecret, tokenKey),
		"serviceaccount-ca-cm":               bundle(kcmNamespace, "serviceaccount-ca", serverCA),
		"csr-controller-ca-cm":               bundle(managed, "csr-controller-ca", signer.Cert),
		"kubeconfig-cm":                      api.ConfigMap(kcmNamespace, kcmKubeconfig, kubeconfig),
		"operator-cr":                        api.OperatorResource("KubeControllerManager"),
	} {
		objects["kube-controller-manager-"+file+".yaml"] = object
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
