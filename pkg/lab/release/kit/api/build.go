package api

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/yaml"
)

// ConfigMap builds an object for rendering or EnsureConfigMap.
func ConfigMap(namespace, name string, data map[string]string) *corev1.ConfigMap {
	return &corev1.ConfigMap{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"},
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Data:       data,
	}
}

// Secret builds an opaque secret.
func Secret(namespace, name string, data map[string][]byte) *corev1.Secret {
	return &corev1.Secret{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"},
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Type:       corev1.SecretTypeOpaque,
		Data:       data,
	}
}

// TLSSecret builds a secret of type kubernetes.io/tls.
func TLSSecret(namespace, name string, cert, key []byte) *corev1.Secret {
	s := Secret(namespace, name, map[string][]byte{corev1.TLSCertKey: cert, corev1.TLSPrivateKeyKey: key})
	s.Type = corev1.SecretTypeTLS
	return s
}

// Namespace builds a namespace as OpenShift labels those of its control plane.
func Namespace(name string) *corev1.Namespace {
	return &corev1.Namespace{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Namespace"},
		ObjectMeta: metav1.ObjectMeta{
			Name: name,
			Annotations: map[string]string{
				"openshift.io/node-selector": "", "workload.openshift.io/allowed": "management",
			},
			Labels: map[string]string{
				"openshift.io/run-level":                         "0",
				"pod-security.kubernetes.io/enforce":             "privileged",
				"pod-security.kubernetes.io/audit":               "privileged",
				"pod-security.kubernetes.io/warn":                "privileged",
				"openshift.io/cluster-monitoring":                "true",
				"security.openshift.io/scc.podSecurityLabelSync": "false",
			},
		},
	}
}

// OperatorResource is the initial cluster resource of an operator.
func OperatorResource(kind string) map[string]any {
	return map[string]any{
		"apiVersion": "operator.openshift.io/v1", "kind": kind,
		"metadata": map[string]any{"name": "cluster"},
		"spec":     map[string]any{"managementState": "Managed", "logLevel": "Normal", "operatorLogLevel": "Normal"},
	}
}

// Kubeconfig renders a kubeconfig of one cluster and one user.
func Kubeconfig(cluster clientcmdapi.Cluster, name string, user clientcmdapi.AuthInfo) ([]byte, error) {
	c := clientcmdapi.NewConfig()
	c.Clusters["local"], c.AuthInfos[name] = &cluster, &user
	c.Contexts["local"] = &clientcmdapi.Context{Cluster: "local", AuthInfo: name}
	c.CurrentContext = "local"
	return clientcmd.Write(*c)
}

// Template renders an object in which an installer fills in values. In JSON a label
// stays a string when a number takes the place of a word.
func Template(obj any) (string, error) {
	m, err := pruned(obj)
	if err != nil {
		return "", err
	}
	out, err := json.MarshalIndent(m, "", "  ")
	return string(out), err
}

// pruned is an object without its empty status and creation time.
func pruned(obj any) (map[string]any, error) {
	if m, ok := obj.(map[string]any); ok {
		return m, nil
	}
	u, err := runtime.DefaultUnstructuredConverter.ToUnstructured(obj)
	if err != nil {
		return nil, fmt.Errorf("render %T: %w", obj, err)
	}
	if s, ok := u["status"].(map[string]any); ok && len(s) == 0 {
		delete(u, "status")
	}
	if m, ok := u["metadata"].(map[string]any); ok && m["creationTimestamp"] == nil {
		delete(m, "creationTimestamp")
	}
	return u, nil
}

// Files are rendered files by path below an output directory.
type Files map[string][]byte

// Add renders objects, typed ones or maps, as YAML below dir by file name.
func (f Files) Add(dir string, objects map[string]any) error {
	for name, obj := range objects {
		m, err := pruned(obj)
		if err != nil {
			return err
		}
		if f[filepath.Join(dir, name)], err = yaml.Marshal(m); err != nil {
			return fmt.Errorf("render %s: %w", name, err)
		}
	}
	return nil
}

// Write stores the files; keys and secrets (by name) are readable by root only.
func (f Files) Write(dir string) error {
	for name, data := range f {
		mode := fs.FileMode(0o644)
		if strings.HasSuffix(name, ".key") || strings.HasSuffix(strings.TrimSuffix(name, ".yaml"), "-secret") {
			mode = 0o600
		}
		path := filepath.Join(dir, name)
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		if err == nil {
			err = os.WriteFile(path, data, mode)
		}
		if err != nil {
			return fmt.Errorf("write rendered files: %w", err)
		}
	}
	return nil
}
