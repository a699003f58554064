// Package releases finds the release to install. It has release list, release info and coreos print-stream-json.
package releases

import (
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/release"
	"github.com/okd-install/okd-install/pkg/types"
)

// Options are the flags that choose a release and where to look; the environment and defaults replace empty ones.
type Options struct {
	Want           string // VERSION, latest or PULLSPEC
	Channel        string
	UpdateService  string // URL of the graph
	Repository     string
	SignatureStore string // URL
	Key            string // file with the public keys of those who may sign
}

// finder looks for releases in one run.
type finder struct {
	*install.Env
	Options
}

// registry is Reach for an install-config that may be nil: then the logins of this host are used.
func registry(cfg *types.InstallConfig) release.Options {
	if cfg == nil {
		return release.Options{HostLogins: true}
	}
	return Reach(cfg)
}

// Reach is how the install-config says that images are to be reached.
func Reach(cfg *types.InstallConfig) release.Options {
	opts := release.Options{PullSecret: cfg.PullSecret, TrustBundle: []byte(cfg.AdditionalTrustBundle)}
	for _, s := range cfg.Mirrors() {
		opts.Mirrors = append(opts.Mirrors, release.Mirror{
			Source: s.Source, Mirrors: s.Mirrors, Only: s.SourcePolicy == "NeverContactSource",
		})
	}
	return opts
}
