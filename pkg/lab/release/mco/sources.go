package mco

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	configv1 "github.com/openshift/api/config/v1"
	mcfgv1 "github.com/openshift/api/machineconfiguration/v1"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/lab/release/mco/render"
)

// bootstrapSource serves files to the control plane only: workers wait for the
// server in the cluster, which serves what the cluster decided.
type bootstrapSource struct {
	dir        string // /etc/mcs/bootstrap
	kubeconfig string // /etc/mcs/kubeconfig
}

func (b bootstrapSource) serve(_ context.Context, pool string) (served, error) {
	if !slices.Contains([]string{"master", "arbiter"}, pool) {
		return served{}, fmt.Errorf("refuse pool %q: the bootstrap serves the control plane only", pool)
	}
	var p mcfgv1.MachineConfigPool
	err := readYAML(filepath.Join(b.dir, "machine-pools", pool+".yaml"), &p)
	if errors.Is(err, fs.ErrNotExist) {
		err = errUnknownPool
	}
	if err != nil {
		return served{}, fmt.Errorf("find pool %s: %w", pool, err)
	}
	s, cc := served{config: new(mcfgv1.MachineConfig)}, mcfgv1.ControllerConfig{}
	name := p.Status.Configuration.Name
	if err := readYAML(filepath.Join(b.dir, "machine-configs", name+".yaml"), s.config); err != nil {
		return served{}, fmt.Errorf("read config of pool %s: %w", pool, err)
	}
	if err := readYAML(filepath.Join(b.dir, "controller-config", render.ControllerName+".yaml"), &cc); err != nil {
		return served{}, fmt.Errorf("read controller config: %w", err)
	}
	s.kubeletCA = cc.Spec.KubeAPIServerServingCAData
	if s.kubeconfig, err = os.ReadFile(b.kubeconfig); err != nil {
		return served{}, fmt.Errorf("read kubelet credentials: %w", err)
	}
	return s, nil
}

// clusterSource serves what the API says.
type clusterSource struct {
	client *api.Client
	url    string // of the API, for nodes; empty means the Infrastructure's internal one
	tokens string // directory with token and ca.crt of the node-bootstrapper account
}

func (c clusterSource) serve(ctx context.Context, pool string) (served, error) {
	var p mcfgv1.MachineConfigPool
	err := c.client.Get(ctx, machineKind("machineconfigpools").Ref("", pool), &p)
	if kube.NotFound(err) {
		err = errUnknownPool
	}
	if err != nil {
		return served{}, fmt.Errorf("find pool %s: %w", pool, err)
	}
	name := p.Status.Configuration.Name
	if name == "" {
		return served{}, fmt.Errorf("serve pool %s: it has no rendered config yet", pool)
	}
	s, cc := served{config: new(mcfgv1.MachineConfig)}, mcfgv1.ControllerConfig{}
	if err := c.client.Get(ctx, machineKind("machineconfigs").Ref("", name), s.config); err != nil {
		return served{}, fmt.Errorf("read config of pool %s: %w", pool, err)
	}
	if err := c.client.Get(ctx, machineKind("controllerconfigs").Ref("", render.ControllerName), &cc); err != nil {
		return served{}, fmt.Errorf("read controller config: %w", err)
	}
	s.kubeletCA = cc.Spec.KubeAPIServerServingCAData
	address := c.url
	if address == "" {
		var infra configv1.Infrastructure
		if err := c.client.Get(ctx, api.Config("infrastructures").Ref("", "cluster"), &infra); err != nil {
			return served{}, fmt.Errorf("find URL of the API: %w", err)
		}
		address = infra.Status.APIServerInternalURL
	}
	s.kubeconfig, err = c.kubeconfig(address)
	return s, err
}

// kubeconfig holds the token that is good to ask for a certificate. The files are
// read each time because both may be rotated.
func (c clusterSource) kubeconfig(address string) ([]byte, error) {
	token, tokenErr := os.ReadFile(filepath.Join(c.tokens, "token"))
	ca, caErr := os.ReadFile(filepath.Join(c.tokens, "ca.crt"))
	if err := errors.Join(tokenErr, caErr); err != nil {
		return nil, fmt.Errorf("read kubelet credentials: %w", err)
	}
	return api.Kubeconfig(clientcmdapi.Cluster{Server: address, CertificateAuthorityData: ca},
		"kubelet", clientcmdapi.AuthInfo{Token: string(token)})
}
