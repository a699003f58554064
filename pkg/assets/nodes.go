package assets

import (
	"fmt"
	"net/netip"
	"strconv"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets/bootstrap"
	"github.com/okd-install/okd-install/pkg/assets/objects"
	"github.com/okd-install/okd-install/pkg/assets/openshift"
	"github.com/okd-install/okd-install/pkg/ignition"
	"github.com/okd-install/okd-install/pkg/pki"
	"github.com/okd-install/okd-install/pkg/types"
)

// MasterIgnition is master.ign, and WorkerIgnition worker.ign: the config that every
// machine of the role starts with.
var (
	MasterIgnition = pointer("master.ign", types.MasterPool)
	WorkerIgnition = pointer("worker.ign", types.WorkerPool)
)

func pointer(file, role string) asset.Asset[asset.Files] {
	return asset.From2(file, Names, RootCA, func(_ asset.Env, n NameSet, ca pki.Pair) (asset.Files, error) {
		return pointerFile(file, role, n, ca)
	})
}

func pointerFile(file, role string, n NameSet, ca pki.Pair) (asset.Files, error) {
	data, err := ignition.Pointer(n.ignitionHost(), role, ca.Cert)
	if err != nil {
		return nil, err
	}
	return asset.Files{asset.NewFile(file, data)}, nil
}

// hostFiles are the generated files for the bootstrap host.
var hostFiles = asset.FromAll("bootstrap-files",
	[]asset.Asset[asset.Files]{Manifests, OpenShift, PointerConfigs, TLSFiles, HostKubeconfigs},
	func(_ asset.Env, lists []asset.Files) (asset.Files, error) { return asset.Merge(lists...), nil }, asset.Transient())

const (
	bootstrapFile  = "bootstrap.ign"
	singleNodeFile = "bootstrap-in-place-for-live-iso.ign"
)

// hostSettings are the settings of the bootstrap host that are not in the
// install-config. The installer's version and embedded files are among them, because
// the host's config contains scripts of the installer.
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
		}, asset.Confidential(ConfigFile))
}

func machinePrefix(infraID, role string) string { return infraID + "-" + role + "-" }

// Machines are the machines to create, each with its own config.
var Machines = asset.From4("machines", Config, InfraID, MasterIgnition, WorkerIgnition,
	func(_ asset.Env, c Input, infraID string, master, worker asset.Files) ([]Machine, error) {
		var out []Machine
		number := map[string]int{}
		add := func(role string, pool, count int, pointer []byte) error {
			for range count {
				n := number[role]
				number[role]++
				name := machinePrefix(infraID, role) + strconv.Itoa(n)
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

// ProvisionedBootstrap is bootstrap.ign for a bootstrap host that the installer
// creates. It adds the ConfigMap openshift-install, by which tools recognize clusters
// whose machines the installer created.
func (c Cluster) ProvisionedBootstrap() ([]byte, error) {
	text, err := objects.Render(openshift.InstallConfigMap("openshift-install", c.Invoker, c.Version))
	if err != nil {
		return nil, fmt.Errorf("render the record of the installer: %w", err)
	}
	return ignition.WithFile(c.Bootstrap, "/opt/openshift/manifests/openshift-install.yaml", 0o644, text)
}
