package releases

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"os"

	"golang.org/x/net/http/httpproxy"

	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/osimage"
	"github.com/okd-install/okd-install/pkg/release"
	"github.com/okd-install/okd-install/pkg/release/choose"
	"github.com/okd-install/okd-install/pkg/release/signature"
	"github.com/okd-install/okd-install/pkg/release/updates"
	"github.com/okd-install/okd-install/pkg/types"
)

// Environment variables that name where releases are looked for: a site sets them once, a flag is for one command.
const (
	envUpdateService  = "OKD_INSTALL_UPDATE_SERVICE"
	envRepository     = "OKD_INSTALL_RELEASE_REPOSITORY"
	envSignatureStore = "OKD_INSTALL_SIGNATURE_STORE"
	envReleaseKey     = "OKD_INSTALL_RELEASE_KEY"
)

// keyFiles are looked for in the directory of the installation.
var keyFiles = []string{"release-key.asc", "release-key.gpg"}

// setting is what a flag says, else the environment, else the default.
func (f finder) setting(flag, variable, fallback string) string {
	return cmp.Or(flag, f.Getenv(variable), fallback)
}

// sources are where releases are looked for. The install-config, which may be nil, has the login, the authorities,
// the mirrors and, where the environment names no proxy, that.
func (f finder) sources(cfg *types.InstallConfig) (choose.Sources, error) {
	client, err := webClient(cfg)
	if err != nil {
		return choose.Sources{}, err
	}
	src := choose.Sources{
		Updates: updates.Service{
			URL: f.setting(f.UpdateService, envUpdateService, updates.DefaultURL), HTTP: client,
		},
		Repository: f.setting(f.Repository, envRepository, release.DefaultRepository),
		Registry:   registry(cfg), Channel: f.Channel,
	}
	if err := src.Updates.Check(); err != nil {
		return src, exit.With(exit.Other, "correct --update-service or "+envUpdateService, err)
	}
	if err := release.CheckRepository(src.Repository); err != nil {
		return src, exit.New("correct --release-repository or "+envRepository,
			"release repository %q: %w", src.Repository, err)
	}
	return src, nil
}

// webClient trusts what the install-config trusts.
func webClient(cfg *types.InstallConfig) (*http.Client, error) {
	var trust []byte
	if cfg != nil {
		trust = []byte(cfg.AdditionalTrustBundle)
	}
	return osimage.Client(trust, proxyOf(cfg))
}

// proxyOf is the proxy of this program's environment or, if that names none, of the cluster to be.
func proxyOf(cfg *types.InstallConfig) func(*http.Request) (*url.URL, error) {
	env := httpproxy.FromEnvironment()
	if cfg == nil || cfg.Proxy == nil || env.HTTPSProxy != "" || env.HTTPProxy != "" {
		return http.ProxyFromEnvironment
	}
	own := httpproxy.Config{
		HTTPProxy: cfg.Proxy.HTTPProxy, HTTPSProxy: cfg.Proxy.HTTPSProxy, NoProxy: cfg.Proxy.NoProxy,
	}
	through := own.ProxyFunc()
	return func(r *http.Request) (*url.URL, error) { return through(r.URL) }
}

// releaseKeys are the public keys of those who may sign releases, nil if none were given.
func (f finder) releaseKeys() (*signature.Keyring, error) {
	path := f.setting(f.Key, envReleaseKey, "")
	for _, name := range keyFiles {
		if _, err := os.Stat(f.Path(name)); path == "" && !errors.Is(err, fs.ErrNotExist) {
			path = f.Path(name)
		}
	}
	if path == "" {
		return nil, nil
	}
	ring, err := signature.Load(path)
	if err != nil {
		return nil, exit.With(exit.Other, "name the file with the OpenPGP public key of whoever signs the releases: "+
			"--release-key or "+envReleaseKey, err)
	}
	return &ring, nil
}

// verify looks for a signature of the image.
func (f finder) verify(
	ctx context.Context, cfg *types.InstallConfig, keys signature.Keyring, digest string,
) (signature.Signed, error) {
	client, err := webClient(cfg)
	if err != nil {
		return signature.Signed{}, err
	}
	store := signature.Store{
		URL: f.setting(f.SignatureStore, envSignatureStore, signature.DefaultStore), HTTP: client,
	}
	return store.Check(ctx, keys, digest, f.Clock)
}
