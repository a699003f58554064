// Package diagnose finds out why an installation does not get on: it knows where the hosts are, gathers log bundles,
// looks at the cluster, and has it all analyzed. gather bootstrap and analyze are its commands.
package diagnose

import (
	"context"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/gather"
	"github.com/okd-install/okd-install/pkg/handoff"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/types"
)

// Hosts are the places that know where the hosts of an installation are. What is empty or nil is not asked.
type Hosts struct {
	// Named is the address of the bootstrap host that the user gives.
	Named string
	// Machines asks the platform for the cluster's machines.
	Machines func(ctx context.Context) ([]machines.Machine, error)
	// Planned are the names of the masters that there should be.
	Planned []string
	Config  *types.InstallConfig
	// API is asked where etcd's first member is.
	API *kube.Client
	// VirtualAddresses says that the bootstrap host has the API's address until the masters take over.
	VirtualAddresses bool
}

// Found is where the hosts may be.
type Found struct {
	Bootstrap []string
	Masters   []gather.Host
	// Platform is why the platform does not say; nil if it does.
	Platform error
}

// Find asks everywhere.
func (h Hosts) Find(ctx context.Context) Found {
	var f Found
	var known []machines.Machine
	if h.Machines != nil {
		known, f.Platform = h.Machines(ctx)
	}
	f.Masters = mastersOf(known, h.Planned, h.Config)
	if h.Named != "" {
		f.Bootstrap = append(f.Bootstrap, h.Named)
	}
	f.Bootstrap = append(f.Bootstrap, addressesOf(known, machines.Bootstrap)...)
	if h.API == nil {
		for _, vip := range h.Config.APIVIPs() {
			f.Bootstrap = append(f.Bootstrap, vip.String())
		}
		return f
	}
	if ip := handoff.BootstrapAddress(ctx, h.API); ip != "" {
		f.Bootstrap = append(f.Bootstrap, ip)
	}
	api := hostOf(h.API)
	if h.VirtualAddresses {
		f.Bootstrap = append(f.Bootstrap, api)
	} else if domain, isAPI := strings.CutPrefix(api, "api."); isAPI {
		// Users name the host as the documentation does.
		if there, _ := install.LookUp(ctx, "bootstrap."+domain); len(there) > 0 {
			f.Bootstrap = append(f.Bootstrap, "bootstrap."+domain)
		}
	}
	return f
}

// warn says that the platform was no help: then the masters are those that the API lists.
func (f Found) warn(e *install.Env) {
	if f.Platform != nil {
		event.Warn(e.Sink, "The platform does not say where the hosts are", "err", f.Platform)
	}
}

// Guess is where the bootstrap host may be as far as nobody has to be asked.
func (h Hosts) Guess() []string {
	var hosts []string
	if h.Named != "" {
		hosts = append(hosts, h.Named)
	}
	if h.API != nil {
		hosts = append(hosts, hostOf(h.API))
	}
	return hosts
}

func hostOf(api *kube.Client) string {
	u, err := url.Parse(api.URL())
	if err != nil {
		return api.URL()
	}
	return u.Hostname()
}

// hostsOf are the places that the directory of an installation leads to.
func hostsOf(e *install.Env, api *kube.Client, cfg *types.InstallConfig, planned []string) Hosts {
	h := Hosts{
		Named: e.Getenv(install.EnvBootstrapIP), Config: cfg, API: api, Planned: planned, VirtualAddresses: true,
	}
	cluster, err := e.Identify("")
	var platform machines.Platform
	if err == nil {
		platform, err = e.Platforms.Find(cluster.Platform)
	}
	if err != nil {
		h.Machines = func(context.Context) ([]machines.Machine, error) { return nil, err }
		return h
	}
	h.VirtualAddresses = platform.VirtualAddresses
	if platform.SelfInstalling {
		return h.rendezvous(e)
	}
	if platform.ByHand {
		h.Planned = nil // the machines are the user's, and so are their names
	}
	h.Machines = func(ctx context.Context) ([]machines.Machine, error) {
		connected, err := platform.Connect(ctx, e.Access())
		if err != nil {
			return nil, err
		}
		return connected(event.Discard, nil).Machines(ctx, cluster.InfraID)
	}
	return h
}

// rendezvous adds what the state says where machines install themselves. Their controllers know no addresses.
func (h Hosts) rendezvous(e *install.Env) Hosts {
	h.Planned = nil
	key, err := e.StateKey()
	if err != nil {
		return h // told where the key is needed
	}
	if access, err := assets.StoredWatcher(e.Dir, key); err == nil && h.Named == "" {
		h.Named = access.Rendezvous.String()
	}
	return h
}

func addressesOf(found []machines.Machine, role string) []string {
	var out []string
	for _, m := range found {
		if m.Role != role {
			continue
		}
		for _, addr := range m.Addresses {
			out = append(out, addr.String())
		}
	}
	return out
}

// mastersOf are the hosts of the control plane: the machines that the platform has, and those that should be there.
// Of the addresses that a guest reports, those in the machine networks are its own; what containers have is the same
// on every host.
func mastersOf(found []machines.Machine, planned []string, cfg *types.InstallConfig) []gather.Host {
	virtual := slices.Concat(cfg.APIVIPs(), cfg.IngressVIPs())
	var networks []netip.Prefix
	if cfg.Networking != nil {
		networks = cfg.Networking.MachineCIDRs()
	}
	own := func(addr netip.Addr) bool {
		inside := func(p netip.Prefix) bool { return p.Contains(addr) }
		return (len(networks) == 0 || slices.ContainsFunc(networks, inside)) && !slices.Contains(virtual, addr)
	}
	var out []gather.Host
	for _, m := range found {
		if m.Role != types.MasterPool {
			continue
		}
		h := gather.Host{Name: m.Name}
		for _, addr := range m.Addresses {
			if own(addr) {
				h.Addresses = append(h.Addresses, addr.String())
			}
		}
		out = append(out, h)
	}
	for _, name := range planned {
		if !slices.ContainsFunc(out, func(h gather.Host) bool { return h.Name == name }) {
			out = append(out, gather.Host{Name: name})
		}
	}
	return out
}
