package assets

import (
	"fmt"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets/bootstrap"
	"github.com/okd-install/okd-install/pkg/ignition"
	"github.com/okd-install/okd-install/pkg/pki"
	"github.com/okd-install/okd-install/pkg/types"
)

// MasterIgnition is master.ign and WorkerIgnition worker.ign: what every
// machine of the role starts with.
var (
	MasterIgnition = pointer("master.ign", types.MasterPool)
	WorkerIgnition = pointer("worker.ign", types.WorkerPool)
)

func pointer(file, role string) asset.Asset[asset.Files] {
	return asset.From2(file, Names, RootCA, func(_ asset.Env, n NameSet, ca pki.Pair) (asset.Files, error) {
		data, err := ignition.Pointer(n.ignitionHost(), role, ca.Cert)
		if err != nil {
			return nil, err
		}
		return asset.Files{asset.NewFile(file, data)}, nil
	})
}

// hostFiles is everything generated that the bootstrap host gets.
var hostFiles = asset.FromAll("bootstrap-files", []asset.Asset[asset.Files]{Manifests, OpenShift, PointerConfigs, TLSFiles, HostKubeconfigs},
	func(_ asset.Env, lists []asset.Files) (asset.Files, error) { return asset.Merge(lists...), nil }, asset.Transient())

const bootstrapFile = "bootstrap.ign"

// BootstrapIgnition is bootstrap.ign. The version of the installer and its
// embedded files are inputs, because the file holds its scripts.
var BootstrapIgnition = asset.From7(bootstrapFile, Config, InfraID, ReleaseImage, hostFiles, SSHKeys, Version, HostData,
	func(_ asset.Env, c *types.InstallConfig, infraID, image string, files asset.Files, keys pki.SSHKeys, _, _ string) (asset.Files, error) {
		if image == "" {
			return nil, ErrNoReleaseImage
		}
		data, err := bootstrap.Ignition(bootstrap.Inputs{Config: c, InfraID: infraID, ReleaseImage: image, Files: files, HostKeys: keys})
		if err != nil {
			return nil, err
		}
		return asset.Files{asset.NewFile(bootstrapFile, data)}, nil
	})

// Machines are the nodes to be made, each with its own config.
var Machines = asset.From4("machines", Config, InfraID, MasterIgnition, WorkerIgnition,
	func(_ asset.Env, c *types.InstallConfig, infraID string, master, worker asset.Files) ([]Machine, error) {
		var out []Machine
		add := func(role string, pool, count int, pointer []byte) error {
			for range count {
				n := 0
				for _, m := range out {
					if m.Role == role {
						n++
					}
				}
				name := fmt.Sprintf("%s-%s-%d", infraID, role, n)
				config, err := ignition.WithHostname(pointer, name)
				if err != nil {
					return fmt.Errorf("make the config of %s: %w", name, err)
				}
				out = append(out, Machine{Name: name, Role: role, Pool: pool, Ignition: config})
			}
			return nil
		}
		if err := add(types.MasterPool, 0, c.Masters(), master[0].Data); err != nil {
			return nil, err
		}
		for i := range c.Compute {
			if err := add(types.WorkerPool, i, c.Compute[i].Count(), worker[0].Data); err != nil {
				return nil, err
			}
		}
		return out, nil
	}, asset.Transient())
