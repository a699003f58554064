package assets

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets/clustermanifests"
	"github.com/okd-install/okd-install/pkg/assets/live"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/seal"
	"github.com/okd-install/okd-install/pkg/secret"
	"github.com/okd-install/okd-install/pkg/types"
	typesagent "github.com/okd-install/okd-install/pkg/types/agent"
	"github.com/okd-install/okd-install/pkg/types/values"
	"github.com/okd-install/okd-install/pkg/types/vips"
)

const rendezvousFile = "rendezvousIP"

// RendezvousIP is the address of the host that bootstraps the cluster, the zero value until an
// image is made.
var RendezvousIP = asset.Param[netip.Addr]("rendezvous-ip")

// RendezvousFile is rendezvousIP.
var RendezvousFile = asset.From1(rendezvousFile, RendezvousIP, func(_ asset.Env, ip netip.Addr) (asset.Files, error) {
	return asset.Files{asset.NewFile(rendezvousFile, []byte(ip.String()+"\n"))}, nil
})

// AgentPlan is stored for commands that wait for an agent-based installation.
type AgentPlan struct {
	Hostnames []string       `json:"hostnames"` // that the config names; there may be others
	Networks  []netip.Prefix `json:"networks"`  // of the machines
	Masters   int            `json:"masters"`
	Arbiters  int            `json:"arbiters"`
	Workers   int            `json:"workers"`
}

// Plan is the hosts of an agent-based installation.
var Plan = asset.From2("agent-plan", Config, AgentConfig,
	func(_ asset.Env, in Input, a agentReading) (AgentPlan, error) {
		plan := AgentPlan{
			Networks: in.Networking.MachineCIDRs(),
			Masters:  in.Masters(), Arbiters: in.Arbiters(), Workers: in.Workers(),
		}
		for _, h := range a.Inventory.Hosts {
			if h.Hostname != "" {
				plan.Hostnames = append(plan.Hostnames, h.Hostname)
			}
		}
		return plan, nil
	})

// AgentImage is what the image of an agent-based installation is made from.
type AgentImage struct {
	Config         *types.InstallConfig
	Agent          *typesagent.Config // agent-config.yaml without its hosts, nil without one
	Live           live.Inputs
	Rendezvous     netip.Addr
	RendezvousHost string // its name, empty if no host has that address by the files
	Access         WatcherAccess
	Plan           AgentPlan
	ReleaseImage   string
	ReleaseVersion string // empty if it is not known
}

var imageNeeds = []asset.Ref{
	Config, AgentConfig, InfraID, ReleaseImage, ReleaseVersion, Version, AgentBootstrapIgnition, MasterIgnition,
	ArbiterIgnition, WorkerIgnition, access, imageName, Plan, PlatformName, fromManifests,
}

// AgentImage writes auth/ and rendezvousIP, and returns everything that an image is made from.
func (i *Installer) AgentImage(ctx context.Context) (AgentImage, error) {
	return i.agentImage(ctx, []asset.Ref{RendezvousFile, AdminKubeconfig, PasswordFile})
}

// PlanAgentImage is AgentImage without writing any file but the state.
func (i *Installer) PlanAgentImage(ctx context.Context) (AgentImage, error) {
	return i.agentImage(ctx, nil)
}

func (i *Installer) agentImage(ctx context.Context, write []asset.Ref) (AgentImage, error) {
	def, err := i.settleDefinition(ctx)
	defer i.store.Keep(nil)
	if err != nil {
		return AgentImage{}, err
	}
	r, err := i.run(ctx, write, imageNeeds...)
	if err != nil {
		return AgentImage{}, err
	}
	in, a, acc := asset.Of(r, Config), asset.Of(r, AgentConfig), asset.Of(r, access)
	image := AgentImage{
		Config: in.InstallConfig, Agent: a.Config.WithoutHosts(), Rendezvous: asset.Of(r, RendezvousIP),
		Access:       WatcherAccess{asset.Of(r, RendezvousIP), acc.CA, acc.Watcher, acc.Expires},
		Plan:         asset.Of(r, Plan),
		ReleaseImage: asset.Of(r, ReleaseImage), ReleaseVersion: asset.Of(r, ReleaseVersion),
	}
	for _, h := range a.Inventory.Hosts {
		for at := range typesagent.Addresses(h.NetworkConfig) {
			if at.IP == image.Rendezvous {
				image.RendezvousHost = h.Hostname
			}
		}
	}
	configs := map[string][]byte{agent.BootstrapIgnition: asset.Of(r, AgentBootstrapIgnition)}
	for name, files := range map[string]asset.Files{
		agent.MasterIgnition: asset.Of(r, MasterIgnition), agent.ArbiterIgnition: asset.Of(r, ArbiterIgnition),
		agent.WorkerIgnition: asset.Of(r, WorkerIgnition),
	} {
		if len(files) > 0 {
			configs[name] = files[0].Data
		}
	}
	conf := agentConfigOf(in, def, a.Inventory, acc)
	conf.Rendezvous, conf.InfraID = image.Rendezvous, asset.Of(r, InfraID)
	conf.ReleaseImage, conf.Version = image.ReleaseImage, asset.Of(r, Version)
	conf.Image = asset.Of(r, imageName)
	image.Live = live.Inputs{
		Agent: conf, Configs: configs, Keyfiles: def.Keyfiles, Registries: def.RegistriesConf(), Bundle: def.Authorities(),
		PullSecret: def.PullSecret, Proxy: def.InfraEnv.Spec.Proxy, SSHKeys: def.SSHKeys(),
	}
	return image, nil
}

