// Package kube connects the lab release's operators to the API server and has
// the few object helpers that they share.
package kube

import (
	"fmt"
	"os"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// Resources of OpenShift that the operators read and write.
var (
	ClusterOperators = schema.GroupVersionResource{Group: "config.openshift.io", Version: "v1", Resource: "clusteroperators"}
	Networks         = schema.GroupVersionResource{Group: "config.openshift.io", Version: "v1", Resource: "networks"}
	Infrastructures  = schema.GroupVersionResource{Group: "config.openshift.io", Version: "v1", Resource: "infrastructures"}
	Etcds            = Operator("etcds")
	KubeAPIServers   = Operator("kubeapiservers")
	KubeControllers  = Operator("kubecontrollermanagers")
	KubeSchedulers   = Operator("kubeschedulers")
)

// Operator is a resource of operator.openshift.io/v1.
func Operator(resource string) schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "operator.openshift.io", Version: "v1", Resource: resource}
}

// Clients talk to one API server.
type Clients struct {
	Config  *rest.Config
	Kube    kubernetes.Interface
	Dynamic dynamic.Interface
}

const (
	accountToken = "/var/run/secrets/kubernetes.io/serviceaccount/token"
	accountCA    = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"

	// NodeKubeconfig names the node's way to the API (api-int). Operators of
	// the control plane use its server address, because the Service address
	// works only once the pod network and kube-proxy are up, and those need
	// the control plane.
	NodeKubeconfig = "/etc/kubernetes/kubeconfig"
)

// Connect reads a kubeconfig; with an empty path it uses the pod's service
// account against the server that serverFrom (a kubeconfig) names, or against
// the Service address when that file is missing.
func Connect(kubeconfig, serverFrom string) (*Clients, error) {
	cfg, err := config(kubeconfig, serverFrom)
	if err != nil {
		return nil, err
	}
	// Client-side throttling would only slow down a control plane that has
	// priority and fairness.
	cfg.QPS, cfg.Burst = 200, 400
	return NewClients(cfg)
}

// NewClients makes the clients for a configuration.
func NewClients(cfg *rest.Config) (*Clients, error) {
	k, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("make API client: %w", err)
	}
	d, err := dynamic.NewForConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("make dynamic API client: %w", err)
	}
	return &Clients{Config: cfg, Kube: k, Dynamic: d}, nil
}

func config(kubeconfig, serverFrom string) (*rest.Config, error) {
	if kubeconfig != "" {
		cfg, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
		if err != nil {
			return nil, fmt.Errorf("read kubeconfig %s: %w", kubeconfig, err)
		}
		return cfg, nil
	}
	host, err := server(serverFrom)
	if err != nil {
		return nil, err
	}
	if host == "" {
		cfg, err := rest.InClusterConfig()
		if err != nil {
			return nil, fmt.Errorf("use service account: %w", err)
		}
		return cfg, nil
	}
	token, err := os.ReadFile(accountToken)
	if err != nil {
		return nil, fmt.Errorf("use service account: %w", err)
	}
	return &rest.Config{
		Host:            host,
		BearerToken:     string(token),
		BearerTokenFile: accountToken,
		TLSClientConfig: rest.TLSClientConfig{CAFile: accountCA},
	}, nil
}

// server is the address of the first cluster of a kubeconfig, empty when the
// file does not exist.
func server(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	if _, err := os.Stat(path); os.IsNotExist(err) {
		return "", nil
	}
	c, err := clientcmd.LoadFromFile(path)
	if err != nil {
		return "", fmt.Errorf("read server address from %s: %w", path, err)
	}
	if ctx, ok := c.Contexts[c.CurrentContext]; ok {
		if cl, ok := c.Clusters[ctx.Cluster]; ok {
			return cl.Server, nil
		}
	}
	for _, cl := range c.Clusters {
		return cl.Server, nil
	}
	return "", fmt.Errorf("read server address from %s: it names no cluster", path)
}
