package controlplane

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"

	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/lab/release/staticpod/certs"
	"github.com/okd-install/okd-install/pkg/lab/release/staticpod/clusterconfig"
	"github.com/okd-install/okd-install/pkg/lab/release/staticpod/kube"
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
	// PolicyConfigFile is written for the cluster policy controller, which the
	// lab release does not have, because the bootstrap copies it.
	PolicyConfigFile string
	Addresses        []netip.Addr // of this host
}

// RenderAPIServer writes the bootstrap API server and the inputs of the
// masters' ones.
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
	server := bootstrapAPIServer(in.Image, advertise, in.EtcdURLs, in.EtcdCA, kubeletCA, agg, net)
	out := kube.Files{}
	if err := out.Add("bootstrap-manifests", map[string]any{"kube-apiserver-pod.yaml": server.pod()}); err != nil {
		return err
	}
	if err := apiManifests(out, dir, in.EtcdCA, kubeletCA, agg); err != nil {
		return err
	}
	return in.finish(out, "KubeAPIServerConfig", "apiServerArguments", server.flags())
}

// RenderControllerManager writes the bootstrap controller manager and the
// inputs of the masters' ones.
func RenderControllerManager(in RenderInput) error {
	net, err := clusterconfig.ReadNetwork(in.NetworkFile)
	if err != nil {
		return err
	}
	kcm := bootstrapControllers(in.Image, net)
	out := kube.Files{}
	if err := out.Add("bootstrap-manifests", map[string]any{"kube-controller-manager-pod.yaml": kcm.pod()}); err != nil {
		return err
	}
	r := reader{dir: tlsDir(in.InputDir)}
	signer := r.pair("kubelet-signer")
	client := r.pair("kube-control-plane-kube-controller-manager-client")
	serverCA := r.file("kube-apiserver-complete-server-ca-bundle.crt")
	tokenKey := r.file("service-account.key")
	if err := r.err(); err != nil {
		return err
	}
	kubeconfig, err := masterKubeconfig("kube-controller-manager-client-cert-key")
	if err != nil {
		return err
	}
	err = out.Add("manifests", map[string]any{
		"00_openshift-kube-controller-manager-ns.yaml":          kube.Namespace(kcmNamespace),
		"00_openshift-kube-controller-manager-operator-ns.yaml": kube.Namespace(kcmOperatorNamespace),
		"kube-controller-manager-csr-operator-signer-secret.yaml": kube.TLSSecret(
			kcmOperatorNamespace, "csr-signer", signer.CertPEM, signer.KeyPEM),
		"kube-controller-manager-csr-signer-secret.yaml": kube.TLSSecret(kcmNamespace, "csr-signer", signer.CertPEM, signer.KeyPEM),
		"kube-controller-manager-client-secret.yaml": kube.TLSSecret(
			kcmNamespace, "kube-controller-manager-client-cert-key", client.CertPEM, client.KeyPEM),
		"kube-controller-manager-service-account-private-key-secret.yaml": kube.Secret(
			kcmNamespace, "service-account-private-key", map[string][]byte{"service-account.key": tokenKey}),
		"kube-controller-manager-serviceaccount-ca-cm.yaml": bundle(kcmNamespace, "serviceaccount-ca", serverCA),
		"kube-controller-manager-csr-controller-ca-cm.yaml": bundle("openshift-config-managed", "csr-controller-ca", signer.CertPEM),
		"kube-controller-manager-kubeconfig-cm.yaml": kube.ConfigMap(
			kcmNamespace, "controller-manager-kubeconfig", map[string]string{"kubeconfig": string(kubeconfig)}),
		"kube-controller-manager-operator-cr.yaml": kube.OperatorResource("KubeControllerManager"),
	})
	if err != nil {
		return err
	}
	if in.PolicyConfigFile != "" {
		if err := writeConfig(in.PolicyConfigFile, "openshift.config.openshift.io/v1", "OpenShiftControllerManagerConfig", "controllers", []string{}); err != nil {
			return err
		}
	}
	return in.finish(out, "KubeControllerManagerConfig", "extendedArguments", kcm.flags())
}

// RenderScheduler writes the bootstrap scheduler and the inputs of the
// masters' ones.
func RenderScheduler(in RenderInput) error {
	ks := bootstrapScheduler(in.Image)
	out := kube.Files{}
	if err := out.Add("bootstrap-manifests", map[string]any{"kube-scheduler-pod.yaml": ks.pod()}); err != nil {
		return err
	}
	loopback := filepath.Join(in.InputDir, "..", "auth", "kubeconfig")
	if _, err := os.Stat(loopback); err != nil {
		return fmt.Errorf("look for the installer's kubeconfig: %w", err)
	}
	r := reader{dir: tlsDir(in.InputDir)}
	client := r.pair("kube-control-plane-kube-scheduler-client")
	serverCA := r.file("kube-apiserver-complete-server-ca-bundle.crt")
	if err := r.err(); err != nil {
		return err
	}
	kubeconfig, err := masterKubeconfig("kube-scheduler-client-cert-key")
	if err != nil {
		return err
	}
	err = out.Add("manifests", map[string]any{
		"00_openshift-kube-scheduler-ns.yaml":          kube.Namespace(ksNamespace),
		"00_openshift-kube-scheduler-operator-ns.yaml": kube.Namespace(ksOperatorNamespace),
		"kube-scheduler-client-secret.yaml":            kube.TLSSecret(ksNamespace, "kube-scheduler-client-cert-key", client.CertPEM, client.KeyPEM),
		"kube-scheduler-serviceaccount-ca-cm.yaml":     bundle(ksNamespace, "serviceaccount-ca", serverCA),
		"kube-scheduler-kubeconfig-cm.yaml": kube.ConfigMap(
			ksNamespace, "scheduler-kubeconfig", map[string]string{"kubeconfig": string(kubeconfig)}),
		"kube-scheduler-operator-cr.yaml": kube.OperatorResource("KubeScheduler"),
	})
	if err != nil {
		return err
	}
	return in.finish(out, "KubeSchedulerConfiguration", "extendedArguments", ks.flags())
}

func (in RenderInput) finish(out kube.Files, kind, key string, f flags) error {
	if err := out.Write(in.OutputDir); err != nil {
		return err
	}
	if in.ConfigFile == "" {
		return nil
	}
	return writeConfig(in.ConfigFile, "kubecontrolplane.config.openshift.io/v1", kind, key, f)
}

func writeConfig(path, version, kind, key string, value any) error {
	data, err := yaml.Marshal(map[string]any{"apiVersion": version, "kind": kind, key: value})
	if err != nil {
		return fmt.Errorf("render %s: %w", kind, err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("write %s: %w", kind, err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		return fmt.Errorf("write %s: %w", kind, err)
	}
	return nil
}

// advertise is the bootstrap host's address in the machine network; with no
// cluster config the server chooses for itself.
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

// masterKubeconfig names the node's own API server and files of the revision.
func masterKubeconfig(clientSecret string) ([]byte, error) {
	return kube.FileKubeconfig("https://localhost:6443", configMapFile("serviceaccount-ca", bundleKey),
		secretFile(clientSecret, "tls.crt"), secretFile(clientSecret, "tls.key"))
}

func bundle(namespace, name string, data []byte) any {
	return kube.ConfigMap(namespace, name, map[string]string{bundleKey: string(data)})
}

func pairSecret(namespace, name string, p certs.Pair) any {
	return kube.TLSSecret(namespace, name, p.CertPEM, p.KeyPEM)
}
