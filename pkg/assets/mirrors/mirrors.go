// Package mirrors writes and reads registries.conf, in which podman finds mirrors of images.
package mirrors

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/okd-install/okd-install/pkg/types"
)

// RegistriesConf renders mirrors for pulls by digest, empty if there are none. As in the
// cluster, a repository that is named twice has the mirrors of both entries. The registries
// are those for images that are named without one.
func RegistriesConf(sources []types.ImageDigestSource, registries ...string) string {
	var order []string
	mirrors, blocked := map[string][]string{}, map[string]bool{}
	for _, s := range sources {
		if len(s.Mirrors) == 0 {
			continue
		}
		if mirrors[s.Source] == nil {
			order = append(order, s.Source)
		}
		for _, m := range s.Mirrors {
			if !slices.Contains(mirrors[s.Source], m) {
				mirrors[s.Source] = append(mirrors[s.Source], m)
			}
		}
		blocked[s.Source] = blocked[s.Source] || s.SourcePolicy == "NeverContactSource"
	}
	if len(order) == 0 {
		return ""
	}
	var out strings.Builder
	fmt.Fprintf(&out, "unqualified-search-registries = [%s]\n", quoted(registries))
	for _, source := range order {
		fmt.Fprintf(&out, "\n[[registry]]\n  prefix = \"\"\n  location = %q\n  mirror-by-digest-only = true\n", source)
		if blocked[source] {
			fmt.Fprintln(&out, "  blocked = true")
		}
		for _, m := range mirrors[source] {
			fmt.Fprintf(&out, "\n  [[registry.mirror]]\n    location = %q\n", m)
		}
	}
	return out.String()
}

func quoted(list []string) string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = strconv.Quote(s)
	}
	return strings.Join(out, ", ")
}
