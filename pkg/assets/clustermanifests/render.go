package clustermanifests

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	configv1 "github.com/openshift/api/config/v1"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets/mirrors"
	"github.com/okd-install/okd-install/pkg/assets/objects"
	"github.com/okd-install/okd-install/pkg/types"
	"github.com/okd-install/okd-install/pkg/types/agent"
	"github.com/okd-install/okd-install/pkg/types/vips"
)

// Inputs are what the manifests are made from.
type Inputs struct {
	Config *types.InstallConfig
	// Platform is what the cluster is told about its platform.
	Platform configv1.PlatformSpec
	Status   configv1.PlatformStatus
	// Overrides are the platform's settings that the manifests have no fields for, as in an
	// install-config; nil for none.
	Overrides      any
	NTPSources     []string
	Inventory      agent.Inventory
	ReleaseImage   string
	ReleaseVersion string // empty if it is not known
}

// Render writes the files in Dir.
func Render(in Inputs) (asset.Files, error) {
	set := objects.In("")
	install, err := in.install()
	if err != nil {
		return nil, err
	}
	secret, err := in.pullSecret()
	if err != nil {
		return nil, err
	}
	set.Add(installFile, install)
	set.Add(deploymentFile, in.deployment())
	set.Add(imageSetFile, ClusterImageSet{
		APIVersion: "hive.openshift.io/v1", Kind: "ClusterImageSet", Metadata: in.named(in.imageSet()),
		Spec: ImageSetSpec{ReleaseImage: in.ReleaseImage},
	})
	set.Add(infraEnvFile, in.infraEnv())
	set.Add(pullSecretFile, secret)
	files, err := set.Files()
	if err != nil {
		return nil, err
	}
	networks, err := in.networks()
	if err != nil || len(networks) == 0 {
		return files, err
	}
	return append(files, asset.NewFile(networkFile, networks)).Sorted(), nil
}

// RenderMirrors writes the files in MirrorDir.
func RenderMirrors(c *types.InstallConfig) asset.Files {
	conf := mirrors.RegistriesConf(c.Mirrors())
	if conf == "" {
		conf = "# No mirrors. imageDigestSources of install-config.yaml would be here; see\n" +
			"# containers-registries.conf(5) to add some.\nunqualified-search-registries = []\n"
	}
	files := asset.Files{asset.NewFile(registriesFile, []byte(conf))}
	if bundle := strings.TrimSpace(c.AdditionalTrustBundle); bundle != "" {
		files = append(files, asset.NewFile(bundleFile, []byte(bundle+"\n")))
	}
	return files.Sorted()
}

func (in Inputs) name() string       { return in.Config.Metadata.Name }
func (in Inputs) secretName() string { return in.name() + "-pull-secret" }
func (in Inputs) imageSet() string   { return "openshift-" + cmp.Or(in.ReleaseVersion, "release") }

func (in Inputs) named(name string) types.Metadata {
	return types.Metadata{Name: name, Namespace: in.Config.Metadata.Namespace}
}

func (in Inputs) sshKey() string { return strings.Trim(in.Config.SSHKey, "|\n\t ") }

func (in Inputs) install() (AgentClusterInstall, error) {
	c, n := in.Config, in.Config.Networking
	ours := !c.OnPrem()
	networking := Networking{ServiceNetwork: n.ServiceNetwork, NetworkType: ovn, UserManaged: &ours}
	for _, cidr := range n.MachineCIDRs() {
		networking.MachineNetwork = append(networking.MachineNetwork, Network{cidr})
	}
	for _, e := range n.ClusterNetwork {
		networking.ClusterNetwork = append(networking.ClusterNetwork, PodNetwork{e.CIDR, e.HostPrefix})
	}
	spec := InstallSpec{
		ImageSetRef: Reference{in.imageSet()}, ClusterDeploymentRef: Reference{in.name()},
		Networking: networking, SSHPublicKey: in.sshKey(), PlatformType: string(in.Platform.Type), Proxy: in.proxy(),
		Requirements: Requirements{ControlPlane: c.Masters(), Arbiters: c.Arbiters(), Workers: c.Workers()},
		APIVIP:       first(c.APIVIPs()), APIVIPs: c.APIVIPs(),
		IngressVIP: first(c.IngressVIPs()), IngressVIPs: c.IngressVIPs(),
	}
	if v := c.VIPs(); v != nil && v.Balancer != nil {
		spec.LoadBalancer = &LoadBalancer{Type: "ClusterManaged"}
		if c.LoadBalancerType() == vips.UserManaged {
			spec.LoadBalancer.Type = vips.UserManaged
		}
	}
	if in.Platform.External != nil {
		spec.External = &External{PlatformName: in.Platform.External.PlatformName}
		if s := in.Status.External; s != nil && s.CloudControllerManager.State == configv1.CloudControllerManagerExternal {
			spec.External.CloudControllerManager = string(s.CloudControllerManager.State)
		}
	}
	out := AgentClusterInstall{APIVersion: "extensions.hive.openshift.io/v1beta1", Kind: "AgentClusterInstall",
		Metadata: in.named(in.name()), Spec: spec}
	overrides, err := in.overrides()
	if overrides != "" {
		out.Metadata.Annotations = map[string]string{overridesKey: overrides}
	}
	return out, err
}

