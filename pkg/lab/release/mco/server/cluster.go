package server

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	configv1 "github.com/openshift/api/config/v1"
	mcfgv1 "github.com/openshift/api/machineconfiguration/v1"
	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/lab/release/mco/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/mco/mc"
)

// Cluster serves what the API says.
type Cluster struct {
	API    *kube.Client
	URL    string // of the API, for nodes; empty means the Infrastructure's internal one
	Tokens string // directory with token and ca.crt of the node-bootstrapper account
}

// Serve implements Source.
func (c Cluster) Serve(ctx context.Context, pool string) (Served, error) {
	var p mcfgv1.MachineConfigPool
	if err := c.API.Get(ctx, kube.MachineConfig+"/machineconfigpools/"+url.PathEscape(pool), &p); err != nil {
		if kube.IsNotFound(err) {
			return Served{}, fmt.Errorf("find pool %s: %w", pool, ErrUnknownPool)
		}
		return Served{}, fmt.Errorf("find pool %s: %w", pool, err)
	}
	name := p.Status.Configuration.Name
	if name == "" {
		return Served{}, fmt.Errorf("serve pool %s: it has no rendered config yet", pool)
	}
	s := Served{Config: new(mcfgv1.MachineConfig)}
	if err := c.API.Get(ctx, kube.MachineConfig+"/machineconfigs/"+name, s.Config); err != nil {
		return Served{}, fmt.Errorf("read config of pool %s: %w", pool, err)
	}
	var cc mcfgv1.ControllerConfig
	if err := c.API.Get(ctx, kube.MachineConfig+"/controllerconfigs/"+mc.ControllerName, &cc); err != nil {
		return Served{}, fmt.Errorf("read controller config: %w", err)
	}
	s.KubeletCA = cc.Spec.KubeAPIServerServingCAData
	address := c.URL
	if address == "" {
		var infra configv1.Infrastructure
		if err := c.API.Get(ctx, kube.Config+"/infrastructures/cluster", &infra); err != nil {
			return Served{}, fmt.Errorf("find URL of the API: %w", err)
		}
		address = infra.Status.APIServerInternalURL
	}
	var err error
	s.Kubeconfig, err = c.kubeconfig(address)
	return s, err
}

// kubeconfig holds the token that is good for one thing: to ask for a
// certificate. The files are read each time because both may be rotated.
func (c Cluster) kubeconfig(address string) ([]byte, error) {
	token, err := os.ReadFile(filepath.Join(c.Tokens, "token"))
	if err != nil {
		return nil, fmt.Errorf("read kubelet credentials: %w", err)
	}
	ca, err := os.ReadFile(filepath.Join(c.Tokens, "ca.crt"))
	if err != nil {
		return nil, fmt.Errorf("read kubelet credentials: %w", err)
	}
	type m = map[string]any
	return yaml.Marshal(m{
		"apiVersion": "v1", "kind": "Config", "current-context": "kubelet",
		"clusters": []m{{"name": "local", "cluster": m{
			"server": address, "certificate-authority-data": base64.StdEncoding.EncodeToString(ca),
		}}},
		"users":    []m{{"name": "kubelet", "user": m{"token": string(token)}}},
		"contexts": []m{{"name": "kubelet", "context": m{"cluster": "local", "user": "kubelet"}}},
	})
}
