// Package agent is agent-config.yaml: what an installation whose hosts register themselves
// needs besides install-config.yaml.
package agent

import (
	"net/netip"
	"net/url"

	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/types"
	"github.com/okd-install/okd-install/pkg/types/decode"
	"github.com/okd-install/okd-install/pkg/types/values"
)

// File is the name of the file.
const File = "agent-config.yaml"

// APIVersion is the version that new files have.
const APIVersion = "v1beta1"

// Config is the content of agent-config.yaml. Every field is optional.
type Config struct {
	// APIVersion is the version of this file's format. One of v1beta1, v1alpha1; the
	// last is read as v1beta1.
	APIVersion string `json:"apiVersion" required:"true" enum:"v1beta1,v1alpha1" enumcheck:"validate"`
	// Kind is the kind of this file. Only AgentConfig is allowed.
	Kind string `json:"kind,omitempty" enum:"AgentConfig"`
	// Metadata means nothing here.
	Metadata types.Metadata `json:"metadata"`
	// RendezvousIP is the address of the host that bootstraps the cluster, one of the
	// control plane. Default: the first static address of a host with role master, else
	// that of a host without role.
	RendezvousIP netip.Addr `json:"rendezvousIP,omitzero"`
	// AdditionalNTPSources are time servers for all hosts, besides those from DHCP.
	// Default: none. Addresses or names.
	AdditionalNTPSources []string `json:"additionalNTPSources,omitempty"`
	// BootArtifactsBaseURL is where hosts fetch the files that they boot from, if they
	// boot from the network or from a minimal ISO. Default: none. An http or https URL.
	BootArtifactsBaseURL string `json:"bootArtifactsBaseURL,omitempty"`
	// MinimalISO makes an ISO without the root file system, which hosts then fetch.
	// Default: false.
	MinimalISO bool `json:"minimalISO,omitempty"`
	// Hosts are the hosts with settings of their own. Default: those of
	// install-config.yaml. Hosts that are not listed get their settings from DHCP.
	Hosts []Host `json:"hosts,omitempty"`

	source *report.Report
}

// Host is the settings of one host, which is recognized by its hardware addresses.
type Host struct {
	// Hostname is the name of the host. Default: the one from DHCP or DNS.
	Hostname string `json:"hostname,omitempty"`
	// Role is what the host is for. Default: whatever is still needed, the control
	// plane first. One of master, worker, arbiter.
	Role string `json:"role,omitempty" enum:"master,worker,arbiter"`
	// RootDeviceHints picks the disk to install on. Default: the first. All hints have
	// to match.
	RootDeviceHints *types.RootDeviceHints `json:"rootDeviceHints,omitempty"`
	// Interfaces are network interfaces of the host, at least one.
	Interfaces []Interface `json:"interfaces,omitempty"`
	// NetworkConfig is the network configuration of the host. Default: DHCP. In the
	// format of nmstate, with the interfaces called as in interfaces.
	NetworkConfig map[string]any `json:"networkConfig,omitempty"`
}

// Interface is a network interface of a host.
type Interface struct {
	// Name is what networkConfig calls the interface. The host may call it otherwise.
	Name string `json:"name,omitempty"`
	// MACAddress is its hardware address, like 52:54:00:12:34:56.
	MACAddress string `json:"macAddress" required:"true"`
}

// Load decodes an agent-config and applies the rules that concern it alone. The path is
// only for messages. The config is nil if the report has failed.
func Load(path string, data []byte) (*Config, *report.Report) {
	r := report.New(path)
	c := &Config{source: r}
	known := decode.Into(c, data, decode.Options{}, r)
	r.Unread = r.Failed()
	if known {
		c.check(r.Field(report.Path{}))
	}
	if !r.Failed() {
		translateNetworks(data, r)
	}
	if r.Failed() {
		return nil, r
	}
	c.APIVersion = APIVersion
	return c, r
}

func (c *Config) check(k report.Field) {
	switch at := k.Child("apiVersion"); c.APIVersion {
	case APIVersion, "v1alpha1":
	case "":
		at.Required("write apiVersion: %s", APIVersion)
	default:
		at.Invalid(c.APIVersion, "must be %s", APIVersion)
	}
	for i, server := range c.AdditionalNTPSources {
		values.TimeServer(k.Child("additionalNTPSources").Index(i), server)
	}
	checkURL(k.Child("bootArtifactsBaseURL"), c.BootArtifactsBaseURL)
	if c.MinimalISO && c.BootArtifactsBaseURL == "" {
		k.Child("bootArtifactsBaseURL").Required("where hosts that boot a minimal ISO fetch the root file system")
	}
	checkHosts(k.Child("hosts"), c.Hosts)
}

func checkURL(at report.Field, value string) {
	if value == "" {
		return
	}
	if u, err := url.Parse(value); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		at.Invalid(values.WithoutLogin(value), "must be an http or https URL")
	}
}
