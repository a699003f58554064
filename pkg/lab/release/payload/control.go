package payload

import "github.com/okd-install/okd-install/pkg/lab/release/component"

// controlComponents are the operators of etcd and of the control plane's
// static pods, and cluster-bootstrap.
func controlComponents() []component.Component {
	return []component.Component{
		operator("cluster-bootstrap", "/usr/bin/cluster-bootstrap"),
		operator("cluster-etcd-operator", "/usr/bin/cluster-etcd-operator", "/usr/bin/discover-etcd-initial-cluster"),
		operator("cluster-kube-apiserver-operator", "/usr/bin/cluster-kube-apiserver-operator"),
		operator("cluster-kube-controller-manager-operator", "/usr/bin/cluster-kube-controller-manager-operator"),
		operator("cluster-kube-scheduler-operator", "/usr/bin/cluster-kube-scheduler-operator"),
	}
}
