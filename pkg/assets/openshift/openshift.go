// Package openshift renders openshift/: objects of the operators' own kinds, and those
// that users most often add to. It is pure: the same inputs give the same bytes.
package openshift

import (
	"fmt"
	"slices"
	"strings"

	configv1 "github.com/openshift/api/config/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets/objects"
	"github.com/okd-install/okd-install/pkg/types"
)

// Dir is the directory of these manifests.
const Dir = "openshift"

// Inputs are what the manifests are made of.
type Inputs struct {
	Config *types.InstallConfig
	// PasswordHash is the bcrypt hash of kubeadmin's password.
	PasswordHash string
	// Pointers are the Ignition configs that the machines of each role start
	// with. A role without one gets no user data.
	Pointers map[string][]byte
	// UserData names the Secret with the pointer of a role.
	UserData func(role string) string
	// Platform adds what only clusters on the platform have.
	Platform func(*objects.Set) error
	Invoker  string // who started the installer
	Version  string // of the installer
}

// Render makes all manifests.
func Render(in Inputs) (asset.Files, error) {
	set := objects.In(Dir)
	set.Add("99_kubeadmin-password-secret.yaml", objects.Secret(objects.System, "kubeadmin", corev1.SecretTypeOpaque,
		map[string][]byte{"kubeadmin": []byte(in.PasswordHash)}))
	set.Add("openshift-install-manifests.yaml", InstallConfigMap("openshift-install-manifests", in.Invoker, in.Version))
	addFeatureGate(set, in)
	addUserData(set, in)
	addMachineConfigs(set, in)
	addFencing(set, in)
	if err := in.Platform(set); err != nil {
		return nil, err
	}
	return set.Files()
}

// InstallConfigMap records who installed the cluster with which installer.
func InstallConfigMap(name, invoker, version string) corev1.ConfigMap {
	return objects.ConfigMap(objects.Config, name, map[string]string{"invoker": invoker, "version": version})
}

func addFeatureGate(set *objects.Set, in Inputs) {
	custom, err := CustomGates(in.Config.FeatureGates)
	if err != nil {
		set.Fail(err)
	}
	set.AddSingleton("99_feature-gate.yaml", "FeatureGate", configv1.FeatureGateSpec{
		FeatureGateSelection: configv1.FeatureGateSelection{
			FeatureSet: configv1.FeatureSet(in.Config.FeatureSet), CustomNoUpgrade: custom,
		},
	}, nil)
}

// CustomGates sorts settings such as Name=true into enabled and disabled gates. It
// returns nil if there are none.
func CustomGates(settings []string) (*configv1.CustomFeatureGates, error) {
	var gates *configv1.CustomFeatureGates
	for _, setting := range settings {
		name, value, ok := strings.Cut(setting, "=")
		if !ok {
			return nil, fmt.Errorf("feature gate %q has no value; write %s=true or %s=false", setting, setting, setting)
		}
		if gates == nil {
			gates = &configv1.CustomFeatureGates{}
		}
		list := &gates.Disabled
		if value == "true" {
			list = &gates.Enabled
		}
		*list = append(*list, configv1.FeatureGateName(name))
	}
	return gates, nil
}

// addUserData adds the pointer configs, for machines that the cluster makes later.
func addUserData(set *objects.Set, in Inputs) {
	for role, pointer := range in.Pointers {
		if pointer == nil {
			continue
		}
		set.Add("99_openshift-cluster-api_"+role+"-user-data-secret.yaml",
			objects.Secret(objects.MachineAPI, in.UserData(role), corev1.SecretTypeOpaque,
				map[string][]byte{"userData": pointer, "disableTemplating": []byte("true")}))
	}
}

// pools are the cluster's pools, each with the role of its machines.
func pools(c *types.InstallConfig) []*types.MachinePool {
	list := []*types.MachinePool{c.ControlPlane}
	if c.Arbiters() > 0 {
		list = append(list, c.Arbiter)
	}
	for i := range c.Compute {
		list = append(list, &c.Compute[i])
	}
	return slices.DeleteFunc(list, func(p *types.MachinePool) bool { return p == nil })
}
