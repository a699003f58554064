package virtualization

import (
	"fmt"
	"strings"

	configv1 "github.com/openshift/api/config/v1"

	"github.com/okd-install/okd-install/pkg/types"
)

// Cluster is what a configuration must fit.
type Cluster struct {
	Release string // version of the release, empty if it is not known
	Masters int
	Workers int
	Virtual bool // nodes are VMs themselves: nested virtualization
	// NoKVM says why the nodes for VMs cannot run them in hardware, empty if nothing is known against it.
	NoKVM string
	// NoOperators is whether the cluster has no lifecycle manager, which installs operators.
	NoOperators bool
	Mirrors     []Mirror // of images, as imageDigestSources of install-config.yaml has them
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

// Mirrored is an image in its first mirror, and whether it has one. The mirror of the longest source counts.
func (k Cluster) Mirrored(image string) (string, bool) {
	best := ""
	out := image
	for _, m := range k.Mirrors {
		rest, ok := strings.CutPrefix(image, m.Source)
		if ok && len(m.Mirrors) > 0 && (rest == "" || strings.ContainsAny(rest[:1], "/:@")) && len(m.Source) > len(best) {
			best, out = m.Source, m.Mirrors[0]+rest
		}
	}
	return out, best != ""
}

// ClusterOf is the cluster that an install-config describes. The version of its release is empty if it is not known.
func ClusterOf(c *types.InstallConfig, release string) Cluster {
	k := Cluster{
		Release: release, Masters: c.Masters(), Workers: c.Workers(), Virtual: c.Platform.Kind().Virtual,
		NoOperators: !c.Enables(configv1.ClusterVersionCapabilityOperatorLifecycleManager),
	}
	k.NoKVM = noKVM(c, k.Workers)
	for _, m := range c.Mirrors() {
		k.Mirrors = append(k.Mirrors, Mirror{Source: m.Source, Mirrors: m.Mirrors})
	}
	return k
}

// noKVM looks at the pools that run VMs.
func noKVM(c *types.InstallConfig, workers int) string {
	ask := c.Platform.Kind().NoKVM
	switch {
	case ask == nil:
		return ""
	case workers > 0:
		for i := range c.Compute {
			if why := ask(&c.Compute[i]); why != "" && c.Compute[i].Count() > 0 {
				return fmt.Sprintf("compute[%d].platform.%s: %s", i, c.Platform.Name(), why)
			}
		}
	case c.ControlPlane != nil:
		if why := ask(c.ControlPlane); why != "" {
			return "controlPlane.platform." + c.Platform.Name() + ": " + why
		}
	}
	return ""
}
