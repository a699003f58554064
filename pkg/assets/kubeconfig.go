package assets

import (
	"fmt"

	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/pki"
)

const (
	kubeconfigFile = "auth/kubeconfig"
	passwordFile   = "auth/kubeadmin-password"
)

// AdminKubeconfig is auth/kubeconfig, for the administrator.
var AdminKubeconfig = asset.From3("kubeconfig", Names, AdminClient, CompleteServerBundle,
	func(_ asset.Env, n NameSet, client pki.Pair, ca []byte) (asset.Files, error) {
		return kubeconfig(kubeconfigFile, n.Cluster, "admin", n.API, ca, client)
	}, asset.Grows())

// PasswordFile is auth/kubeadmin-password.
var PasswordFile = asset.From1("kubeadmin-password-file", Kubeadmin,
	func(_ asset.Env, k kubeadmin) (asset.Files, error) {
		return asset.Files{asset.NewFile(passwordFile, []byte(k.Password))}, nil
	})

// HostKubeconfigs are in auth/ on the bootstrap host. Two have the administrator's
// rights, as bootkube needs them, through the internal name and through localhost, but
// with a key of their own that is valid for a day. With the third, new kubelets request
// a certificate.
var HostKubeconfigs = asset.From5("bootstrap-kubeconfigs",
	Names, BootstrapAdmin, KubeletClient, CompleteServerBundle, LocalhostBundle,
	func(_ asset.Env, n NameSet, admin, kubelet pki.Pair, ca, localCA []byte) (asset.Files, error) {
		var out asset.Files
		for _, k := range []struct {
			file, user, host string
			ca               []byte
			client           pki.Pair
		}{
			{kubeconfigFile, "admin", n.APIInt, ca, admin},
			{"auth/kubeconfig-kubelet", "kubelet", n.APIInt, ca, kubelet},
			{"auth/kubeconfig-loopback", "loopback", "localhost", localCA, admin},
		} {
			files, err := kubeconfig(k.file, n.Cluster, k.user, k.host, k.ca, k.client)
			if err != nil {
				return nil, err
			}
			out = append(out, files...)
		}
		return out, nil
	}, asset.Transient())

// kubeconfig renders a file that logs in with a client certificate.
func kubeconfig(file, cluster, user, host string, ca []byte, client pki.Pair) (asset.Files, error) {
	type object = map[string]any
	data, err := yaml.Marshal(object{
		"apiVersion": "v1",
		"kind":       "Config",
		"clusters": []object{{"name": cluster, "cluster": object{
			"server": "https://" + host + ":6443", "certificate-authority-data": ca,
		}}},
		"users": []object{{"name": user, "user": object{
			"client-certificate-data": client.Cert, "client-key-data": client.Key,
		}}},
		"contexts":        []object{{"name": user, "context": object{"cluster": cluster, "user": user}}},
		"current-context": user,
		"preferences":     object{},
	})
	if err != nil {
		return nil, fmt.Errorf("render %s: %w", file, err)
	}
	return asset.Files{asset.NewFile(file, data)}, nil
}
