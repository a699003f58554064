// Package controller is `machine-config-controller bootstrap`: it renders the
// pools from manifests, before there is an API.
package controller

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	mcfgv1 "github.com/openshift/api/machineconfiguration/v1"
	"github.com/spf13/pflag"
	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/lab/release/contract"
	"github.com/okd-install/okd-install/pkg/lab/release/mco/mc"
	"github.com/okd-install/okd-install/pkg/lab/release/mco/osimagestream"
	"github.com/okd-install/okd-install/pkg/lab/release/mco/render"
)

// Command runs `machine-config-controller bootstrap`.
func Command(_ context.Context, args []string) error {
	f := pflag.NewFlagSet("machine-config-controller bootstrap", pflag.ContinueOnError)
	manifests := f.String("manifest-dir", "", "directory with the cluster's manifests")
	dest := f.String("dest-dir", "", "directory to write to")
	pull := f.String("pull-secret", "", "Secret with the pull secret")
	f.String("payload-version", "", "version of the release")
	if err := f.Parse(args); err != nil {
		return err
	}
	if err := knowsImages(*manifests); err != nil {
		return err
	}
	if *manifests == "" || *dest == "" || *pull == "" || f.NArg() > 0 {
		return errors.New("parse arguments: --manifest-dir, --dest-dir and --pull-secret must be given, and nothing else")
	}
	return Bootstrap(*manifests, *pull, *dest)
}

// knowsImages wants the release's image references beside the manifests: from
// 4.23 on OKD's controller reads the labels of the OS images that they name.
// Without them it pulls the release, for which it has a minute; here it gives up.
func knowsImages(manifestDir string) error {
	if !contract.Since(contract.Version(), "4.23") {
		return nil
	}
	_, err := osimagestream.NodeImage(filepath.Join(manifestDir, "image-references"))
	return err
}

// Bootstrap renders every pool found in manifestDir into destDir:
// machine-pools, machine-configs and controller-config.
func Bootstrap(manifestDir, pullSecretFile, destDir string) error {
	in, err := load(manifestDir, pullSecretFile)
	if err != nil {
		return err
	}
	pools, configs, err := in.Render()
	if err != nil {
		return err
	}
	if err := write(filepath.Join(destDir, "controller-config", mc.ControllerName+".yaml"), in.Controller); err != nil {
		return err
	}
	for _, c := range configs {
		if err := write(filepath.Join(destDir, "machine-configs", c.Name+".yaml"), c); err != nil {
			return err
		}
	}
	// Pools last: a server that finds a pool finds its config.
	for _, p := range pools {
		if err := write(filepath.Join(destDir, "machine-pools", p.Name+".yaml"), p); err != nil {
			return err
		}
	}
	return nil
}

// Inputs are all that rendering depends on. The bootstrap machine fills them
// from manifests, the operator from the API.
type Inputs struct {
	Controller *mcfgv1.ControllerConfig
	PullSecret []byte
	Pools      []*mcfgv1.MachineConfigPool
	Configs    []*mcfgv1.MachineConfig // the users' own
	Mirrors    []render.Mirror
}

// Render makes the controller's configs and each pool's rendered one, and
// sets the pools' configuration.
func (in Inputs) Render() ([]*mcfgv1.MachineConfigPool, []*mcfgv1.MachineConfig, error) {
	own, err := in.Generated()
	if err != nil {
		return nil, nil, err
	}
	all := own
	made := map[string]bool{}
	for _, c := range own {
		made[c.Name] = true
	}
	for _, c := range in.Configs {
		if !made[c.Name] {
			all = append(all, c)
		}
	}
	pools := make([]*mcfgv1.MachineConfigPool, 0, len(in.Pools))
	for _, p := range in.Pools {
		p = p.DeepCopy()
		sources, err := mc.Select(p, all)
		if err != nil {
			return nil, nil, err
		}
		r, err := mc.Render(p.Name, sources)
		if err != nil {
			return nil, nil, err
		}
		Point(p, r, sources)
		all = append(all, r)
		pools = append(pools, p)
	}
	return pools, all, nil
}

// Generated are the configs that the controller itself makes.
func (in Inputs) Generated() ([]*mcfgv1.MachineConfig, error) {
	var own []*mcfgv1.MachineConfig
	for _, role := range []string{"master", "worker"} {
		t, err := render.Templates(in.Controller, in.PullSecret, role)
		if err != nil {
			return nil, err
		}
		own = append(own, t...)
		r, err := render.Registries(role, in.Mirrors)
		if err != nil {
			return nil, err
		}
		if r != nil {
			own = append(own, r)
		}
	}
	return own, nil
}

func write(path string, obj any) error {
	raw, err := yaml.Marshal(obj)
	if err != nil {
		return fmt.Errorf("encode %s: %w", path, err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	// Machine configs hold the pull secret.
	return os.WriteFile(path, raw, 0o600)
}
