package assets

import (
	"context"
	"errors"
	"net/netip"
	"slices"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/types"
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

// Parameters of reading install-config.yaml.
var (
	AllowUnknown  = asset.Param[bool]("allow-unknown-fields")
	HostFIPS      = asset.Param[types.FIPSMode]("host-fips-mode")
	SkipHostCrypt = asset.Param[bool]("skip-hostcrypt-validation")
	// NamesInDNS are the addresses that the install-config leaves to DNS, by name.
	NamesInDNS = asset.Param[map[string][]netip.Addr]("names-in-dns")
	// AgentBased says that hosts register themselves.
	AgentBased = asset.Param[bool]("agent-based")
)

// reading is a config with the findings about it.
type reading struct {
	Input
	kinds    []types.PlatformKind
	findings *report.Report

	platforms []Platform
	options   types.Options
}

// read is install-config.yaml, complete and checked.
var read = asset.From7("install-config-read",
	platforms, ConfigFile, AllowUnknown, HostFIPS, SkipHostCrypt, NamesInDNS, AgentBased,
	func(
		_ asset.Env, list []Platform, data []byte, allowUnknown bool, host types.FIPSMode, skip bool,
		names map[string][]netip.Addr, agentBased bool,
	) (reading, error) {
		options := types.Options{
			Platforms: kinds(list), AllowUnknown: allowUnknown, Host: host, SkipHostCrypt: skip, Agent: agentBased,
			Lookup: func(name string) []netip.Addr { return names[name] },
		}
		c, findings := options.Load(configFile, data)
		if c == nil {
			return reading{}, findings.Err()
		}
		return reading{newInput(c, list), options.Platforms, findings, list, options}, nil
	}, asset.Transient())

// writtenConfig is install-config.yaml, complete and checked. All but the manifests that the
// user may edit is made from Config.
var writtenConfig = asset.From1("install-config-as-written", read,
	func(_ asset.Env, r reading) (Input, error) { return r.Input, nil }, asset.Transient())

// Redefined is the install-config with what the user changed in cluster-manifests/, nil
// without such changes.
var Redefined = asset.Param[[]byte]("install-config-redefined")

// Config is install-config.yaml, complete and checked.
var Config = asset.From2("install-config", read, Redefined,
	func(_ asset.Env, r reading, text []byte) (Input, error) {
		if text == nil {
			return r.Input, nil
		}
		c, findings := r.options.Load(redefinedName, text)
		if c == nil {
			return Input{}, findings.Err()
		}
		return newInput(c, r.platforms), nil
	}, asset.Transient())

// redefinedName is how findings about Redefined begin.
const redefinedName = "install-config.yaml with the edits of cluster-manifests"

// Lookup finds the addresses of a host name.
type Lookup func(ctx context.Context, host string) ([]netip.Addr, error)

// lookUp asks DNS for the addresses that the install-config leaves to it. If DNS does
// not answer, those of the last run are used.
func (i *Installer) lookUp(ctx context.Context) error {
	if i.lookup == nil || i.Started() {
		return nil
	}
	r, err := i.store.Run(ctx, nil, []asset.Ref{ConfigFile})
	if err != nil {
		return err
	}
	names, failed := map[string][]netip.Addr{}, error(nil)
	types.Options{Platforms: i.kinds, AllowUnknown: true, Lookup: func(host string) []netip.Addr {
		found, err := i.lookup(ctx, host)
		failed = errors.Join(failed, err)
		slices.SortFunc(found, netip.Addr.Compare) // servers change the order
		names[host] = slices.Compact(found)
		return names[host]
	}}.Load(configFile, asset.Of(r, ConfigFile))
	if failed != nil {
		event.Warn(i.events, "install-config.yaml leaves virtual addresses to DNS: "+failed.Error())
		return nil
	}
	asset.Set(i.store, NamesInDNS, names)
	return nil
}