// RegisterHosts makes the hosts of this installation register themselves, as with Deps.AgentBased. It is for platforms
// on which they always do, which are not known before the install-config is read. Roles are those of the hosts that the
// installer starts, by name; there are no others.
func (i *Installer) RegisterHosts(roles map[string]string) {
	asset.Set(i.store, AgentBased, true)
	if len(roles) > 0 {
		asset.Set(i.store, startedRoles, roles)
	}
}

// RenewAgentAccess makes the next image have a name, a certificate and tokens of its own. Until it
// is made, those of the last one count.
func (i *Installer) RenewAgentAccess() error {
	n, _, err := asset.Recall(i.store, AgentGeneration)
	if err == nil {
		err = asset.Remember(i.store, AgentGeneration, n+1)
	}
	if err != nil {
		return fmt.Errorf("renew the certificates of the image: %w", err)
	}
	asset.Set(i.store, AgentGeneration, n+1)
	return nil
}

// agentConfigOf is what the node agent is told.
func agentConfigOf(in Input, def definition, inv typesagent.Inventory, acc agentAccess) agent.Config {
	c := agent.Config{
		ClusterName: in.Metadata.Name, BaseDomain: in.BaseDomain,
		CA: acc.CA, Certificate: acc.Certificate, Key: secret.New(acc.Key),
		AgentToken: acc.Agent, WatcherToken: acc.Watcher, Expires: acc.Expires,
		Masters: in.Masters(), Arbiters: in.Arbiters(), Workers: in.Workers(),
		MachineNetworks: in.Networking.MachineCIDRs(), OtherNetworks: slices.Clone(in.Networking.ServiceNetwork),
		APIVIPs: in.APIVIPs(), IngressVIPs: in.IngressVIPs(),
		NTPSources: def.InfraEnv.Spec.AdditionalNTPSources,
	}
	c.InPlace = in.Masters() == 1
	c.ResolvedByOthers = len(c.APIVIPs) == 0 || in.LoadBalancerType() == vips.UserManaged
	for _, pods := range in.Networking.ClusterNetwork {
		c.OtherNetworks = append(c.OtherNetworks, pods.CIDR)
	}
	for _, h := range inv.Hosts {
		host := agent.Host{Hostname: h.Hostname, Role: h.Role, Hints: h.RootDeviceHints}
		for _, nic := range h.Interfaces {
			host.MACs = append(host.MACs, values.PlainMAC(nic.MACAddress))
		}
		c.Hosts = append(c.Hosts, host)
	}
	return c
}

// errNoRendezvous says that nothing names the host that bootstraps the cluster.
var errNoRendezvous = exit.With(exit.Other, "set rendezvousIP in agent-config.yaml to the address that a host of the "+
	"control plane will have, or give one a static address in its networkConfig", errors.New("the "+
	"address of the host that bootstraps the cluster is not known: "+
	"agent-config.yaml has no rendezvousIP, and no host of the control plane has a static address"))

// settleDefinition reads the manifests, and sets what follows from the user's edits of them.
func (i *Installer) settleDefinition(ctx context.Context) (definition, error) {
	source := ClusterDefinition
	if i.given {
		source = GivenDefinition
	}
	r, err := i.run(ctx, nil, AgentConfig, ConfigFile, writtenConfig, ReleaseImage, ReleaseVersion, platforms,
		PlatformName, source)
	if err != nil {
		return definition{}, err
	}
	i.store.Keep(r)
	i.warn(asset.Of(r, AgentConfig).findings)
	def, inv := asset.Of(r, source), asset.Of(r, AgentConfig).Inventory
	ip := inv.RendezvousIP
	if !ip.IsValid() {
		ip = def.FirstAddress(func(nics []typesagent.Interface) bool { return isWorker(inv, nics) })
	}
	if !ip.IsValid() {
		return definition{}, errNoRendezvous
	}
	asset.Set(i.store, RendezvousIP, ip)
	if i.given {
		return def, nil
	}
	i.warn(def.findings)
	return def, i.redefine(r, def)
}

// redefine sets the install-config with the edits of the manifests.
func (i *Installer) redefine(r *asset.Result, def definition) error {
	if !asset.Edited(r, ClusterManifests) && !asset.Edited(r, MirrorFiles) {
		asset.Set(i.store, Redefined, nil)
		return nil
	}
	in, image := asset.Of(r, writtenConfig), asset.Of(r, ReleaseImage)
	manifests, err := renderClusterManifests(in, asset.Of(r, AgentConfig), image, asset.Of(r, ReleaseVersion))
	if err != nil {
		return err
	}
	generated := asset.Merge(manifests, clustermanifests.RenderMirrors(in.InstallConfig))
	before, err := define(asset.Of(r, platforms), generated, image)
	if err != nil {
		return err
	}
	text, err := clustermanifests.Redefine(asset.Of(r, ConfigFile), before.Definition, def.Definition,
		platformNames(asset.Of(r, platforms)))
	if err != nil {
		return err
	}
	asset.Set(i.store, Redefined, text)
	return nil
}

// isWorker reports whether interfaces are those of a host that cannot bootstrap the cluster.
func isWorker(inv typesagent.Inventory, nics []typesagent.Interface) bool {
	for _, h := range inv.Hosts {
		if h.Role == "" || h.Role == types.MasterPool {
			continue
		}
		for _, own := range h.Interfaces {
			same := func(nic typesagent.Interface) bool {
				return values.PlainMAC(nic.MACAddress) == values.PlainMAC(own.MACAddress)
			}
			if slices.ContainsFunc(nics, same) {
				return true
			}
		}
	}
	return false
}

// StoredAgentPlan is the plan of the last image. It fails with fs.ErrNotExist if none was made.
func StoredAgentPlan(dir string, key *seal.Key) (AgentPlan, error) {
	return asset.Stored(dir, key, Plan)
}
