// Package clustermanifests is cluster-manifests/ and mirror/: a cluster whose hosts
// register themselves, in the custom resources of the assisted installer. It writes and
// reads them.
//
// The structs have the fields that are written, and those without meaning here that
// openshift-install writes. Everything else is refused when a file is read. The Go types of
// the resources' owners come with a large part of Kubernetes.
package clustermanifests

import (
	"net/netip"

	"github.com/okd-install/okd-install/pkg/secret"
	"github.com/okd-install/okd-install/pkg/types"
	"github.com/okd-install/okd-install/pkg/types/agent"
)

// The directories.
const (
	Dir       = "cluster-manifests"
	MirrorDir = "mirror"
)

// The files.
const (
	installFile    = Dir + "/agent-cluster-install.yaml"
	deploymentFile = Dir + "/cluster-deployment.yaml"
	imageSetFile   = Dir + "/cluster-image-set.yaml"
	infraEnvFile   = Dir + "/infraenv.yaml"
	networkFile    = Dir + "/nmstateconfig.yaml"
	pullSecretFile = Dir + "/pull-secret.yaml"

	registriesFile = MirrorDir + "/registries.conf"
	bundleFile     = MirrorDir + "/ca-bundle.crt"
)

// Files are the files in Dir, and MirrorFiles those in MirrorDir.
func Files() []string {
	return []string{installFile, deploymentFile, imageSetFile, infraEnvFile, networkFile, pullSecretFile}
}

// MirrorFiles are the files in MirrorDir.
func MirrorFiles() []string { return []string{registriesFile, bundleFile} }

// The annotation with parts of an install-config, and the label that joins network
// configurations and the InfraEnv.
const (
	overridesKey = "agent-install.openshift.io/install-config-overrides"
	infraEnvKey  = "infraenvs.agent-install.openshift.io"
)

// AgentClusterInstall is how a cluster is installed.
type AgentClusterInstall struct {
	APIVersion string         `json:"apiVersion,omitempty" enum:"extensions.hive.openshift.io/v1beta1"`
	Kind       string         `json:"kind,omitempty" enum:"AgentClusterInstall"`
	Metadata   types.Metadata `json:"metadata"`
	Spec       InstallSpec    `json:"spec"`
	Status     any            `json:"status,omitempty"` // means nothing here
}

// InstallSpec is the spec of an AgentClusterInstall.
type InstallSpec struct {
	ImageSetRef          Reference     `json:"imageSetRef"`
	ClusterDeploymentRef Reference     `json:"clusterDeploymentRef"`
	Networking           Networking    `json:"networking"`
	SSHPublicKey         string        `json:"sshPublicKey,omitempty"`
	Requirements         Requirements  `json:"provisionRequirements"`
	PlatformType         string        `json:"platformType,omitempty"`
	External             *External     `json:"external,omitempty"`
	APIVIP               netip.Addr    `json:"apiVIP,omitzero"`
	IngressVIP           netip.Addr    `json:"ingressVIP,omitzero"`
	APIVIPs              []netip.Addr  `json:"apiVIPs,omitempty"`
	IngressVIPs          []netip.Addr  `json:"ingressVIPs,omitempty"`
	LoadBalancer         *LoadBalancer `json:"loadBalancer,omitempty"`
	Proxy                *types.Proxy  `json:"proxy,omitempty"`
}

// Reference names another object of the same namespace.
type Reference struct {
	Name string `json:"name"`
}

// Networking is the networks of a cluster.
type Networking struct {
	MachineNetwork []Network      `json:"machineNetwork,omitempty"`
	ClusterNetwork []PodNetwork   `json:"clusterNetwork,omitempty"`
	ServiceNetwork []netip.Prefix `json:"serviceNetwork,omitempty"`
	NetworkType    string         `json:"networkType,omitempty"`
	// UserManaged says that load balancers and DNS are the user's.
	UserManaged *bool `json:"userManagedNetworking,omitempty"`
}

// Network is a network of machines.
type Network struct {
	CIDR netip.Prefix `json:"cidr"`
}

// PodNetwork is a network of pods.
type PodNetwork struct {
	CIDR       netip.Prefix `json:"cidr"`
	HostPrefix int          `json:"hostPrefix,omitempty"`
}

// Requirements are the numbers of hosts.
type Requirements struct {
	ControlPlane int `json:"controlPlaneAgents"`
	Arbiters     int `json:"arbiterAgents,omitempty"`
	Workers      int `json:"workerAgents,omitempty"`
}

// External is a platform that only its name is known of.
type External struct {
	PlatformName           string `json:"platformName,omitempty"`
	CloudControllerManager string `json:"cloudControllerManager,omitempty"`
}

// LoadBalancer says whose the load balancer is.
type LoadBalancer struct {
	Type string `json:"type" enum:"ClusterManaged,UserManaged"`
}

