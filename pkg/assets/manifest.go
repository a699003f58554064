package assets

import (
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/asset"
)

// manifests gathers rendered objects.
type manifests struct {
	dir   string
	files asset.Files
	err   error
}

// add renders one object. What the Go types add without meaning, nulls and an
// empty status, is left out.
func (m *manifests) add(name string, object any) {
	if m.err != nil {
		return
	}
	path := m.dir + "/" + name
	raw, err := json.Marshal(object)
	if err != nil {
		m.err = fmt.Errorf("render %s: %w", path, err)
		return
	}
	var tree map[string]any
	if err := json.Unmarshal(raw, &tree); err != nil {
		m.err = fmt.Errorf("render %s: %w", path, err)
		return
	}
	dropNulls(tree)
	if status, ok := tree["status"].(map[string]any); ok && len(status) == 0 {
		delete(tree, "status")
	}
	out, err := yaml.Marshal(tree)
	if err != nil {
		m.err = fmt.Errorf("render %s: %w", path, err)
		return
	}
	m.files = append(m.files, asset.NewFile(path, out))
}

func dropNulls(tree map[string]any) {
	for k, v := range tree {
		switch v := v.(type) {
		case nil:
			delete(tree, k)
		case map[string]any:
			dropNulls(v)
		}
	}
}

func (m *manifests) done() (asset.Files, error) { return m.files.Sorted(), m.err }

func typeMeta(apiVersion, kind string) metav1.TypeMeta {
	return metav1.TypeMeta{APIVersion: apiVersion, Kind: kind}
}

// configMeta heads the cluster's one object of a kind of config.openshift.io.
func configMeta(kind string) (metav1.TypeMeta, metav1.ObjectMeta) {
	return typeMeta("config.openshift.io/v1", kind), metav1.ObjectMeta{Name: "cluster"}
}

func configMap(namespace, name string, data map[string]string) corev1.ConfigMap {
	return corev1.ConfigMap{
		TypeMeta:   typeMeta("v1", "ConfigMap"),
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Data:       data,
	}
}

func secretObject(namespace, name string, kind corev1.SecretType, data map[string][]byte) corev1.Secret {
	return corev1.Secret{
		TypeMeta:   typeMeta("v1", "Secret"),
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Type:       kind,
		Data:       data,
	}
}
