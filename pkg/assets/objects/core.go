package objects

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Namespaces that several manifests live in.
const (
	System        = metav1.NamespaceSystem
	Config        = "openshift-config"
	MachineConfig = "openshift-machine-config-operator"
	MachineAPI    = "openshift-machine-api"
)

// Type is the apiVersion and kind of an object.
func Type(apiVersion, kind string) metav1.TypeMeta {
	return metav1.TypeMeta{APIVersion: apiVersion, Kind: kind}
}

// ConfigMap is a ConfigMap with text.
func ConfigMap(namespace, name string, data map[string]string) corev1.ConfigMap {
	return corev1.ConfigMap{
		TypeMeta:   Type("v1", "ConfigMap"),
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Data:       data,
	}
}

// Secret is a Secret of a type.
func Secret(namespace, name string, kind corev1.SecretType, data map[string][]byte) corev1.Secret {
	return corev1.Secret{
		TypeMeta:   Type("v1", "Secret"),
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Type:       kind,
		Data:       data,
	}
}
