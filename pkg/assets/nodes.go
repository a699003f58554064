package assets

import (
	"fmt"
	"net/netip"

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
var hostFiles = asset.FromAll("bootstrap-files",
	[]asset.Asset[asset.Files]{Manifests, OpenShift, PointerConfigs, TLSFiles, HostKubeconfigs},
	func(_ asset.Env, lists []asset.Files) (asset.Files, error) { return asset.Merge(lists...), nil }, asset.Transient())

const (
	bootstrapFile  = "bootstrap.ign"
	singleNodeFile = "bootstrap-in-place-for-live-iso.ign"
)

// hostSettings are what the bootstrap host is told beside the install-config.
// The version of the installer and its embedded files are among them, because
// its scripts are in the host's config.
type hostSettings struct {
	Version string     `json:"version"`
	Data    string     `json:"data"`
	Profile string     `json:"profile"`
	NodeIP  netip.Addr `json:"nodeIP"`
}

var settings = asset.From4("bootstrap-settings", Version, HostData, Profile, NodeIP,
	func(_ asset.Env, version, tree, profile string, ip netip.Addr) (hostSettings, error) {
		return hostSettings{version, tree, profile, ip}, nil
	}, asset.Transient())

// BootstrapIgnition is bootstrap.ign.
var BootstrapIgnition = hostConfig(bootstrapFile, handsOver)

// SingleNodeIgnition is the config of a single node that installs itself.
var SingleNodeIgnition = hostConfig(singleNodeFile, installsItself)

func hostConfig(file string, inPlace asset.Asset[bool]) asset.Asset[asset.Files] {
	return asset.From7(file, Config, InfraID, ReleaseImage, hostFiles, SSHKeys, settings, inPlace,
		func(
			_ asset.Env, in Input, infraID, image string, files asset.Files, keys pki.SSHKeys, s hostSettings, inPlace bool,
		) (asset.Files, error) {
			if image == "" {
				return nil, ErrNoReleaseImage
			}
			data, err := bootstrap.Ignition(bootstrap.Inputs{
				Config: in.InstallConfig, Platform: in.On.Cluster(in.InstallConfig).Name(), InfraID: infraID,
				ReleaseImage: image, Files: files, HostKeys: keys,
				Profile: s.Profile, NodeIP: s.NodeIP, InPlace: inPlace,
			})
			if err != nil {
				return nil, err
			}
			return asset.Files{asset.NewFile(file, data)}, nil
		})
}

// Machines are the nodes to be made, each with its own config.
var Machines = asset.From4("machines", Config, InfraID, MasterIgnition, WorkerIgnition,
	func(_ asset.Env, c Input, infraID string, master, worker asset.Files) ([]Machine, error) {
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
