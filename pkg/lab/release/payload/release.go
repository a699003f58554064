package payload

import "github.com/okd-install/okd-install/pkg/lab/release/component"

// releaseComponents are the images of upstream programs and of the operators
// for version, network, DNS and ingress.
func releaseComponents() []component.Component {
	return nil
}
