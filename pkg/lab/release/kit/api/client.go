// Package api is how the programs of the lab's release reach the API server.
package api

import (
	"fmt"
	"os"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/okd-install/okd-install/pkg/kube"
)

const (
	accountToken = "/var/run/secrets/kubernetes.io/serviceaccount/token"
	accountCA    = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"

	// nodeKubeconfig names api-int. Pods that have the file use that address: that of
	// the Service needs the pod network, which needs the control plane.
	nodeKubeconfig = "/etc/kubernetes/kubeconfig"

	// An API server that has just started on a busy machine is slow.
	perCall = 30 * time.Second
)

// Client talks to one API server.
type Client struct {
	*kube.Client
	Config *rest.Config // for client-go's own clients
	owner  string       // of the fields that ApplyObject writes

	mu     sync.Mutex
	known  map[schema.GroupVersionKind]resource
	looked map[schema.GroupVersion]time.Time
}

// Connect reads a kubeconfig; without one it uses the pod's service account. The
// program's name is the user agent and the owner of fields.
func Connect(program, kubeconfig string) (*Client, error) {
	cfg, err := configuration(kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("read API credentials: %w", err)
	}
	cfg.Timeout, cfg.UserAgent = perCall, program
	return New(program, cfg)
}

// New makes a client from a configuration.
func New(program string, cfg *rest.Config) (*Client, error) {
	c, err := kube.New(cfg)
	if err != nil {
		return nil, err
	}
	return &Client{
		Client: c, Config: cfg, owner: program,
		known: map[schema.GroupVersionKind]resource{}, looked: map[schema.GroupVersion]time.Time{},
	}, nil
}

func configuration(kubeconfig string) (*rest.Config, error) {
	if kubeconfig != "" {
		return clientcmd.BuildConfigFromFlags("", kubeconfig)
	}
	if _, err := os.Stat(nodeKubeconfig); err != nil {
		return rest.InClusterConfig()
	}
	node, err := clientcmd.BuildConfigFromFlags("", nodeKubeconfig)
	if err != nil {
		return nil, err
	}
	token, err := os.ReadFile(accountToken)
	if err != nil {
		return nil, err
	}
	return &rest.Config{
		Host: node.Host, BearerToken: string(token), BearerTokenFile: accountToken,
		TLSClientConfig: rest.TLSClientConfig{CAFile: accountCA},
	}, nil
}

// Config is a kind of config.openshift.io.
func Config(plural string) kube.Kind {
	return kube.Kind{Group: "config.openshift.io", Version: "v1", Plural: plural}
}

// Operator is a kind of operator.openshift.io.
func Operator(plural string) kube.Kind {
	return kube.Kind{Group: "operator.openshift.io", Version: "v1", Plural: plural}
}

// Kinds of Kubernetes that the installer does not look at.
var (
	Namespaces      = kube.Kind{Version: "v1", Plural: "namespaces"}
	ServiceAccounts = kube.Kind{Version: "v1", Plural: "serviceaccounts"}
	Services        = kube.Kind{Version: "v1", Plural: "services"}

	ClusterRoleBindings = kube.Kind{Group: "rbac.authorization.k8s.io", Version: "v1", Plural: "clusterrolebindings"}
	Leases              = kube.Kind{Group: "coordination.k8s.io", Version: "v1", Plural: "leases"}
)
