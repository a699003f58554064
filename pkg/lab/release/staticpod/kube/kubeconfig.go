package kube

import (
	"fmt"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// FileKubeconfig renders a kubeconfig that names certificate files, for
// static pods, whose credentials are on the node's disk.
func FileKubeconfig(server, caFile, certFile, keyFile string) ([]byte, error) {
	c := clientcmdapi.NewConfig()
	c.Clusters["local"] = &clientcmdapi.Cluster{Server: server, CertificateAuthority: caFile}
	c.AuthInfos["client"] = &clientcmdapi.AuthInfo{ClientCertificate: certFile, ClientKey: keyFile}
	c.Contexts["local"] = &clientcmdapi.Context{Cluster: "local", AuthInfo: "client"}
	c.CurrentContext = "local"
	out, err := clientcmd.Write(*c)
	if err != nil {
		return nil, fmt.Errorf("write kubeconfig: %w", err)
	}
	return out, nil
}
