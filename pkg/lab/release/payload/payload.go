// Package payload lists the components of the lab release. It holds data
// only, so that the image builder does not link the operators.
package payload

import (
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/lab/release/component"
	"github.com/okd-install/okd-install/pkg/lab/release/contract"
)

// Components are all images of a version besides the release image itself,
// sorted by tag.
func Components(version string) ([]component.Component, error) {
	api, err := configAPI(version)
	if err != nil {
		return nil, err
	}
	all := slices.Concat(programs(), operators(version), named(version))
	all = append(all, api)
	slices.SortFunc(all, func(a, b component.Component) int { return strings.Compare(a.Tag, b.Tag) })
	return all, nil
}

// named are components that nothing in the lab runs, but whose tags decide
// something in whoever reads the image references.
func named(version string) []component.Component {
	var out []component.Component
	for _, c := range []struct{ tag, since string }{{"docker-registry", "4.21"}, {"apiserver-network-proxy", "5.0"}} {
		if contract.Since(version, c.since) {
			out = append(out, component.Component{Tag: c.tag})
		}
	}
	return out
}
