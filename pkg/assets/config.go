package assets

import (
	"net/netip"

	"github.com/okd-install/okd-install/pkg/asset"
)

// Parameters of each run.
var (
	ReleaseImage = asset.Param[string]("release-image")
	// ReleaseVersion is that of ReleaseImage, empty if it is not known.
	ReleaseVersion = asset.Param[string]("release-version")
	Invoker        = asset.Param[string]("invoker")
	Version        = asset.Param[string]("installer-version")
	KeepTemplate   = asset.Param[bool]("keep-os-template")
	HostData       = asset.Param[string]("bootstrap-data") // digest of the embedded tree
	Profile        = asset.Param[string]("cluster-profile")
	NodeIP         = asset.Param[netip.Addr]("bootstrap-node-ip")
)

const configFile = "install-config.yaml"

// ConfigFile is install-config.yaml as the user wrote it.
var ConfigFile = asset.Source("install-config.yaml", configFile)

// NameSet is the part of the install-config that certificates and addresses depend on.
// Other changes do not affect the keys.
type NameSet struct {
	Cluster     string       `json:"cluster"`
	Domain      string       `json:"domain"`
	API         string       `json:"api"`
	APIInt      string       `json:"apiInt"`
	APIVIPs     []netip.Addr `json:"apiVIPs"`
	IngressVIPs []netip.Addr `json:"ingressVIPs"`
	Services    []netip.Addr `json:"services"` // the API's own address in each service network
}

// Names are the cluster's names and addresses.
var Names = asset.From1("names", Config,
	func(_ asset.Env, c Input) (NameSet, error) {
		n := NameSet{
			Cluster: c.Metadata.Name, Domain: c.ClusterDomain(), API: c.APIHost(), APIInt: c.APIIntHost(),
			APIVIPs: c.APIVIPs(), IngressVIPs: c.IngressVIPs(),
		}
		for _, p := range c.Networking.ServiceNetwork {
			n.Services = append(n.Services, p.Masked().Addr().Next())
		}
		return n, nil
	}, asset.Transient())

// ignitionHost is where machines fetch their configs: the first API VIP if there is
// one, because api-int may not resolve yet when they boot.
func (n NameSet) ignitionHost() string {
	if len(n.APIVIPs) > 0 {
		return n.APIVIPs[0].String()
	}
	return n.APIInt
}
