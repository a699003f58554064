// Package hpp is the lab's hostpath provisioner: volumes that are directories of a node. The real one is a CSI driver;
// this one makes volumes of a kind that the kubelet mounts by itself.
package hpp

import (
	"encoding/json"
	"fmt"

	conditionsv1 "github.com/openshift/custom-resource-status/conditions/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	sdk "kubevirt.io/controller-lifecycle-operator-sdk/api"

	"github.com/okd-install/okd-install/pkg/lab/virt/kit/schema"
)

// Spec is that of a HostPathProvisioner.
type Spec struct {
	ImagePullPolicy corev1.PullPolicy `json:"imagePullPolicy,omitempty"`
	PathConfig      *PathConfig       `json:"pathConfig,omitempty"`
	Workload        sdk.NodePlacement `json:"workload,omitempty"`
	FeatureGates    []string          `json:"featureGates,omitempty"`
	StoragePools    []Pool            `json:"storagePools,omitempty"`
}

// PathConfig is the old form of a pool.
type PathConfig struct {
	Path            string `json:"path,omitempty"`
	UseNamingPrefix bool   `json:"useNamingPrefix,omitempty"`
}

// Pool is a directory of each node.
type Pool struct {
	Name             string                            `json:"name"`
	PVCTemplate      *corev1.PersistentVolumeClaimSpec `json:"pvcTemplate,omitempty"`
	Path             string                            `json:"path"`
	SnapshotProvider *string                           `json:"snapshotProvider,omitempty"`
	OverlayClassName string                            `json:"overlayClassName,omitempty"`
}

// Status is that of a HostPathProvisioner.
type Status struct {
	Conditions          []conditionsv1.Condition `json:"conditions,omitempty"`
	OperatorVersion     string                   `json:"operatorVersion,omitempty"`
	TargetVersion       string                   `json:"targetVersion,omitempty"`
	ObservedVersion     string                   `json:"observedVersion,omitempty"`
	StoragePoolStatuses []PoolStatus             `json:"storagePoolStatuses,omitempty"`
}

// PoolStatus is what became of a pool.
type PoolStatus struct {
	Name         string `json:"name"`
	Phase        string `json:"phase"`
	DesiredReady int    `json:"desiredReady,omitempty"`
	CurrentReady int    `json:"currentReady,omitempty"`
}

// HostPathProvisioner is one.
type HostPathProvisioner struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              Spec   `json:"spec,omitempty"`
	Status            Status `json:"status,omitempty"`
}

// Definition is the kind's definition.
func Definition() schema.Definition {
	return schema.Definition{
		Group: "hostpathprovisioner.kubevirt.io", Kind: "HostPathProvisioner", Plural: "hostpathprovisioners",
		Versions: []schema.Version{
			{Name: "v1beta1", Stored: true, Spec: schema.Of[Spec](), Status: schema.Of[Status]()},
		},
	}
}

// read reads one from JSON.
func read(raw []byte) (HostPathProvisioner, error) {
	var h HostPathProvisioner
	if err := json.Unmarshal(raw, &h); err != nil {
		return h, fmt.Errorf("read the HostPathProvisioner: %w", err)
	}
	return h, nil
}
