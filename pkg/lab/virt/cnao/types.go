// Package cnao is the lab's cluster network addons operator: it offers the bridge plugins of the nodes under the names
// that networks of VMs use, and tells the scheduler which node has which bridge.
package cnao

import (
	configv1 "github.com/openshift/api/config/v1"
	conditionsv1 "github.com/openshift/custom-resource-status/conditions/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/okd-install/okd-install/pkg/lab/virt/kit/schema"
)

// Empty is an addon without settings.
type Empty struct{}

// Spec is that of a NetworkAddonsConfig.
type Spec struct {
	Multus                 *Empty                       `json:"multus,omitempty"`
	MultusDynamicNetworks  *Empty                       `json:"multusDynamicNetworks,omitempty"`
	LinuxBridge            *Empty                       `json:"linuxBridge,omitempty"`
	Ovs                    *Empty                       `json:"ovs,omitempty"`
	KubeMacPool            *MacPool                     `json:"kubeMacPool,omitempty"`
	ImagePullPolicy        corev1.PullPolicy            `json:"imagePullPolicy,omitempty"`
	NMState                *Empty                       `json:"nmstate,omitempty"`
	KubeSecondaryDNS       *SecondaryDNS                `json:"kubeSecondaryDNS,omitempty"`
	MacvtapCni             *Macvtap                     `json:"macvtap,omitempty"`
	KubevirtIpamController *IpamController              `json:"kubevirtIpamController,omitempty"`
	SelfSignConfiguration  *Certificates                `json:"selfSignConfiguration,omitempty"`
	PlacementConfiguration *Placements                  `json:"placementConfiguration,omitempty"`
	TLSSecurityProfile     *configv1.TLSSecurityProfile `json:"tlsSecurityProfile,omitempty"`
}

// MacPool is a range of addresses.
type MacPool struct {
	RangeStart string `json:"rangeStart,omitempty"`
	RangeEnd   string `json:"rangeEnd,omitempty"`
}

// SecondaryDNS names VMs on secondary networks.
type SecondaryDNS struct {
	Domain       string `json:"domain,omitempty"`
	NameServerIP string `json:"nameServerIP,omitempty"`
}

// Macvtap is a device plugin.
type Macvtap struct {
	DevicePluginConfig string `json:"devicePluginConfig,omitempty"`
}

// IpamController keeps addresses of VMs.
type IpamController struct {
	DefaultNetworkNADNamespace string `json:"defaultNetworkNADNamespace,omitempty"`
}

// Certificates are how long certificates live.
type Certificates struct {
	CARotateInterval    string `json:"caRotateInterval,omitempty"`
	CAOverlapInterval   string `json:"caOverlapInterval,omitempty"`
	CertRotateInterval  string `json:"certRotateInterval,omitempty"`
	CertOverlapInterval string `json:"certOverlapInterval,omitempty"`
}

// Placements say on which nodes addons run.
type Placements struct {
	Infra     *Placement `json:"infra,omitempty"`
	Workloads *Placement `json:"workloads,omitempty"`
}

// Placement is one of them.
type Placement struct {
	NodeSelector map[string]string   `json:"nodeSelector,omitempty"`
	Affinity     corev1.Affinity     `json:"affinity,omitempty"`
	Tolerations  []corev1.Toleration `json:"tolerations,omitempty"`
}

// Container is one that the operator has deployed.
type Container struct {
	ParentKind string `json:"parentKind"`
	ParentName string `json:"parentName"`
	Name       string `json:"name"`
	Image      string `json:"image"`
}

// Status is that of a NetworkAddonsConfig.
type Status struct {
	OperatorVersion string                   `json:"operatorVersion,omitempty"`
	ObservedVersion string                   `json:"observedVersion,omitempty"`
	TargetVersion   string                   `json:"targetVersion,omitempty"`
	Conditions      []conditionsv1.Condition `json:"conditions,omitempty"`
	Containers      []Container              `json:"containers,omitempty"`
}

// Config is a NetworkAddonsConfig.
type Config struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              Spec   `json:"spec,omitempty"`
	Status            Status `json:"status,omitempty"`
}

// Definition is the kind's definition.
func Definition() schema.Definition {
	spec, status := schema.Of[Spec](), schema.Of[Status]()
	return schema.Definition{
		Group: "networkaddonsoperator.network.kubevirt.io", Kind: "NetworkAddonsConfig", Plural: "networkaddonsconfigs",
		Versions: []schema.Version{
			{Name: "v1", Stored: true, Spec: spec, Status: status}, {Name: "v1alpha1", Spec: spec, Status: status},
		},
	}
}
