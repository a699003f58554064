package assets

import (
	"net/netip"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets/bootstrap"
	"github.com/okd-install/okd-install/pkg/pki"
)

// AgentInPlace reports whether the only host of an installation whose hosts register
// themselves is its own bootstrap host until it starts from its disk.
var AgentInPlace = asset.From1("agent-in-place", Config, func(_ asset.Env, c Input) (bool, error) {
	return c.Masters() == 1, nil
}, asset.Transient())

// AgentBootstrapIgnition is the Ignition config that turns the rendezvous host, while its
// live system is running, into the temporary control plane. It leaves alone what the host
// keeps as a node: hostname and network. The SSH host key is that of the live system only. docs/dev/agent.md says how it is applied.
var AgentBootstrapIgnition = asset.From7("agent-bootstrap-ignition",
	Config, InfraID, ReleaseImage, hostFiles, SSHKeys, agentSettings, AgentInPlace,
	func(
		_ asset.Env, in Input, infraID, image string, files asset.Files, keys pki.SSHKeys, s hostSettings, inPlace bool,
	) ([]byte, error) {
		if image == "" {
			return nil, ErrNoReleaseImage
		}
		return bootstrap.Ignition(bootstrap.Inputs{
			Config: in.InstallConfig, Platform: in.On.Cluster(in.InstallConfig).Name(), InfraID: infraID,
			ReleaseImage: image, Files: files, HostKeys: keys, Profile: s.Profile, NodeIP: s.NodeIP,
			Agent: true, InPlace: inPlace,
		})
	}, asset.Transient())

// agentSettings are the settings of the rendezvous host, whose address is known.
var agentSettings = asset.From3("agent-bootstrap-settings", settings, RendezvousIP, AgentConfig,
	func(_ asset.Env, s hostSettings, rendezvous netip.Addr, a agentReading) (hostSettings, error) {
		for _, ip := range []netip.Addr{rendezvous, a.Inventory.RendezvousIP} {
			if !s.NodeIP.IsValid() {
				s.NodeIP = ip
			}
		}
		return s, nil
	}, asset.Transient())
