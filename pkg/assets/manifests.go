package assets

import (
	configv1 "github.com/openshift/api/config/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/pki"
	"github.com/okd-install/okd-install/pkg/types"
)

const (
	manifestsDir = "manifests"
	openshiftDir = "openshift"

	mcoNamespace    = "openshift-machine-config-operator"
	configNamespace = "openshift-config"
	userCABundle    = "user-ca-bundle"

	// Where OKD clusters look for updates.
	updateChannel = "stable-scos-4"
	updateGraph   = "https://amd64.origin.releases.ci.openshift.org/graph"
)

// Manifests is manifests/: the cluster's configuration, which the bootstrap
// host's renderers read and its control plane applies first.
var Manifests = asset.From6("manifests", Config, Names, InfraID, ClusterID, RootCA, MachineConfigServer,
	func(_ asset.Env, c *types.InstallConfig, n NameSet, infraID, clusterID string, rootCA, mcs pki.Pair) (asset.Files, error) {
		m := &manifests{dir: manifestsDir}
		if err := addClusterConfig(m, c); err != nil {
			return nil, err
		}
		addNetwork(m, c)
		addPlatform(m, c, n, infraID)
		addProxy(m, c, n)
		addClusterVersion(m, c, clusterID)
		addTrust(m, c, rootCA, mcs)
		addMirrors(m, c)
		m.add("kube-cloud-config.yaml", corev1.Secret{
			TypeMeta:   typeMeta("v1", "Secret"),
			ObjectMeta: metav1.ObjectMeta{Namespace: metav1.NamespaceSystem, Name: "kube-cloud-cfg"},
			Type:       corev1.SecretTypeOpaque,
			Data:       map[string][]byte{"config": {}},
		})
		m.add("openshift-config-secret-pull-secret.yaml", secretObject(configNamespace, "pull-secret", corev1.SecretTypeDockerConfigJson,
			map[string][]byte{corev1.DockerConfigJsonKey: []byte(c.PullSecret.Reveal())}))
		return m.done()
	}, asset.OwnsDir(manifestsDir))

func addNetwork(m *manifests, c *types.InstallConfig) {
	network := configv1.Network{Spec: configv1.NetworkSpec{NetworkType: c.Networking.NetworkType}}
	network.TypeMeta, network.ObjectMeta = configMeta("Network")
	for _, e := range c.Networking.ClusterNetwork {
		network.Spec.ClusterNetwork = append(network.Spec.ClusterNetwork,
			configv1.ClusterNetworkEntry{CIDR: e.CIDR.String(), HostPrefix: uint32(e.HostPrefix)})
	}
	for _, p := range c.Networking.ServiceNetwork {
		network.Spec.ServiceNetwork = append(network.Spec.ServiceNetwork, p.String())
	}
	m.add("cluster-network-02-config.yml", network)

	type object = map[string]any
	ovn := object{}
	if o := c.Networking.OVNKubernetesConfig; o != nil && o.IPv4 != nil && o.IPv4.InternalJoinSubnet.IsValid() {
		ovn["ipv4"] = object{"internalJoinSubnet": o.IPv4.InternalJoinSubnet.String()}
	}
	if mtu := c.Networking.ClusterNetworkMTU; mtu != 0 {
		ovn["mtu"] = mtu
	}
	if len(ovn) > 0 {
		m.add("cluster-network-03-config.yml", object{
			"apiVersion": "operator.openshift.io/v1", "kind": "Network", "metadata": object{"name": "cluster"},
			"spec": object{
				"managementState": "Managed",
				"defaultNetwork":  object{"type": c.Networking.NetworkType, "ovnKubernetesConfig": ovn},
			},
		})
	}
}

func addClusterVersion(m *manifests, c *types.InstallConfig, clusterID string) {
	cv := configv1.ClusterVersion{
		TypeMeta:   typeMeta("config.openshift.io/v1", "ClusterVersion"),
		ObjectMeta: metav1.ObjectMeta{Name: "version"},
		Spec: configv1.ClusterVersionSpec{
			ClusterID: configv1.ClusterID(clusterID),
			Channel:   updateChannel,
			Upstream:  updateGraph,
		},
	}
	if caps := c.Capabilities; caps != nil {
		cv.Spec.Capabilities = &configv1.ClusterVersionCapabilitiesSpec{
			BaselineCapabilitySet: configv1.ClusterVersionCapabilitySet(caps.BaselineCapabilitySet),
		}
		for _, e := range caps.AdditionalEnabledCapabilities {
			cv.Spec.Capabilities.AdditionalEnabledCapabilities = append(cv.Spec.Capabilities.AdditionalEnabledCapabilities,
				configv1.ClusterVersionCapability(e))
		}
	}
	// Written as plain data: the Go type would add lists that are null and a
	// status that the API server refuses.
	type object = map[string]any
	spec := object{"clusterID": cv.Spec.ClusterID, "channel": cv.Spec.Channel, "upstream": cv.Spec.Upstream}
	if cv.Spec.Capabilities != nil {
		spec["capabilities"] = cv.Spec.Capabilities
	}
	m.add("cvo-overrides.yaml", object{
		"apiVersion": cv.APIVersion, "kind": cv.Kind, "metadata": object{"name": cv.Name}, "spec": spec,
	})
}

func addTrust(m *manifests, c *types.InstallConfig, rootCA, mcs pki.Pair) {
	m.add("kube-system-configmap-root-ca.yaml", configMap(metav1.NamespaceSystem, "root-ca", map[string]string{"ca.crt": string(rootCA.Cert)}))
	m.add("machine-config-server-tls-secret.yaml", secretObject(mcoNamespace, "machine-config-server-tls", corev1.SecretTypeTLS,
		map[string][]byte{corev1.TLSCertKey: mcs.Cert, corev1.TLSPrivateKeyKey: mcs.Key}))
	m.add("machine-config-server-ca-configmap.yaml", configMap(mcoNamespace, "machine-config-server-ca", map[string]string{"ca-bundle.crt": string(rootCA.Cert)}))
	m.add("machine-config-server-ca-secret.yaml", secretObject(mcoNamespace, "machine-config-server-ca", corev1.SecretTypeTLS,
		map[string][]byte{corev1.TLSCertKey: rootCA.Cert, corev1.TLSPrivateKeyKey: rootCA.Key}))
	if c.AdditionalTrustBundle != "" {
		m.add("user-ca-bundle-config.yaml", configMap(configNamespace, userCABundle, map[string]string{"ca-bundle.crt": c.AdditionalTrustBundle}))
	}
}

func addMirrors(m *manifests, c *types.InstallConfig) {
	if len(c.ImageDigestSources) == 0 {
		return
	}
	set := configv1.ImageDigestMirrorSet{
		TypeMeta:   typeMeta("config.openshift.io/v1", "ImageDigestMirrorSet"),
		ObjectMeta: metav1.ObjectMeta{Name: "image-digest-mirror"},
	}
	for _, s := range c.ImageDigestSources {
		entry := configv1.ImageDigestMirrors{Source: s.Source, MirrorSourcePolicy: configv1.MirrorSourcePolicy(s.SourcePolicy)}
		for _, mirror := range s.Mirrors {
			entry.Mirrors = append(entry.Mirrors, configv1.ImageMirror(mirror))
		}
		set.Spec.ImageDigestMirrors = append(set.Spec.ImageDigestMirrors, entry)
	}
	m.add("image-digest-mirror-set.yaml", set)
}
