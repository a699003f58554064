package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
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
			Name:        name,
			Annotations: map[string]string{"openshift.io/node-selector": "", "workload.openshift.io/allowed": "management"},
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

// YAML renders an object without its empty status and creation time.
func YAML(obj any) ([]byte, error) { return render(obj, yaml.Marshal) }

// Template renders an object in which an installer fills in values, such as
// the revision in a label. It is JSON, which is YAML too: there a string stays
// one when a number takes its place.
func Template(obj any) ([]byte, error) {
	return render(obj, func(u any) ([]byte, error) { return json.MarshalIndent(u, "", "  ") })
}

func render(obj any, marshal func(any) ([]byte, error)) ([]byte, error) {
	u, err := runtime.DefaultUnstructuredConverter.ToUnstructured(obj)
	if err != nil {
		return nil, fmt.Errorf("render %T: %w", obj, err)
	}
	prune(u)
	out, err := marshal(u)
	if err != nil {
		return nil, fmt.Errorf("render %T: %w", obj, err)
	}
	return out, nil
}

func prune(u map[string]any) {
	if s, ok := u["status"].(map[string]any); ok && len(s) == 0 {
		delete(u, "status")
	}
	if m, ok := u["metadata"].(map[string]any); ok && m["creationTimestamp"] == nil {
		delete(m, "creationTimestamp")
	}
}

// EnsureConfigMap makes data and annotations of a ConfigMap as wished; it
// tells whether anything was written. Other annotations stay.
func EnsureConfigMap(ctx context.Context, c *Clients, want *corev1.ConfigMap) (bool, error) {
	api := c.Kube.CoreV1().ConfigMaps(want.Namespace)
	have, err := api.Get(ctx, want.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		if _, err = api.Create(ctx, want, metav1.CreateOptions{}); err != nil {
			return false, fmt.Errorf("create ConfigMap %s/%s: %w", want.Namespace, want.Name, err)
		}
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("get ConfigMap %s/%s: %w", want.Namespace, want.Name, err)
	}
	annotations := maps.Clone(have.Annotations)
	if annotations == nil {
		annotations = map[string]string{}
	}
	maps.Copy(annotations, want.Annotations)
	if equality.Semantic.DeepEqual(have.Data, want.Data) && equality.Semantic.DeepEqual(have.Annotations, annotations) {
		return false, nil
	}
	have.Data, have.Annotations = want.Data, annotations
	if _, err = api.Update(ctx, have, metav1.UpdateOptions{}); err != nil {
		return false, fmt.Errorf("update ConfigMap %s/%s: %w", want.Namespace, want.Name, err)
	}
	return true, nil
}

// EnsureSecret makes the data of a secret as wished; it tells whether anything
// was written.
func EnsureSecret(ctx context.Context, c *Clients, want *corev1.Secret) (bool, error) {
	api := c.Kube.CoreV1().Secrets(want.Namespace)
	have, err := api.Get(ctx, want.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		if _, err = api.Create(ctx, want, metav1.CreateOptions{}); err != nil {
			return false, fmt.Errorf("create Secret %s/%s: %w", want.Namespace, want.Name, err)
		}
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("get Secret %s/%s: %w", want.Namespace, want.Name, err)
	}
	if equality.Semantic.DeepEqual(have.Data, want.Data) {
		return false, nil
	}
	have.Data = want.Data
	if _, err = api.Update(ctx, have, metav1.UpdateOptions{}); err != nil {
		return false, fmt.Errorf("update Secret %s/%s: %w", want.Namespace, want.Name, err)
	}
	return true, nil
}
