package assets

import (
	"encoding/json"
	"fmt"
	"strings"

	v32 "github.com/coreos/ignition/v2/config/v3_2/types"
	configv1 "github.com/openshift/api/config/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/ignition"
	"github.com/okd-install/okd-install/pkg/types"
)

const machineAPINamespace = "openshift-machine-api"

// OpenShift is openshift/: objects that need the operators' own kinds, and
// those that users most often add to.
var OpenShift = asset.From6("openshift", Config, Kubeadmin, MasterIgnition, WorkerIgnition, Invoker, Version,
	func(_ asset.Env, c *types.InstallConfig, k kubeadmin, master, worker asset.Files, invoker, version string) (asset.Files, error) {
		m := &manifests{dir: openshiftDir}
		m.add("99_kubeadmin-password-secret.yaml", secretObject(metav1.NamespaceSystem, "kubeadmin", corev1.SecretTypeOpaque,
			map[string][]byte{"kubeadmin": []byte(k.Hash)}))
		gate, err := featureGate(c)
		if err != nil {
			return nil, err
		}
		m.add("99_feature-gate.yaml", gate)
		for role, pointer := range map[string]asset.Files{types.MasterPool: master, types.WorkerPool: worker} {
			m.add("99_openshift-cluster-api_"+role+"-user-data-secret.yaml", secretObject(machineAPINamespace, role+"-user-data", corev1.SecretTypeOpaque,
				map[string][]byte{"userData": pointer[0].Data, "disableTemplating": []byte("true")}))
		}
		if err := addMachineConfigs(m, c); err != nil {
			return nil, err
		}
		m.add("openshift-install-manifests.yaml", configMap(configNamespace, "openshift-install-manifests",
			map[string]string{"invoker": invoker, "version": version}))
		return m.done()
	}, asset.OwnsDir(openshiftDir))

func featureGate(c *types.InstallConfig) (configv1.FeatureGate, error) {
	gate := configv1.FeatureGate{}
	gate.TypeMeta, gate.ObjectMeta = configMeta("FeatureGate")
	gate.Spec.FeatureSet = configv1.FeatureSet(c.FeatureSet)
	for _, setting := range c.FeatureGates {
		name, value, ok := strings.Cut(setting, "=")
		if !ok {
			return gate, fmt.Errorf("feature gate %q has no value", setting)
		}
		if gate.Spec.CustomNoUpgrade == nil {
			gate.Spec.CustomNoUpgrade = &configv1.CustomFeatureGates{}
		}
		list := &gate.Spec.CustomNoUpgrade.Disabled
		if value == "true" {
			list = &gate.Spec.CustomNoUpgrade.Enabled
		}
		*list = append(*list, configv1.FeatureGateName(name))
	}
	return gate, nil
}

// addMachineConfigs adds what the install-config says about the nodes' OS.
func addMachineConfigs(m *manifests, c *types.InstallConfig) error {
	pools := []*types.MachinePool{c.ControlPlane}
	for i := range c.Compute {
		pools = append(pools, &c.Compute[i])
	}
	type object = map[string]any
	for _, p := range pools {
		add := func(what string, spec object) {
			name := "99-" + p.Name + "-" + what
			m.add("99_openshift-machineconfig_"+name+".yaml", object{
				"apiVersion": "machineconfiguration.openshift.io/v1", "kind": "MachineConfig",
				"metadata": object{"name": name, "labels": object{"machineconfiguration.openshift.io/role": p.Name}},
				"spec":     spec,
			})
		}
		if keys := sshKeys(c.SSHKey); len(keys) > 0 {
			config, err := ignitionUser(keys)
			if err != nil {
				return err
			}
			add("ssh", object{"config": config})
		}
		if c.FIPS {
			add("fips", object{"config": object{"ignition": object{"version": ignition.Version}}, "fips": true})
		}
		if p.Hyperthreading == "Disabled" {
			add("disable-hyperthreading", object{
				"config": object{"ignition": object{"version": ignition.Version}}, "kernelArguments": []string{"nosmt", "smt-enabled=off"},
			})
		}
	}
	return nil
}

func sshKeys(text string) []v32.SSHAuthorizedKey {
	var keys []v32.SSHAuthorizedKey
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			keys = append(keys, v32.SSHAuthorizedKey(line))
		}
	}
	return keys
}

func ignitionUser(keys []v32.SSHAuthorizedKey) (json.RawMessage, error) {
	var c v32.Config
	c.Ignition.Version = ignition.Version
	c.Passwd.Users = []v32.PasswdUser{{Name: "core", SSHAuthorizedKeys: keys}}
	return ignition.Encode(c)
}
