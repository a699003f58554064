package install

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"

	"github.com/okd-install/okd-install/pkg/analyze"
	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/gather"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/phase"
	"github.com/okd-install/okd-install/pkg/secret"
	"github.com/okd-install/okd-install/pkg/sshclient"
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

// GatherBootstrap collects a bundle from what a directory remembers.
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
	opts := gather.Options{Masters: o.Masters,
		SSH: sshclient.Config{Keys: [][]byte{keys.User.PrivatePEM}, HostKey: keys.Host.AuthorizedKey}}
	var apiHost []string // until the masters take over, the bootstrap host has the API's address
	if kubeconfig, err := os.ReadFile(a.path(kubeconfigFile)); err == nil {
		api, err := kube.Dial(kubeconfig)
		if err != nil {
			return err
		}
		opts.API = api
		if u, err := url.Parse(api.URL()); err == nil {
			apiHost = []string{u.Hostname()}
		}
	}
	if password, err := assets.StoredPassword(a.Dir, stateKey); err == nil {
		a.Hide(password)
		opts.Secrets = append(opts.Secrets, password)
	}
	if opts.Bootstrap = []string{o.Bootstrap}; o.Bootstrap == "" {
		opts.Bootstrap, opts.Masters = a.hostsOnPlatform(ctx, o.Masters)
		opts.Bootstrap = append(opts.Bootstrap, apiHost...)
	}
	path, err := a.bundle(ctx, opts, o.Keys)
	if err == nil && !o.SkipAnalysis {
		r, err := analyze.Bundle(ctx, path)
		a.explain(r, err, "--file "+path)
	}
	return err
}

// hostsOnPlatform asks the platform for the addresses of the hosts.
func (a *App) hostsOnPlatform(ctx context.Context, masters []string) (bootstrapHosts, masterHosts []string) {
	if ip := a.Getenv(envBootstrapIP); ip != "" {
		bootstrapHosts = append(bootstrapHosts, ip)
	}
	meta, err := a.identify("")
	var found []machines.Machine
	if err == nil {
		var p platform
		if p, err = a.connect(ctx, platformOf(meta)); err == nil {
			found, err = p.provider(event.Discard, nil).Machines(ctx, meta.InfraID)
		}
	}
	if err != nil {
		event.Warn(a.Sink, "The platform does not say where the hosts are", "err", err)
	}
	if len(masters) == 0 {
		masters = addressesOf(found, "master")
	}
	return append(bootstrapHosts, addressesOf(found, "bootstrap")...), masters
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
		event.Warn(a.Sink, incomplete.Error(), "cause", incomplete.Cause)
		return path, nil
	}
	return path, err
}
