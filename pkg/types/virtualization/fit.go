package virtualization

import (
	"github.com/okd-install/okd-install/pkg/report"
)

// Cluster is what a configuration must fit.
type Cluster struct {
	Release string // version of the release, empty if it is not known
	Masters int
	Workers int
	Virtual bool     // nodes are VMs themselves: nested virtualization
	Mirrors []Mirror // of images, as imageDigestSources of install-config.yaml has them
}

// Mirror is repositories with the same images as another one.
type Mirror struct {
	Source  string
	Mirrors []string
}

// VMNodes is the number of nodes that run VMs: the workers, or the masters if there are none.
func (k Cluster) VMNodes() int {
	if k.Workers > 0 {
		return k.Workers
	}
	return k.Masters
}

// Fit is the config with all defaults, as the cluster needs them, and with the rules applied that depend on the cluster.
// Without a file, c is nil. The path is only for messages. The result is nil if the report has failed.
func (c *Config) Fit(path string, k Cluster) (*Config, *report.Report) {
	r := report.New(path)
	out := &Config{APIVersion: APIVersion, Kind: Kind}
	if c != nil {
		*out = *c
		r = c.source.Again()
	}
	return out, r
}
