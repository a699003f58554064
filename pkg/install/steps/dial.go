package steps

import (
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/secret"
)

// Dial prepares to wait for the cluster of a directory.
func Dial(e *install.Env) (Cluster, error) {
	api, err := e.Dial()
	return Cluster{Env: e, API: api}, err
}

// Complete is the step after which the cluster has installed itself. The password of kubeadmin is printed, but not
// logged; empty for none.
func (c Cluster) Complete(password secret.String, approve func()) ClusterComplete {
	c.Env.Hide(password)
	return ClusterComplete{
		Cluster: c, Kubeconfig: c.Env.Path(install.KubeconfigFile), Output: c.Env.Sink, Password: password, Approve: approve,
	}
}
