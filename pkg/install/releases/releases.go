// Package releases finds the release that is to be installed, and says what there
// is: release list, release info and coreos print-stream-json are its commands.
package releases

import (
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/release"
	"github.com/okd-install/okd-install/pkg/types"
)

// Options are the flags that say which release to install, and where such
// questions are asked. Empty ones are replaced by the environment and by defaults.
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
