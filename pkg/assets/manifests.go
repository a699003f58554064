package assets

import (
	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets/manifests"
	"github.com/okd-install/okd-install/pkg/assets/openshift"
	"github.com/okd-install/okd-install/pkg/pki"
	"github.com/okd-install/okd-install/pkg/types/compat"
)

// Manifests with keys, names or IDs that were drawn for one cluster; see asset.Bound.
var (
	boundManifests = []string{
		"manifests/cluster-infrastructure-02-config.yml", "manifests/cvo-overrides.yaml",
		"manifests/kube-system-configmap-root-ca.yaml", "manifests/machine-config-server-*.yaml",
	}
	boundOpenShift = []string{
		"openshift/99_kubeadmin-password-secret.yaml", "openshift/99_openshift-cluster-api_*-user-data-secret.yaml",
		"openshift/99_openshift-cluster-api_*hosts-*.yaml", "openshift/99_openshift-cluster-api_*-machines-*.yaml",
		"openshift/99_openshift-cluster-api_worker-machineset-*.yaml",
	}
)

// Manifests is manifests/: the cluster's configuration.
var Manifests = asset.From6("manifests", Config, InfraID, ClusterID, ReleaseVersion, RootCA, MachineConfigServer,
	func(
		_ asset.Env, in Input, infraID, clusterID, release string, rootCA, mcs pki.Pair,
	) (asset.Files, error) {
		if err := compat.Check(in.InstallConfig, compat.Release{Version: release}).Err(); err != nil {
			return nil, err
		}
		return manifests.Render(manifests.Inputs{
			Config: in.InstallConfig, Platform: in.On.Cluster(in.InstallConfig), InfraID: infraID, ClusterID: clusterID,
			ReleaseVersion: release, RootCA: rootCA, MachineConfigServer: mcs,
		})
	}, asset.OwnsDir(manifests.Dir), asset.Bound(boundManifests...))

// OpenShift is openshift/: objects of the operators' kinds.
var OpenShift = asset.From7("openshift", Config, InfraID, ReleaseVersion, Kubeadmin, pointers, Invoker, Version,
	func(
		_ asset.Env, in Input, infraID, release string, k kubeadmin, pointers map[string][]byte, invoker, version string,
	) (asset.Files, error) {
		return openshift.Render(openshift.Inputs{
			Config: in.InstallConfig, PasswordHash: k.Hash, Pointers: pointers, UserData: in.UserData,
			Platform: in.Objects(infraID, release), Invoker: invoker, Version: version,
		})
	}, asset.OwnsDir(openshift.Dir, openshift.PointerFiles()...), asset.Bound(boundOpenShift...),
	asset.Confidential(ConfigFile))
