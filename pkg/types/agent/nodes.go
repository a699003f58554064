package agent

import (
	"strings"

	"github.com/okd-install/okd-install/pkg/nmstate/keyfile"
	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/secret"
	"github.com/okd-install/okd-install/pkg/types"
	"github.com/okd-install/okd-install/pkg/types/values"
)

// NodesFile is the name of the file with the hosts that are added to a cluster.
const NodesFile = "nodes-config.yaml"

// NodesConfig is the content of nodes-config.yaml.
type NodesConfig struct {
	// APIVersion means nothing here.
	APIVersion string `json:"apiVersion,omitempty"`
	// Kind means nothing here.
	Kind string `json:"kind,omitempty"`
	// Metadata means nothing here.
	Metadata types.Metadata `json:"metadata"`
	// CPUArchitecture is the processor architecture of the hosts. Default: that of the control plane.
	CPUArchitecture string `json:"cpuArchitecture,omitempty" enum:"amd64,arm64,x86_64,aarch64"`
	// SSHKey is who may log in to the live system as user core. Default: the cluster's. Lines as
	// in authorized_keys.
	SSHKey string `json:"sshKey,omitempty"`
	// BootArtifactsBaseURL is where hosts fetch the files that they boot from, if they boot from the
	// network. Default: none. An http or https URL.
	BootArtifactsBaseURL string `json:"bootArtifactsBaseURL,omitempty"`
	// BMCVerifyCA is certificates of authorities that the BMCs' certificates are checked with. Default: the operating
	// system's, and those of install-config.yaml. PEM.
	BMCVerifyCA string `json:"bmcVerifyCA,omitempty"`
	// Hosts are the hosts, at least one. Other machines that boot the image are left alone.
	Hosts []NodeHost `json:"hosts,omitempty"`

	source *report.Report
	// keyfiles are the network profiles of the hosts, each in a directory of its own.
	keyfiles []keyfile.File
}

// goArchitectures are other names for architectures.
var goArchitectures = map[string]string{"x86_64": "amd64", "aarch64": "arm64"}

// LoadNodes decodes a nodes-config and applies the rules that concern it alone. The path is only
// for messages. The config is nil if the report has failed.
func LoadNodes(path string, data []byte) (*NodesConfig, *report.Report) {
	r := report.New(path)
	c := &NodesConfig{source: r}
	load(c, data, c.check, r, func(files []keyfile.File) { c.keyfiles = append(c.keyfiles, files...) })
	if r.Failed() {
		return nil, r
	}
	if name, other := goArchitectures[c.CPUArchitecture]; other {
		c.CPUArchitecture = name
	}
	for i := range c.Hosts {
		if c.Hosts[i].Role == "" {
			c.Hosts[i].Role = types.WorkerPool
		}
	}
	return c, r
}

func (c *NodesConfig) check(k report.Field) {
	hosts := k.Child("hosts")
	if len(c.Hosts) == 0 {
		hosts.Required("at least one host")
	}
	checkURL(k.Child("bootArtifactsBaseURL"), c.BootArtifactsBaseURL)
	if c.BMCVerifyCA != "" {
		values.Certificates(k.Child("bmcVerifyCA"), c.BMCVerifyCA)
	}
	common := make([]Host, len(c.Hosts))
	for i, h := range c.Hosts {
		common[i] = h.Host()
	}
	checkHosts(hosts, common)
	addresses := values.Unique{}
	for i := range c.Hosts {
		c.Hosts[i].check(hosts.Index(i), addresses)
	}
}

// Keyfiles are the network profiles of the hosts, each in a directory of its own.
func (c *NodesConfig) Keyfiles() []keyfile.File { return c.keyfiles }

// Report is what findings about the config are added to.
func (c *NodesConfig) Report() *report.Report { return c.source }

// SSHKeys are the lines of sshKey.
func (c *NodesConfig) SSHKeys() []string {
	var keys []string
	for line := range strings.Lines(c.SSHKey) {
		if line = strings.TrimSpace(line); line != "" {
			keys = append(keys, line)
		}
	}
	return keys
}

// Secrets must not be shown.
func (c *NodesConfig) Secrets() []secret.String {
	var out []secret.String
	for _, h := range c.Hosts {
		if h.BMC != nil {
			out = append(out, h.BMC.Password)
		}
	}
	return out
}
