// Package ssp is the lab's SSP operator: the namespace of golden images, their sources and the crons that import them.
package ssp

import (
	configv1 "github.com/openshift/api/config/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	cdiv1 "kubevirt.io/containerized-data-importer-api/pkg/apis/core/v1beta1"
	sdk "kubevirt.io/controller-lifecycle-operator-sdk/api"

	"github.com/okd-install/okd-install/pkg/lab/release/crds"
	"github.com/okd-install/okd-install/pkg/lab/virt/kit/schema"
)

// Spec is that of an SSP.
type Spec struct {
	EnableMultipleArchitectures *bool                        `json:"enableMultipleArchitectures,omitempty"`
	TemplateValidator           *Validator                   `json:"templateValidator,omitempty"`
	Cluster                     *Cluster                     `json:"cluster,omitempty"`
	CommonTemplates             Templates                    `json:"commonTemplates"`
	TLSSecurityProfile          *configv1.TLSSecurityProfile `json:"tlsSecurityProfile,omitempty"`
	TokenGenerationService      *TokenService                `json:"tokenGenerationService,omitempty"`
}

// Validator is the server that checks VMs of templates.
type Validator struct {
	Replicas  *int32             `json:"replicas,omitempty" minimum:"0" default:"2"`
	Placement *sdk.NodePlacement `json:"placement,omitempty"`
}

// Cluster are the architectures that there are.
type Cluster struct {
	WorkloadArchitectures     []string `json:"workloadArchitectures,omitempty"`
	ControlPlaneArchitectures []string `json:"controlPlaneArchitectures,omitempty"`
}

// Templates are those of VMs and of golden images.
type Templates struct {
	Namespace               string         `json:"namespace" pattern:"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"`
	DataImportCronTemplates []CronTemplate `json:"dataImportCronTemplates,omitempty"`
}

// CronTemplate is a source of golden images.
type CronTemplate struct {
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              cdiv1.DataImportCronSpec `json:"spec"`
}

// TokenService gives out tokens for consoles.
type TokenService struct {
	Enabled bool `json:"enabled,omitempty"`
}

// Status is that of an SSP.
type Status struct {
	sdk.Status         `json:",inline"`
	Paused             bool  `json:"paused,omitempty"`
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
}

// SSP is one.
type SSP struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              Spec   `json:"spec,omitempty"`
	Status            Status `json:"status,omitempty"`
}

// Definition is the kind's definition.
func Definition() schema.Definition {
	spec, status := schema.Of[Spec](), schema.Of[Status]()
	columns := []crds.Column{
		{Name: "Age", Type: "date", Path: ".metadata.creationTimestamp"},
		{Name: "Phase", Type: "string", Path: ".status.phase"},
	}
	return schema.Definition{
		Group: "ssp.kubevirt.io", Kind: "SSP", Plural: "ssps", Namespaced: true,
		Versions: []schema.Version{
			{Name: "v1beta2", Spec: spec, Status: status, Columns: columns},
			{Name: "v1beta3", Stored: true, Spec: spec, Status: status, Columns: columns},
		},
	}
}
