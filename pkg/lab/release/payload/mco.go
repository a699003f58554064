package payload

import "github.com/okd-install/okd-install/pkg/lab/release/component"

// mcoComponents are the machine config operator and what it puts on nodes.
func mcoComponents() []component.Component {
	return nil
}
