package install

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/analyze"
	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/gather"
	"github.com/okd-install/okd-install/pkg/handoff"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/phase"
	"github.com/okd-install/okd-install/pkg/pki"
	"github.com/okd-install/okd-install/pkg/platforms"
	metalconfig "github.com/okd-install/okd-install/pkg/platforms/baremetal/config"
	ovirtconfig "github.com/okd-install/okd-install/pkg/platforms/ovirt/config"
	"github.com/okd-install/okd-install/pkg/secret"
	"github.com/okd-install/okd-install/pkg/sshclient"
	"github.com/okd-install/okd-install/pkg/types"
)

// GatherOptions are the flags of gather bootstrap.
type GatherOptions struct {
	Bootstrap    string
	Masters      []string
	Keys         []string // files
	SkipAnalysis bool
}

// gather collects a bundle in the course of create cluster.
func (c *creation) gather(ctx context.Context) (string, error) {
	hosts, err := c.bootstrapHosts(ctx)
	if err != nil {
		event.Debug(c.app.Sink, "look for the bootstrap host", "err", err)
	}
	found, err := c.machines(ctx)
	if err != nil { // then the masters are those that the API lists
		event.Warn(c.app.Sink, "The platform does not say where the masters are", "err", err)
	}
	var planned []string
	for _, m := range c.cluster.Machines {
		if m.Role == types.MasterPool {
			planned = append(planned, m.Name)
		}
	}
	o := gather.Options{Bootstrap: hosts, Masters: mastersOf(found, planned, c.cluster.Config), API: c.api,
		Secrets: []secret.String{c.cluster.KubeadminPassword}}
	if err := c.app.logins(ctx, &o, c.cluster.SSH, c.cluster.Config, nil); err != nil {
		return "", err
	}
	return c.app.bundle(ctx, o)
}

// GatherBootstrap collects a bundle from what a directory remembers and from
// what the flags say.
func (a *App) GatherBootstrap(ctx context.Context, o GatherOptions) error {
	stateKey, err := a.stateKey()
	if err != nil {
		return err
	}
	keys, err := assets.StoredSSH(a.Dir, stateKey)
	if sealed := (*asset.StateError)(nil); errors.As(err, &sealed) && len(o.Keys) == 0 {
		return a.classify(err)
	}
	if err != nil && o.Bootstrap == "" {
		return &Failure{Code: ExitOther, Next: "give --bootstrap, --master and --key, or the directory of the installation with --dir",
			Err: fmt.Errorf("find the bootstrap host: %w", err)}
	}
	cfg, err := assets.StoredConfig(a.Dir, stateKey, platforms.Kinds())
	if err != nil { // nothing but flags, then
		event.Debug(a.Sink, "read the install-config of the installation", "err", err)
		cfg = &types.InstallConfig{}
	}
	var opts gather.Options
	if err := a.logins(ctx, &opts, keys, cfg, o.Keys); err != nil {
		return err
	}
	if kubeconfig, err := os.ReadFile(a.path(kubeconfigFile)); err == nil {
		api, err := kube.Dial(kubeconfig)
		if err != nil {
			return err
		}
		opts.API = api
	}
	if password, err := assets.StoredPassword(a.Dir, stateKey); err == nil {
		a.Hide(password)
		opts.Secrets = append(opts.Secrets, password)
	}
	if o.Bootstrap == "" || len(o.Masters) == 0 {
		planned, _ := assets.StoredMasters(a.Dir, stateKey) // nobody knows them without a state
		opts.Bootstrap, opts.Masters = a.findHosts(ctx, opts.API, cfg, planned)
	}
	if o.Bootstrap != "" {
		opts.Bootstrap = []string{o.Bootstrap}
	}
	if len(o.Masters) > 0 {
		opts.Masters, opts.Only = nil, true
		for _, address := range o.Masters {
			opts.Masters = append(opts.Masters, gather.Host{Addresses: []string{address}})
		}
	}
	path, err := a.bundle(ctx, opts)
	if path != "" && !o.SkipAnalysis {
		r, err := analyze.Bundle(ctx, path)
		a.explain(r, err, "--file "+path)
	}
	return err
}