// ovn is the network plugin that the resource knows. Others are named in the overrides.
const ovn = "OVNKubernetes"

// overrides are the parts of the install-config that the resource has no fields for, as
// JSON; empty if there are none.
func (in Inputs) overrides() (string, error) {
	c, o := in.Config, objects.Object{}
	if c.FIPS {
		o["fips"] = true
	}
	if c.FeatureSet != "" {
		o["featureSet"] = c.FeatureSet
	}
	if len(c.FeatureGates) > 0 {
		o["featureGates"] = c.FeatureGates
	}
	if c.Capabilities != nil {
		o["capabilities"] = c.Capabilities
	}
	if c.CPUPartitioningMode != "None" {
		o["cpuPartitioningMode"] = c.CPUPartitioningMode
	}
	if c.AdditionalTrustBundlePolicy != types.TrustProxyOnly {
		o["additionalTrustBundlePolicy"] = c.AdditionalTrustBundlePolicy
	}
	if c.Networking.NetworkType != ovn {
		o["networking"] = c.Networking
	}
	if in.Overrides != nil {
		o["platform"] = objects.Object{c.Platform.Name(): in.Overrides}
	}
	if len(o) == 0 {
		return "", nil
	}
	raw, err := json.Marshal(o)
	return string(raw), err
}

// proxy excludes the network of the host that bootstraps the cluster from the proxy: the
// others register there.
func (in Inputs) proxy() *types.Proxy {
	if in.Config.Proxy == nil {
		return nil
	}
	p := *in.Config.Proxy
	for _, cidr := range in.Config.Networking.MachineCIDRs() {
		excluded := strings.Split(p.NoProxy, ",")
		if !cidr.Contains(in.Inventory.RendezvousIP) || p.NoProxy == "*" || slices.Contains(excluded, cidr.String()) {
			continue
		}
		p.NoProxy = strings.TrimPrefix(p.NoProxy+","+cidr.String(), ",")
		break
	}
	return &p
}

func (in Inputs) deployment() ClusterDeployment {
	return ClusterDeployment{APIVersion: "hive.openshift.io/v1", Kind: "ClusterDeployment", Metadata: in.named(in.name()),
		Spec: DeploymentSpec{
			ClusterName: in.name(), BaseDomain: in.Config.BaseDomain, PullSecretRef: Reference{in.secretName()},
			ClusterInstallRef: InstallRef{
				Group: "extensions.hive.openshift.io", Version: "v1beta1", Kind: "AgentClusterInstall", Name: in.name(),
			},
		}}
}

// cpus are the names that the operating system has for processors.
var cpus = map[string]string{"amd64": "x86_64", "arm64": "aarch64"}

func (in Inputs) infraEnv() InfraEnv {
	c := in.Config
	return InfraEnv{APIVersion: "agent-install.openshift.io/v1beta1", Kind: "InfraEnv", Metadata: in.named(in.name()),
		Spec: InfraEnvSpec{
			ClusterRef:    &ClusterRef{Name: in.name(), Namespace: c.Metadata.Namespace},
			PullSecretRef: Reference{in.secretName()}, SSHAuthorizedKey: in.sshKey(),
			CPUArchitecture: cpus[c.ControlPlane.Architecture], AdditionalNTPSources: in.NTPSources,
			AdditionalTrustBundle: c.AdditionalTrustBundle, Proxy: in.proxy(),
			NetworkSelector: Selector{MatchLabels: map[string]string{infraEnvKey: in.name()}},
		}}
}

// networks are the network configurations of the hosts that have one, a YAML document each.
func (in Inputs) networks() ([]byte, error) {
	var documents [][]byte
	for i, h := range in.Inventory.Hosts {
		if h.NetworkConfig == nil {
			continue
		}
		meta := in.named(fmt.Sprintf("%s-%d", in.name(), i))
		meta.Labels = map[string]string{infraEnvKey: in.name()}
		text, err := objects.Render(NMStateConfig{APIVersion: "agent-install.openshift.io/v1beta1", Kind: "NMStateConfig",
			Metadata: meta, Spec: NetworkSpec{Interfaces: h.Interfaces, Config: h.NetworkConfig}})
		if err != nil {
			return nil, fmt.Errorf("render networkConfig of hosts[%d]: %w", i, err)
		}
		documents = append(documents, text)
	}
	return bytes.Join(documents, []byte("---\n")), nil
}

// pullSecret is plain data, because a secret.String is not shown.
func (in Inputs) pullSecret() (objects.Object, error) {
	var indented bytes.Buffer
	if err := json.Indent(&indented, []byte(in.Config.PullSecret.Reveal()), "", "  "); err != nil {
		return nil, fmt.Errorf("render the pull secret: %w", err)
	}
	return objects.Object{
		"apiVersion": "v1", "kind": "Secret", "metadata": in.named(in.secretName()),
		"stringData": objects.Object{dockerConfig: indented.String()},
	}, nil
}

func first(ips []netip.Addr) netip.Addr {
	if len(ips) == 0 {
		return netip.Addr{}
	}
	return ips[0]
}
