package schematest

import (
	"encoding/json"
	"errors"
	"io"
	"strings"

	configv1 "github.com/openshift/api/config/v1"
	machineconfigv1 "github.com/openshift/api/machineconfiguration/v1"
	"go.yaml.in/yaml/v3"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	storagev1 "k8s.io/api/storage/v1"
	virtv1 "kubevirt.io/api/core/v1"
	snapshotv1 "kubevirt.io/api/snapshot/v1beta1"
	cdiv1 "kubevirt.io/containerized-data-importer-api/pkg/apis/core/v1beta1"
	strict "sigs.k8s.io/json"
)

// types are the kinds whose Go types know their fields.
var types = map[string]func() any{
	"v1 Namespace":             func() any { return new(corev1.Namespace) },
	"v1 Secret":                func() any { return new(corev1.Secret) },
	"v1 Service":               func() any { return new(corev1.Service) },
	"v1 ServiceAccount":        func() any { return new(corev1.ServiceAccount) },
	"v1 PersistentVolumeClaim": func() any { return new(corev1.PersistentVolumeClaim) },

	"rbac.authorization.k8s.io/v1 RoleBinding": func() any { return new(rbacv1.RoleBinding) },
	"rbac.authorization.k8s.io/v1 ClusterRole": func() any { return new(rbacv1.ClusterRole) },
	"storage.k8s.io/v1 StorageClass":           func() any { return new(storagev1.StorageClass) },

	"config.openshift.io/v1 OperatorHub":          func() any { return new(configv1.OperatorHub) },
	"config.openshift.io/v1 ImageTagMirrorSet":    func() any { return new(configv1.ImageTagMirrorSet) },
	"config.openshift.io/v1 ImageDigestMirrorSet": func() any { return new(configv1.ImageDigestMirrorSet) },

	"machineconfiguration.openshift.io/v1 MachineConfig": func() any { return new(machineconfigv1.MachineConfig) },

	"kubevirt.io/v1 VirtualMachine": func() any { return new(virtv1.VirtualMachine) },
	"kubevirt.io/v1 VirtualMachineInstanceMigration": func() any {
		return new(virtv1.VirtualMachineInstanceMigration)
	},
	"snapshot.kubevirt.io/v1beta1 VirtualMachineSnapshot": func() any { return new(snapshotv1.VirtualMachineSnapshot) },
	"snapshot.kubevirt.io/v1beta1 VirtualMachineRestore":  func() any { return new(snapshotv1.VirtualMachineRestore) },
	"cdi.kubevirt.io/v1beta1 DataVolume":                  func() any { return new(cdiv1.DataVolume) },
}

// Typed returns what is wrong with an object of a kind whose Go types know its fields; false for other kinds.
func Typed(o map[string]any) (wrong []string, typed bool) {
	apiVersion, _ := o["apiVersion"].(string)
	kind, _ := o["kind"].(string)
	made := types[apiVersion+" "+kind]
	if made == nil {
		return nil, false
	}
	text, err := json.Marshal(o)
	if err != nil {
		return []string{err.Error()}, true
	}
	more, err := strict.UnmarshalStrict(text, made())
	if err != nil {
		more = append(more, err)
	}
	for _, e := range more {
		wrong = append(wrong, e.Error())
	}
	return wrong, true
}

// Objects are the documents of a YAML text, with the numbers that manifests have.
func Objects(text string) (list []map[string]any, err error) {
	dec := yaml.NewDecoder(strings.NewReader(text))
	for {
		var o map[string]any
		switch err := dec.Decode(&o); {
		case errors.Is(err, io.EOF):
			return list, nil
		case err != nil:
			return nil, err
		case o != nil:
			list = append(list, numbers(o).(map[string]any))
		}
	}
}

func numbers(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key := range v {
			v[key] = numbers(v[key])
		}
	case []any:
		for i := range v {
			v[i] = numbers(v[i])
		}
	case int:
		return int64(v)
	}
	return v
}
