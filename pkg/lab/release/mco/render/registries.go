package render

import (
	"fmt"
	"slices"
	"strings"

	configv1 "github.com/openshift/api/config/v1"
	mcfgv1 "github.com/openshift/api/machineconfiguration/v1"

	"github.com/okd-install/okd-install/pkg/lab/release/mco/ign"
)

// registries is the machine config that tells the container runtime about
// mirrors; nil when there are none.
func registries(role string, sets []configv1.ImageDigestMirrorSet) (*mcfgv1.MachineConfig, error) {
	var mirrors []configv1.ImageDigestMirrors
	for _, s := range sets {
		mirrors = append(mirrors, s.Spec.ImageDigestMirrors...)
	}
	if len(mirrors) == 0 {
		return nil, nil
	}
	slices.SortStableFunc(mirrors, func(a, b configv1.ImageDigestMirrors) int {
		return strings.Compare(a.Source, b.Source)
	})
	var b strings.Builder
	b.WriteString("unqualified-search-registries = []\nshort-name-mode = \"\"\n")
	for _, m := range mirrors {
		fmt.Fprintf(&b, "\n[[registry]]\n  prefix = \"\"\n  location = %q\n", m.Source)
		if m.MirrorSourcePolicy == configv1.NeverContactSource {
			b.WriteString("  blocked = true\n")
		}
		for _, loc := range m.Mirrors {
			fmt.Fprintf(&b, "\n  [[registry.mirror]]\n    location = %q\n    pull-from-mirror = \"digest-only\"\n", loc)
		}
	}
	cfg := ign.New()
	ign.AddFile(&cfg, "/etc/containers/registries.conf", 0o644, []byte(b.String()))
	return newConfig("99-"+role+"-generated-registries", role, cfg)
}
