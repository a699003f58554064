// Package types is install-config.yaml: its schema, defaults and rules.
package types

import (
	"net/netip"

	"github.com/okd-install/okd-install/pkg/secret"
)

// APIVersion is the version that new install-configs have.
const APIVersion = "v1"

// InstallConfig is what the user asks for. The field names in YAML are those of
// the json tags. Load returns it with every default filled in.
type InstallConfig struct {
	APIVersion string   `json:"apiVersion"`
	Kind       string   `json:"kind,omitempty"`
	Metadata   Metadata `json:"metadata"`
	// BaseDomain is the DNS domain below which the cluster's names are.
	BaseDomain string `json:"baseDomain"`

	AdditionalTrustBundle       string            `json:"additionalTrustBundle,omitempty"`
	AdditionalTrustBundlePolicy TrustBundlePolicy `json:"additionalTrustBundlePolicy,omitempty"`
	SSHKey                      string            `json:"sshKey,omitempty"`
	PullSecret                  secret.String     `json:"pullSecret"`

	Networking   *Networking   `json:"networking,omitempty"`
	ControlPlane *MachinePool  `json:"controlPlane,omitempty"`
	Arbiter      *MachinePool  `json:"arbiter,omitempty"`
	Compute      []MachinePool `json:"compute,omitempty"`
	Platform     Platform      `json:"platform"`

	Proxy               *Proxy               `json:"proxy,omitempty"`
	ImageDigestSources  []ImageDigestSource  `json:"imageDigestSources,omitempty"`
	ImageContentSources []ImageContentSource `json:"imageContentSources,omitempty"`
	Publish             string               `json:"publish,omitempty"`
	FIPS                bool                 `json:"fips,omitempty"`
	CPUPartitioningMode string               `json:"cpuPartitioningMode,omitempty"`
	CredentialsMode     string               `json:"credentialsMode,omitempty"`
	BootstrapInPlace    *BootstrapInPlace    `json:"bootstrapInPlace,omitempty"`
	Capabilities        *Capabilities        `json:"capabilities,omitempty"`
	FeatureSet          string               `json:"featureSet,omitempty"`
	FeatureGates        []string             `json:"featureGates,omitempty"`
	OperatorPublishing  *OperatorPublishing  `json:"operatorPublishingStrategy,omitempty"`
}

// Metadata names the cluster. The other keys are Kubernetes' own and are
// accepted because generated files carry them.
type Metadata struct {
	Name              string            `json:"name"`
	Namespace         string            `json:"namespace,omitempty"`
	CreationTimestamp string            `json:"creationTimestamp,omitempty"`
	Labels            map[string]string `json:"labels,omitempty"`
	Annotations       map[string]string `json:"annotations,omitempty"`
}

// TrustBundlePolicy says who trusts additionalTrustBundle.
type TrustBundlePolicy string

const (
	// TrustProxyOnly uses the bundle only if a proxy is configured.
	TrustProxyOnly TrustBundlePolicy = "Proxyonly"
	// TrustAlways uses the bundle in any case.
	TrustAlways TrustBundlePolicy = "Always"
)

// Proxy is the cluster-wide proxy.
type Proxy struct {
	HTTPProxy  string `json:"httpProxy,omitempty"`
	HTTPSProxy string `json:"httpsProxy,omitempty"`
	NoProxy    string `json:"noProxy,omitempty"`
}

// ImageDigestSource lists the mirrors of a repository for pulls by digest.
type ImageDigestSource struct {
	Source       string   `json:"source"`
	Mirrors      []string `json:"mirrors,omitempty"`
	SourcePolicy string   `json:"sourcePolicy,omitempty"`
}

// ImageContentSource is the old name of ImageDigestSource.
type ImageContentSource struct {
	Source  string   `json:"source"`
	Mirrors []string `json:"mirrors,omitempty"`
}

// BootstrapInPlace is single-node installation without a bootstrap machine.
type BootstrapInPlace struct {
	InstallationDisk string `json:"installationDisk"`
}

// Capabilities selects the optional components.
type Capabilities struct {
	BaselineCapabilitySet         string   `json:"baselineCapabilitySet,omitempty"`
	AdditionalEnabledCapabilities []string `json:"additionalEnabledCapabilities,omitempty"`
}

// OperatorPublishing sets how single operators publish their endpoints.
type OperatorPublishing struct {
	IngressController string `json:"ingressController,omitempty"`
	APIServer         string `json:"apiserver,omitempty"`
}

// ClusterDomain is <metadata.name>.<baseDomain>.
func (c *InstallConfig) ClusterDomain() string { return c.Metadata.Name + "." + c.BaseDomain }

// APIHost is the name under which users reach the API.
func (c *InstallConfig) APIHost() string { return "api." + c.ClusterDomain() }

// APIIntHost is the name under which nodes reach the API.
func (c *InstallConfig) APIIntHost() string { return "api-int." + c.ClusterDomain() }

// AppsDomain is the domain of the cluster's routes.
func (c *InstallConfig) AppsDomain() string { return "apps." + c.ClusterDomain() }

// APIVIPs are the virtual addresses of the API, none where a platform has none.
func (c *InstallConfig) APIVIPs() []netip.Addr {
	switch {
	case c.Platform.Ovirt != nil:
		return c.Platform.Ovirt.APIVIPs
	case c.Platform.BareMetal != nil:
		return c.Platform.BareMetal.APIVIPs
	}
	return nil
}

// IngressVIPs are the virtual addresses of the routers.
func (c *InstallConfig) IngressVIPs() []netip.Addr {
	switch {
	case c.Platform.Ovirt != nil:
		return c.Platform.Ovirt.IngressVIPs
	case c.Platform.BareMetal != nil:
		return c.Platform.BareMetal.IngressVIPs
	}
	return nil
}

// LoadBalancerType is the kind of load balancer in front of API and routers.
func (c *InstallConfig) LoadBalancerType() string {
	switch {
	case c.Platform.Ovirt != nil:
		return c.Platform.Ovirt.LoadBalancer.kind()
	case c.Platform.BareMetal != nil:
		return c.Platform.BareMetal.LoadBalancer.kind()
	}
	return LoadBalancerManaged
}

// Masters is the number of control-plane machines.
func (c *InstallConfig) Masters() int {
	if c.ControlPlane == nil {
		return 0
	}
	return c.ControlPlane.Count()
}

// Workers is the number of compute machines in all pools.
func (c *InstallConfig) Workers() int {
	n := 0
	for i := range c.Compute {
		n += c.Compute[i].Count()
	}
	return n
}
