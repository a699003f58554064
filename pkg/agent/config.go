package agent

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"time"

	"github.com/okd-install/okd-install/pkg/secret"
	"github.com/okd-install/okd-install/pkg/types"
)

// Config is what all hosts of an image know. It is in ConfigFile; Encode writes it and
// Decode reads it.
type Config struct {
	ClusterName string `json:"clusterName"`
	BaseDomain  string `json:"baseDomain"`
	InfraID     string `json:"infraID"`
	// Image is a name for the image. A disk that bears it has been written from this image, and is
	// not written from it again: disk.Options.Image.
	Image string `json:"image"`

	// Rendezvous is the address of the host that bootstraps the cluster.
	Rendezvous netip.Addr `json:"rendezvousIP"`
	// CA signed the certificate of the service on that host. It is made for this image.
	CA string `json:"ca"`
	// Certificate and Key are those of the service, in PEM. Every host has them, because
	// there is one image for all.
	Certificate string        `json:"certificate"`
	Key         secret.String `json:"key"`
	// AgentToken is what hosts prove themselves with, and WatcherToken what installers do: it
	// may read the status and the logs, and leave workers out. Neither is taken after Expires.
	AgentToken   secret.String `json:"agentToken"`
	WatcherToken secret.String `json:"watcherToken"`
	Expires      time.Time     `json:"expires"`

	// The numbers of hosts of each role.
	Masters  int `json:"masters"`
	Arbiters int `json:"arbiters"`
	Workers  int `json:"workers"`
	// Hosts are those with settings of their own; there may be others.
	Hosts []Host `json:"hosts,omitempty"`
	// InPlace: the only host installs itself, without another one that bootstraps it.
	InPlace bool `json:"inPlace,omitempty"`

	MachineNetworks []netip.Prefix `json:"machineNetworks"`
	// OtherNetworks are those of pods and services, which must not overlap with a host's.
	OtherNetworks []netip.Prefix `json:"otherNetworks"`
	APIVIPs       []netip.Addr   `json:"apiVIPs,omitempty"`
	IngressVIPs   []netip.Addr   `json:"ingressVIPs,omitempty"`
	// ResolvedByOthers: there are no virtual addresses, so that names of the cluster must
	// resolve before it is installed.
	ResolvedByOthers bool     `json:"resolvedByOthers,omitempty"`
	NTPSources       []string `json:"ntpSources,omitempty"`

	// Join: every host becomes a node of a cluster that runs already; nil in an installation.
	Join *Join `json:"join,omitempty"`

	ReleaseImage string `json:"releaseImage"`
	// Version of the installer that made the image.
	Version string `json:"version"`
}

// Host are the settings of one host.
type Host struct {
	Hostname string                 `json:"hostname,omitempty"`
	Role     string                 `json:"role,omitempty"` // master, arbiter or worker; empty: as the cluster needs
	MACs     []string               `json:"macs"`           // lower case; one of them on a host is enough
	Hints    *types.RootDeviceHints `json:"rootDeviceHints,omitempty"`
}

// Join is what a host needs to become a node of a cluster that runs. Each host is its own
// rendezvous host: Config.Rendezvous is the address of its loopback interface, and Config.Hosts
// are the only hosts that are written.
type Join struct {
	// API are addresses and ports of the cluster's API, as its nodes use them.
	API []string `json:"api"`
	// ConfigServer is the URL from which a node fetches its configuration, with authorities in PEM.
	ConfigServer   string `json:"configServer"`
	ConfigServerCA string `json:"configServerCA"`
	// Nodes are those that the cluster had when the image was made.
	Nodes []Peer `json:"nodes,omitempty"`
}

// HostsFile is the name of the file that has the settings of hosts, for messages.
func (c *Config) HostsFile() string {
	if c.Join != nil {
		return "nodes-config.yaml"
	}
	return "agent-config.yaml"
}

// Required is the number of hosts of the cluster.
func (c *Config) Required() int { return c.Masters + c.Arbiters + c.Workers }

// plain is a Config whose secrets are readable.
type plain struct {
	*bare
	Key          string `json:"key"`
	AgentToken   string `json:"agentToken"`
	WatcherToken string `json:"watcherToken"`
}

type bare Config // without Config's methods

// Encode writes the config with its secrets.
func (c *Config) Encode() ([]byte, error) {
	b, err := json.Marshal(plain{
		(*bare)(c), c.Key.Reveal(), c.AgentToken.Reveal(), c.WatcherToken.Reveal(),
	})
	if err != nil {
		return nil, fmt.Errorf("write the agent's config: %w", err)
	}
	return b, nil
}

// Decode reads what Encode wrote.
func Decode(b []byte) (*Config, error) {
	var c Config
	if err := json.Unmarshal(b, &c); err != nil {
		return nil, fmt.Errorf("read the agent's config: %w", err)
	}
	return &c, nil
}
