package payload

import (
	"github.com/okd-install/okd-install/pkg/lab/release/component"
	"github.com/okd-install/okd-install/pkg/lab/release/mco/components"
)

// mcoComponents are the machine config operator and what it puts on nodes.
func mcoComponents(version string) []component.Component {
	return components.Components(version)
}
