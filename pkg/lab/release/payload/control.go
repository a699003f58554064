package payload

import "github.com/okd-install/okd-install/pkg/lab/release/component"

// controlComponents are the operators of etcd and of the control plane's
// static pods, and cluster-bootstrap.
func controlComponents() []component.Component {
	return nil
}
