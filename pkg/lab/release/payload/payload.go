// Package payload lists the components of the lab release. It holds data
// only, so that the image builder does not link the operators.
package payload

import (
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/lab/release/component"
)

// Components are all images of the release besides the release image itself,
// sorted by tag.
func Components() []component.Component {
	all := slices.Concat(releaseComponents(), controlComponents(), mcoComponents())
	slices.SortFunc(all, func(a, b component.Component) int { return strings.Compare(a.Tag, b.Tag) })
	return all
}