// ClusterDeployment is the name of a cluster.
type ClusterDeployment struct {
	APIVersion string         `json:"apiVersion,omitempty" enum:"hive.openshift.io/v1"`
	Kind       string         `json:"kind,omitempty" enum:"ClusterDeployment"`
	Metadata   types.Metadata `json:"metadata"`
	Spec       DeploymentSpec `json:"spec"`
	Status     any            `json:"status,omitempty"` // means nothing here
}

// DeploymentSpec is the spec of a ClusterDeployment.
type DeploymentSpec struct {
	ClusterName       string     `json:"clusterName"`
	BaseDomain        string     `json:"baseDomain"`
	PullSecretRef     Reference  `json:"pullSecretRef"`
	ClusterInstallRef InstallRef `json:"clusterInstallRef"`
	// These mean nothing here.
	ControlPlaneConfig any  `json:"controlPlaneConfig,omitempty"`
	Installed          bool `json:"installed,omitempty"`
	Platform           any  `json:"platform,omitempty"`
}

// InstallRef names the AgentClusterInstall.
type InstallRef struct {
	Group   string `json:"group" enum:"extensions.hive.openshift.io"`
	Version string `json:"version" enum:"v1beta1"`
	Kind    string `json:"kind" enum:"AgentClusterInstall"`
	Name    string `json:"name"`
}

// ClusterImageSet is the release.
type ClusterImageSet struct {
	APIVersion string         `json:"apiVersion,omitempty" enum:"hive.openshift.io/v1"`
	Kind       string         `json:"kind,omitempty" enum:"ClusterImageSet"`
	Metadata   types.Metadata `json:"metadata"`
	Spec       ImageSetSpec   `json:"spec"`
	Status     any            `json:"status,omitempty"` // means nothing here
}

// ImageSetSpec is the spec of a ClusterImageSet.
type ImageSetSpec struct {
	ReleaseImage string `json:"releaseImage"`
}

// InfraEnv is what hosts boot with.
type InfraEnv struct {
	APIVersion string         `json:"apiVersion,omitempty" enum:"agent-install.openshift.io/v1beta1"`
	Kind       string         `json:"kind,omitempty" enum:"InfraEnv"`
	Metadata   types.Metadata `json:"metadata"`
	Spec       InfraEnvSpec   `json:"spec"`
	Status     any            `json:"status,omitempty"` // means nothing here
}

// InfraEnvSpec is the spec of an InfraEnv.
type InfraEnvSpec struct {
	ClusterRef            *ClusterRef  `json:"clusterRef,omitempty"`
	PullSecretRef         Reference    `json:"pullSecretRef"`
	SSHAuthorizedKey      string       `json:"sshAuthorizedKey,omitempty"`
	CPUArchitecture       string       `json:"cpuArchitecture,omitempty" enum:"x86_64,aarch64,amd64,arm64"`
	AdditionalNTPSources  []string     `json:"additionalNTPSources,omitempty"`
	AdditionalTrustBundle string       `json:"additionalTrustBundle,omitempty"`
	Proxy                 *types.Proxy `json:"proxy,omitempty"`
	NetworkSelector       Selector     `json:"nmStateConfigLabelSelector"`
	IPXEScriptType        string       `json:"ipxeScriptType,omitempty"` // means nothing here
}

// ClusterRef names a ClusterDeployment.
type ClusterRef struct {
	Name      string `json:"name"`
	Namespace string `json:"namespace,omitempty"`
}

// Selector selects network configurations.
type Selector struct {
	MatchLabels map[string]string `json:"matchLabels,omitempty"`
}

// NMStateConfig is the network configuration of a host.
type NMStateConfig struct {
	APIVersion string         `json:"apiVersion,omitempty" enum:"agent-install.openshift.io/v1beta1"`
	Kind       string         `json:"kind,omitempty" enum:"NMStateConfig"`
	Metadata   types.Metadata `json:"metadata"`
	Spec       NetworkSpec    `json:"spec"`
}

// NetworkSpec is the spec of an NMStateConfig.
type NetworkSpec struct {
	Interfaces []agent.Interface `json:"interfaces"`
	Config     map[string]any    `json:"config"`
}

// PullSecret is the Secret with the logins of registries.
type PullSecret struct {
	APIVersion string                   `json:"apiVersion,omitempty" enum:"v1"`
	Kind       string                   `json:"kind,omitempty" enum:"Secret"`
	Metadata   types.Metadata           `json:"metadata"`
	Type       string                   `json:"type,omitempty"`
	StringData map[string]secret.String `json:"stringData,omitempty"`
	Data       map[string]secret.String `json:"data,omitempty"` // in base64
}

// dockerConfig is the key of the logins.
const dockerConfig = ".dockerconfigjson"
