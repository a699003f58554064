package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	mcfgv1 "github.com/openshift/api/machineconfiguration/v1"
	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/lab/release/mco/mc"
)

// Bootstrap serves from the files that machine-config-controller bootstrap
// wrote, and only to machines of the control plane: workers have to wait for
// the server in the cluster, which serves what the cluster decided.
type Bootstrap struct {
	Dir        string // /etc/mcs/bootstrap
	Kubeconfig string // /etc/mcs/kubeconfig
}

// Serve implements Source.
func (b Bootstrap) Serve(_ context.Context, pool string) (Served, error) {
	if !slices.Contains([]string{"master", "arbiter"}, pool) {
		return Served{}, fmt.Errorf("refuse pool %q: the bootstrap serves the control plane only", pool)
	}
	var p mcfgv1.MachineConfigPool
	if err := readYAML(filepath.Join(b.Dir, "machine-pools", pool+".yaml"), &p); err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return Served{}, fmt.Errorf("find pool %s: %w", pool, ErrUnknownPool)
		}
		return Served{}, fmt.Errorf("read pool %s: %w", pool, err)
	}
	s := Served{Config: new(mcfgv1.MachineConfig)}
	name := p.Status.Configuration.Name
	if err := readYAML(filepath.Join(b.Dir, "machine-configs", name+".yaml"), s.Config); err != nil {
		return Served{}, fmt.Errorf("read config of pool %s: %w", pool, err)
	}
	var cc mcfgv1.ControllerConfig
	if err := readYAML(filepath.Join(b.Dir, "controller-config", mc.ControllerName+".yaml"), &cc); err != nil {
		return Served{}, fmt.Errorf("read controller config: %w", err)
	}
	s.KubeletCA = cc.Spec.KubeAPIServerServingCAData
	var err error
	if s.Kubeconfig, err = os.ReadFile(b.Kubeconfig); err != nil {
		return Served{}, fmt.Errorf("read kubelet credentials: %w", err)
	}
	return s, nil
}

func readYAML(path string, into any) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := yaml.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("parse %s: %w", path, err)
	}
	return nil
}
