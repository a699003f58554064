package diagnose

import (
	"context"
	"errors"
	"time"

	"github.com/okd-install/okd-install/pkg/analyze"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/gather"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/phase"
	"github.com/okd-install/okd-install/pkg/pki"
	"github.com/okd-install/okd-install/pkg/secret"
)

// Bundle is what a log bundle is gathered from.
type Bundle struct {
	Found
	// Only says that the user named the masters: others are left alone.
	Only bool
	API  *kube.Client // nil: the installer does not ask it
	// Keys are the installation's own, SSHKey the install-config's public key, KeyFiles those that the user names.
	Keys     pki.SSHKeys
	SSHKey   string
	KeyFiles []string
	Secrets  []secret.String // values that must not be in the bundle
}

// Gather makes the bundle and returns its path, also with an error if there is one nevertheless.
func (b Bundle) Gather(ctx context.Context, e *install.Env) (string, error) {
	o := gather.Options{
		Dir: e.Dir, Clock: e.Clock, Sink: e.Sink, Bootstrap: b.Bootstrap, Masters: b.Masters, Only: b.Only,
		Secrets: b.Secrets, Local: []string{e.Path(".openshift_install.log"), e.Path(phase.JournalName)},
	}
	if b.API != nil {
		o.API = b.API
	}
	if err := logins(ctx, e, &o, b.Keys, b.SSHKey, b.KeyFiles); err != nil {
		return "", err
	}
	b.warn(e)
	event.Info(e.Sink, "Gathering logs of the bootstrap host and the control plane")
	path, err := gather.Bootstrap(ctx, o)
	if path != "" {
		event.Info(e.Sink, "Log bundle written to "+path)
	}
	var incomplete *gather.Incomplete
	if !errors.As(err, &incomplete) {
		return path, err
	}
	event.Warn(e.Sink, incomplete.Error())
	if incomplete.Empty {
		return path, exit.New("name the hosts with --bootstrap and --master, and the key with --key",
			"neither the bootstrap host nor the API could be asked for logs")
	}
	return path, nil
}

// bundleBudget bounds the gathering of logs in the course of an installation.
const bundleBudget = 5 * time.Minute

// GatherNow makes the bundle in the course of an installation and returns its path. Not to get one is no failure.
func (b Bundle) GatherNow(ctx context.Context, e *install.Env) string {
	ctx, cancel := context.WithTimeout(ctx, bundleBudget)
	defer cancel()
	path, err := b.Gather(ctx, e)
	if err != nil {
		event.Warn(e.Sink, "The log bundle is not complete", "err", err)
	}
	return path
}

// analyzeBundle says in one line what a bundle shows.
func analyzeBundle(ctx context.Context, e *install.Env, path string) {
	r, err := analyze.Bundle(ctx, path)
	explain(e, r, err, "--file "+path)
}

// AfterFailure gathers a bundle of an installation that failed, and says what it shows.
func (b Bundle) AfterFailure(ctx context.Context, e *install.Env) {
	if path := b.GatherNow(ctx, e); path != "" {
		analyzeBundle(ctx, e, path)
	}
}
