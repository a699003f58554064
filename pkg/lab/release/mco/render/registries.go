package render

import (
	"fmt"
	"slices"
	"strings"

	configv1 "github.com/openshift/api/config/v1"
	mcfgv1 "github.com/openshift/api/machineconfiguration/v1"

	"github.com/okd-install/okd-install/pkg/lab/release/mco/ign"
	"github.com/okd-install/okd-install/pkg/lab/release/mco/mc"
)

// Mirror says where a repository is to be pulled from instead, by digest.
type Mirror struct {
	Source      string
	Mirrors     []string
	NeverSource bool
}

// Mirrors reads the mirrors of image digest mirror sets.
func Mirrors(sets []configv1.ImageDigestMirrorSet) []Mirror {
	var out []Mirror
	for _, s := range sets {
		for _, m := range s.Spec.ImageDigestMirrors {
			r := Mirror{Source: m.Source, NeverSource: m.MirrorSourcePolicy == configv1.NeverContactSource}
			for _, e := range m.Mirrors {
				r.Mirrors = append(r.Mirrors, string(e))
			}
			out = append(out, r)
		}
	}
	slices.SortStableFunc(out, func(a, b Mirror) int { return strings.Compare(a.Source, b.Source) })
	return out
}

// Registries is the machine config that tells the container runtime about
// mirrors; nil when there are none.
func Registries(role string, mirrors []Mirror) (*mcfgv1.MachineConfig, error) {
	if len(mirrors) == 0 {
		return nil, nil
	}
	var b strings.Builder
	b.WriteString("unqualified-search-registries = []\nshort-name-mode = \"\"\n")
	for _, m := range mirrors {
		fmt.Fprintf(&b, "\n[[registry]]\n  prefix = \"\"\n  location = %q\n", m.Source)
		if m.NeverSource {
			b.WriteString("  blocked = true\n")
		}
		for _, loc := range m.Mirrors {
			fmt.Fprintf(&b, "\n  [[registry.mirror]]\n    location = %q\n    pull-from-mirror = \"digest-only\"\n", loc)
		}
	}
	cfg := ign.New()
	ign.AddFile(&cfg, "/etc/containers/registries.conf", 0o644, []byte(b.String()))
	return mc.New("99-"+role+"-generated-registries", role, cfg)
}
