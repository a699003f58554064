package steps

import "github.com/okd-install/okd-install/pkg/install"

// Dial prepares to wait for the cluster of a directory.
func Dial(e *install.Env) (Cluster, error) {
	api, err := e.Dial()
	return Cluster{Env: e, API: api}, err
}

// Complete is the step after which the cluster has installed itself. The password that it prints is kept from logs.
func (c Cluster) Complete(approve func()) (ClusterComplete, error) {
	password, err := c.Env.Password()
	if err != nil {
		return ClusterComplete{}, err
	}
	c.Env.Hide(password)
	return ClusterComplete{
		Cluster: c, Kubeconfig: c.Env.Path(install.KubeconfigFile), Output: c.Env.Sink, Password: password, Approve: approve,
	}, nil
}
