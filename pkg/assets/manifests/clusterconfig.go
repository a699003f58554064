package manifests

import (
	"encoding/json"
	"fmt"
	"slices"

	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/assets/objects"
	"github.com/okd-install/okd-install/pkg/types"
)

// addClusterConfig adds the install-config as operators in the cluster read it.
func addClusterConfig(set *objects.Set, in Inputs) {
	text, err := clusterConfig(in.Config, in.Platform.Config)
	if err != nil {
		set.Fail(fmt.Errorf("render install-config for the cluster: %w", err))
	}
	config := objects.ConfigMap(objects.System, "cluster-config-v1", map[string]string{"install-config": string(text)})
	config.Annotations = map[string]string{
		"kubernetes.io/description": "What install-config.yaml said when this cluster was installed. " +
			"It is not kept up to date: look at the objects of config.openshift.io for what is true now.",
	}
	set.Add("cluster-config.yaml", config)
}

// clusterConfig is the install-config without the pull secret, and with the platform
// that the cluster is told to be on.
func clusterConfig(c *types.InstallConfig, platform any) ([]byte, error) {
	inside := *c
	inside.Platform = types.Platform{}
	inside.ControlPlane, inside.Arbiter = plain(c.ControlPlane), plain(c.Arbiter)
	inside.Compute = slices.Clone(c.Compute)
	for i := range inside.Compute {
		inside.Compute[i] = *plain(&inside.Compute[i])
	}
	raw, err := json.Marshal(inside)
	if err != nil {
		return nil, err
	}
	var tree map[string]any
	if err := json.Unmarshal(raw, &tree); err != nil {
		return nil, err
	}
	tree["pullSecret"] = ""
	tree["platform"] = platform
	return yaml.Marshal(tree)
}

// plain is a pool without the hardware of its machines, and without logins.
func plain(p *types.MachinePool) *types.MachinePool {
	if p == nil {
		return nil
	}
	out := *p
	out.Platform, out.Fencing = types.MachinePoolPlatform{}, nil
	return &out
}
