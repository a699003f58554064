package diagnose

import (
	"context"
	"errors"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/gather"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/types"
)

// GatherOptions are the flags of gather bootstrap.
type GatherOptions struct {
	Bootstrap    string
	Masters      []string
	Keys         []string // files
	SkipAnalysis bool
}

// GatherBootstrap is the command gather bootstrap: it makes a bundle of what directory and flags name.
func GatherBootstrap(ctx context.Context, e *install.Env, o GatherOptions) error {
	b, err := bundleOf(ctx, e, o)
	if err != nil {
		return err
	}
	path, err := b.Gather(ctx, e)
	if path != "" && !o.SkipAnalysis {
		analyzeBundle(ctx, e, path)
	}
	return err
}

func bundleOf(ctx context.Context, e *install.Env, o GatherOptions) (Bundle, error) {
	b := Bundle{KeyFiles: o.Keys}
	stateKey, err := e.StateKey()
	if err != nil {
		return b, err
	}
	b.Keys, err = assets.StoredSSH(e.Dir, stateKey)
	if sealed := (*asset.StateError)(nil); errors.As(err, &sealed) && len(o.Keys) == 0 {
		return b, e.Explain(err)
	}
	if err != nil && o.Bootstrap == "" {
		return b, exit.New("give --bootstrap, --master and --key, or the directory of the installation with --dir",
			"find the bootstrap host: %w", err)
	}
	cfg, err := assets.StoredConfig(e.Dir, stateKey, e.Platforms.Assets())
	if err != nil { // nothing but flags, then
		event.Debug(e.Sink, "read the install-config of the installation", "err", err)
		cfg = &types.InstallConfig{}
	}
	b.SSHKey = cfg.SSHKey
	if b.API, _, err = e.DialIfAny(); err != nil {
		return b, err
	}
	if password, err := assets.StoredPassword(e.Dir, stateKey); err == nil {
		e.Hide(password)
		b.Secrets = append(b.Secrets, password)
	}
	if o.Bootstrap == "" || len(o.Masters) == 0 {
		planned, _ := assets.StoredMasters(e.Dir, stateKey) // without a state they are not known
		b.Found = hostsOf(e, b.API, cfg, planned).Find(ctx)
	}
	if o.Bootstrap != "" {
		b.Bootstrap = []string{o.Bootstrap}
	}
	if len(o.Masters) > 0 {
		b.Masters, b.Only = nil, true
		for _, address := range o.Masters {
			b.Masters = append(b.Masters, gather.Host{Addresses: []string{address}})
		}
	}
	return b, nil
}
