// Package manifests renders manifests/: the cluster's own configuration, which
// the bootstrap host's renderers read and its control plane applies first.
// Everything is pure: the same inputs give the same bytes.
package manifests

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets/objects"
	"github.com/okd-install/okd-install/pkg/pki"
	"github.com/okd-install/okd-install/pkg/types"
)

// Dir is the directory of these manifests.
const Dir = "manifests"

// Inputs are what the manifests are made of.
type Inputs struct {
	Config    *types.InstallConfig
	Platform  Platform
	InfraID   string
	ClusterID string // UUID
	// ReleaseVersion is that of the release, empty where only its image is known.
	ReleaseVersion string
	// RootCA signs the certificate of the machine config server. The cluster
	// gets its key as well, to renew that certificate.
	RootCA              pki.Pair
	MachineConfigServer pki.Pair
}

// Render makes all manifests.
func Render(in Inputs) (asset.Files, error) {
	set := objects.In(Dir)
	for _, add := range []func(*objects.Set, Inputs){
		addClusterConfig, addInfrastructure, addNames, addScheduler, addNetwork, addProxy,
		addVersion, addPullSecret, addTrustBundle, addMachineConfigServer, addMirrors,
	} {
		add(set, in)
	}
	if in.Platform.Add != nil {
		in.Platform.Add(set)
	}
	return set.Files()
}

// addPullSecret adds the login for image registries, and the configuration of a
// cloud provider. The latter is empty, but the renderers insist on it.
func addPullSecret(set *objects.Set, in Inputs) {
	set.Add("openshift-config-secret-pull-secret.yaml",
		objects.Secret(objects.Config, "pull-secret", corev1.SecretTypeDockerConfigJson,
			map[string][]byte{corev1.DockerConfigJsonKey: []byte(in.Config.PullSecret.Reveal())}))
	set.Add("kube-cloud-config.yaml", objects.Secret(objects.System, "kube-cloud-cfg", corev1.SecretTypeOpaque,
		map[string][]byte{"config": {}}))
}
