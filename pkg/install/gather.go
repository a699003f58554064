package install

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
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
func (c *creation) gather(ctx context.Context, o GatherOptions) (string, error) {
	hosts, err := c.bootstrapHosts(ctx)
	if err != nil {
		event.Debug(c.app.Sink, "look for the bootstrap host", "err", err)
	}
	found, _ := c.machines(ctx) // without them the masters are those that the API lists
	if o.Bootstrap != "" {
		hosts = []string{o.Bootstrap}
	}
	if len(o.Masters) == 0 {
		o.Masters = addressesOf(found, "master")
	}
	return c.app.bundle(ctx, gather.Options{
		Bootstrap: hosts, Masters: o.Masters, SSH: c.ssh(), API: c.api,
		Secrets: []secret.String{c.cluster.KubeadminPassword},
	}, o.Keys)
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
	opts := gather.Options{Masters: o.Masters, SSH: a.login(ctx, keys, o)}
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
	if opts.Bootstrap = []string{o.Bootstrap}; o.Bootstrap == "" {
		opts.Bootstrap, opts.Masters = a.findHosts(ctx, opts.API, o.Masters)
	}
	path, err := a.bundle(ctx, opts, o.Keys)
	if path != "" && !o.SkipAnalysis {
		r, err := analyze.Bundle(ctx, path)
		a.explain(r, err, "--file "+path)
	}
	return err
}

// login is how to log in to the hosts: with the key that the installation made,
// those of the flags and those of the user's agent; without any of them, with
// those that ssh would take.
func (a *App) login(ctx context.Context, keys pki.SSHKeys, o GatherOptions) sshclient.Config {
	home := a.Getenv("HOME")
	cfg := sshclient.Config{
		HostKey:    keys.Host.AuthorizedKey,
		KnownHosts: []string{filepath.Join(home, ".ssh", "known_hosts")},
		Unknown: func(addr, fingerprint string) error {
			event.Warn(a.Sink, "Nobody knows the key of host "+addr+" ("+fingerprint+"): it is taken for what it says it is")
			return nil
		},
	}
	if agent := sshclient.UserAgent(ctx, a.Getenv); agent != nil {
		cfg.Agent = agent
	}
	if len(keys.User.PrivatePEM) > 0 {
		cfg.Keys = append(cfg.Keys, keys.User.PrivatePEM)
	}
	if len(cfg.Keys) > 0 || len(o.Keys) > 0 || cfg.Agent != nil {
		return cfg
	}
	for _, name := range []string{"id_ed25519", "id_ecdsa", "id_rsa"} {
		key, err := os.ReadFile(filepath.Join(home, ".ssh", name))
		if err == nil && sshclient.Usable(key) {
			cfg.Keys = append(cfg.Keys, key)
		}
	}
	return cfg
}

// findHosts looks for the bootstrap host where it may be: what the environment
// says, the platform, the API's record of etcd members, DNS. Where the cluster
// has virtual addresses, the bootstrap host has the API's until the masters take
// over.
func (a *App) findHosts(ctx context.Context, api gather.API, masters []string) (bootstrapHosts, masterHosts []string) {
	meta, err := a.identify("")
	var found []machines.Machine
	byHand := false
	if err == nil {
		var p platform
		if p, err = a.connect(ctx, platformOf(meta)); err == nil {
			byHand = p.byHand && platformOf(meta) != types.PlatformBareMetal // that has virtual addresses
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
	if len(masters) == 0 {
		masters = addressesOf(found, "master")
	}
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
func (a *App) bundle(ctx context.Context, o gather.Options, keys []string) (string, error) {
	for _, file := range keys {
		key, err := os.ReadFile(file)
		if err != nil {
			return "", fmt.Errorf("read SSH key: %w", err)
		}
		o.SSH.Keys = append(o.SSH.Keys, key)
	}
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
