package assets_test

import (
	"fmt"
	"testing"

	"github.com/coreos/ignition/v2/config/v3_2"
	metal3 "github.com/metal3-io/baremetal-operator/apis/metal3.io/v1alpha1"
	configv1 "github.com/openshift/api/config/v1"
	machinev1beta1 "github.com/openshift/api/machine/v1beta1"
	mcfgv1 "github.com/openshift/api/machineconfiguration/v1"
	operatorv1 "github.com/openshift/api/operator/v1"
	operatorv1alpha1 "github.com/openshift/api/operator/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/yaml"
)

// provisioning has the fields of cluster-baremetal-operator's type, whose
// module is too large to have for this.
type provisioning struct {
	metav1.TypeMeta `json:",inline"`
	Metadata        metav1.ObjectMeta `json:"metadata"`
	Spec            struct {
		ProvisioningInterface   string `json:"provisioningInterface"`
		ProvisioningIP          string `json:"provisioningIP"`
		ProvisioningNetworkCIDR string `json:"provisioningNetworkCIDR"`
		// ProvisioningNetworkGateway is of releases since 5.0.
		ProvisioningNetworkGateway string   `json:"provisioningNetworkGateway"`
		ProvisioningDHCPRange      string   `json:"provisioningDHCPRange"`
		ProvisioningOSDownloadURL  string   `json:"provisioningOSDownloadURL"`
		ProvisioningNetwork        string   `json:"provisioningNetwork"`
		AdditionalNTPServers       []string `json:"additionalNTPServers"`
		WatchAllNamespaces         bool     `json:"watchAllNamespaces"`
	} `json:"spec"`
}

// machineProvider has the fields of the bare-metal machine actuator's type that
// are in use today.
type machineProvider struct {
	metav1.TypeMeta `json:",inline"`
	CustomDeploy    struct {
		Method string `json:"method"`
	} `json:"customDeploy"`
	UserData corev1.SecretReference `json:"userData"`
}

// newerInfrastructure is the type of an Infrastructure with what the linked API
// does not have yet.
type newerInfrastructure struct {
	configv1.Infrastructure `json:",inline"`

	Status struct {
		configv1.InfrastructureStatus `json:",inline"`

		PlatformStatus struct {
			configv1.PlatformStatus `json:",inline"`

			BareMetal *struct {
				configv1.BareMetalPlatformStatus `json:",inline"`

				DNSRecordsType string `json:"dnsRecordsType"`
			} `json:"baremetal"`
		} `json:"platformStatus"`
	} `json:"status"`
}

// kinds are the Go types of everything that may be in a manifest.
var kinds = map[string]func() any{
	"v1 ConfigMap":                                            zero[corev1.ConfigMap],
	"v1 Secret":                                               zero[corev1.Secret],
	"config.openshift.io/v1 ClusterVersion":                   zero[configv1.ClusterVersion],
	"config.openshift.io/v1 DNS":                              zero[configv1.DNS],
	"config.openshift.io/v1 FeatureGate":                      zero[configv1.FeatureGate],
	"config.openshift.io/v1 ImageDigestMirrorSet":             zero[configv1.ImageDigestMirrorSet],
	"config.openshift.io/v1 Infrastructure":                   zero[newerInfrastructure],
	"config.openshift.io/v1 Ingress":                          zero[configv1.Ingress],
	"config.openshift.io/v1 Network":                          zero[configv1.Network],
	"config.openshift.io/v1 Proxy":                            zero[configv1.Proxy],
	"config.openshift.io/v1 Scheduler":                        zero[configv1.Scheduler],
	"operator.openshift.io/v1 Network":                        zero[operatorv1.Network],
	"operator.openshift.io/v1alpha1 ImageContentSourcePolicy": zero[operatorv1alpha1.ImageContentSourcePolicy],
	"machineconfiguration.openshift.io/v1 MachineConfig":      zero[mcfgv1.MachineConfig],
	"machine.openshift.io/v1beta1 Machine":                    zero[machinev1beta1.Machine],
	"machine.openshift.io/v1beta1 MachineSet":                 zero[machinev1beta1.MachineSet],
	"metal3.io/v1alpha1 BareMetalHost":                        zero[metal3.BareMetalHost],
	"metal3.io/v1alpha1 Provisioning":                         zero[provisioning],
}

func zero[T any]() any { return new(T) }

// Every field of every manifest is one that its kind has.
func TestStrictDecoding(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range allCases() {
		_, files := c.render(t)
		names := map[string]string{}
		for _, f := range files {
			at := c.String() + ": " + f.Path
			var head metav1.PartialObjectMetadata
			if err := yaml.Unmarshal(f.Data, &head); err != nil {
				t.Fatalf("%s: %v", at, err)
			}
			kind := head.APIVersion + " " + head.Kind
			seen[kind] = true
			typed, known := kinds[kind]
			if !known {
				t.Errorf("%s: no Go type for %s", at, kind)
				continue
			}
			object := typed()
			if err := yaml.UnmarshalStrict(f.Data, object); err != nil {
				t.Errorf("%s: %v", at, err)
			}
			if err := inside(object); err != nil {
				t.Errorf("%s: %v", at, err)
			}
			if bad := validation.IsDNS1123Subdomain(head.Name); len(bad) > 0 {
				t.Errorf("%s: name %q: %s", at, head.Name, bad)
			}
			id := fmt.Sprintf("%s %s/%s", kind, head.Namespace, head.Name)
			if names[id] != "" {
				t.Errorf("%s: %s is in %s as well", at, id, names[id])
			}
			names[id] = f.Path
		}
	}
	for kind := range kinds {
		if !seen[kind] {
			t.Errorf("no case has a %s", kind)
		}
	}
}

// inside checks the parts of a manifest that have another format.
func inside(object any) error {
	switch o := object.(type) {
	case *mcfgv1.MachineConfig:
		if _, report, err := v3_2.Parse(o.Spec.Config.Raw); err != nil {
			return fmt.Errorf("%w: %s", err, report.String())
		}
	case *machinev1beta1.Machine:
		return yaml.UnmarshalStrict(o.Spec.ProviderSpec.Value.Raw, &machineProvider{})
	case *machinev1beta1.MachineSet:
		return yaml.UnmarshalStrict(o.Spec.Template.Spec.ProviderSpec.Value.Raw, &machineProvider{})
	case *corev1.ConfigMap:
		if config, ok := o.Data["install-config"]; ok {
			return yaml.Unmarshal([]byte(config), &map[string]any{})
		}
	}
	return nil
}