// logins says how to log in to the hosts: to the bootstrap host with the key
// that the installation made for it, to the masters with the private half of the
// install-config's sshKey, to both with what files and the user's agent hold.
func (a *App) logins(ctx context.Context, o *gather.Options, made pki.SSHKeys, cfg *types.InstallConfig, files []string) error {
	search := sshclient.Search{Wanted: lines(cfg.SSHKey), Files: files}
	var known []string
	if home := a.Getenv("HOME"); home != "" {
		search.Dir, known = filepath.Join(home, ".ssh"), []string{filepath.Join(home, ".ssh", "known_hosts")}
	}
	if agent := sshclient.UserAgent(ctx, a.Getenv); agent != nil {
		search.Agent = agent
	}
	found, err := search.Find()
	if err != nil {
		return err
	}
	o.MasterSSH = sshclient.Config{
		Keys: found.Keys, Agent: search.Agent, Wanted: search.Wanted, KnownHosts: known,
		// What comes back is only read, and nothing is lent to the host.
		Unknown: func(addr, fingerprint string) error {
			event.Debug(a.Sink, "nobody knows the key of host "+addr+" ("+fingerprint+"): it is taken for what it says it is")
			return nil
		},
	}
	o.NoKey = found.Missing
	o.SSH = o.MasterSSH
	o.SSH.HostKey = made.Host.AuthorizedKey
	o.SSH.Unknown = func(addr, fingerprint string) error {
		event.Warn(a.Sink, "Nobody knows the key of host "+addr+" ("+fingerprint+"): it is taken for what it says it is")
		return nil
	}
	if own := made.User; len(own.PrivatePEM) > 0 {
		o.SSH.Keys = append([][]byte{own.PrivatePEM}, found.Keys...)
		o.SSH.Wanted = append([]string{own.AuthorizedKey}, search.Wanted...)
	}
	return nil
}

func lines(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' })
}

// mastersOf are the hosts of the control plane: the machines that the platform
// has, and those that should be there. Of the addresses that a guest reports,
// those in the machine networks are its own; what containers have is the same
// on every host.
func mastersOf(found []machines.Machine, planned []string, cfg *types.InstallConfig) []gather.Host {
	virtual := slices.Concat(cfg.APIVIPs(), cfg.IngressVIPs())
	var networks []netip.Prefix
	if cfg.Networking != nil {
		networks = cfg.Networking.MachineCIDRs()
	}
	var out []gather.Host
	for _, m := range found {
		if m.Role != types.MasterPool {
			continue
		}
		h := gather.Host{Name: m.Name}
		for _, addr := range m.Addresses {
			inside := len(networks) == 0 || slices.ContainsFunc(networks, func(p netip.Prefix) bool { return p.Contains(addr) })
			if inside && !slices.Contains(virtual, addr) {
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

// findHosts looks for the bootstrap host where it may be: what the environment
// says, the platform, the API's record of etcd members, DNS. Where the cluster
// has virtual addresses, the bootstrap host has the API's until the masters take
// over. The masters are those of the platform, and those that it should have.
func (a *App) findHosts(ctx context.Context, api gather.API, cfg *types.InstallConfig, planned []string) (bootstrapHosts []string, masters []gather.Host) {
	meta, err := a.identify("")
	var found []machines.Machine
	byHand := false
	if err == nil {
		var p platform
		if p, err = a.connect(ctx, platformOf(meta)); err == nil {
			byHand = p.byHand && platformOf(meta) != metalconfig.Name // that has virtual addresses
			found, err = p.provider(event.Discard, nil).Machines(ctx, meta.InfraID)
		}
	}
	if err != nil {
		event.Warn(a.Sink, "The platform does not say where the hosts are", "err", err)
	}
	if ip := a.Getenv(envBootstrapIP); ip != "" {
		bootstrapHosts = append(bootstrapHosts, ip)
	}
	bootstrapHosts = append(bootstrapHosts, addressesOf(found, "bootstrap")...)
	if platformOf(meta) != ovirtconfig.Name {
		planned = nil // the machines are the user's, and so are their names
	}
	masters = mastersOf(found, planned, cfg)
	client, _ := api.(*kube.Client)
	if client == nil {
		return bootstrapHosts, masters
	}
	if ip := handoff.BootstrapAddress(ctx, client); ip != "" {
		bootstrapHosts = append(bootstrapHosts, ip)
	}
	u, err := url.Parse(client.URL())
	if err != nil {
		return bootstrapHosts, masters
	}
	if !byHand {
		bootstrapHosts = append(bootstrapHosts, u.Hostname())
	} else if domain, isAPI := strings.CutPrefix(u.Hostname(), "api."); isAPI {
		// Users name the host as the documentation does.
		if found, _ := lookUp(ctx, "bootstrap."+domain); len(found) > 0 {
			bootstrapHosts = append(bootstrapHosts, "bootstrap."+domain)
		}
	}
	return bootstrapHosts, masters
}

// bundle adds what every bundle has and makes it.
func (a *App) bundle(ctx context.Context, o gather.Options) (string, error) {
	o.Dir, o.Clock, o.Sink = a.Dir, a.Clock, a.Sink
	o.Local = []string{a.path(".openshift_install.log"), a.path(phase.JournalName)}
	event.Info(a.Sink, "Gathering logs of the bootstrap host and the control plane")
	path, err := gather.Bootstrap(ctx, o)
	if path != "" {
		event.Info(a.Sink, "Log bundle written to "+path)
	}
	var incomplete *gather.Incomplete
	if errors.As(err, &incomplete) {
		event.Warn(a.Sink, incomplete.Error())
		if incomplete.Empty {
			return path, &Failure{Code: ExitOther, Next: "name the hosts with --bootstrap and --master, and the key with --key",
				Err: errors.New("neither the bootstrap host nor the API could be asked for logs")}
		}
		return path, nil
	}
	return path, err
}
