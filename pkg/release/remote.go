package release

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/okd-install/okd-install/pkg/pullsecret"
	"github.com/okd-install/okd-install/pkg/secret"
	"github.com/okd-install/okd-install/pkg/version"
)

// client talks to registries.
type client struct {
	transport http.RoundTripper
	options   []remote.Option
	idle      time.Duration // how long a registry may be silent
}

func newClient(opts Options) (client, error) {
	logins, err := parsePullSecret(opts.PullSecret)
	if err != nil {
		return client{}, err
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if len(opts.TrustBundle) > 0 && !roots.AppendCertsFromPEM(opts.TrustBundle) {
		return client{}, errors.New("the trust bundle has no certificate")
	}
	transport := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		TLSClientConfig:       &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:   5 * time.Second,
		ResponseHeaderTimeout: 10 * time.Second,
		ForceAttemptHTTP2:     true,
	}
	var keys authn.Keychain = logins
	if opts.HostLogins {
		keys = authn.NewMultiKeychain(logins, authn.DefaultKeychain)
	}
	return client{httpsOnly{transport}, []remote.Option{
		remote.WithAuthFromKeychain(keys),
		remote.WithPlatform(v1.Platform{OS: "linux", Architecture: version.Architecture}),
		remote.WithRetryBackoff(remote.Backoff{Duration: 300 * time.Millisecond, Factor: 2, Steps: 2}),
	}, cmp.Or(opts.Timeout, 15*time.Second)}, nil
}

// do calls a registry, with a limit on its silence.
func (c client) do(ctx context.Context, call func(options []remote.Option) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silent := &idleError{c.idle}
	timer := time.AfterFunc(c.idle, func() { cancel(silent) })
	defer timer.Stop()
	more := func() { timer.Reset(c.idle) }
	err := call(append(slices.Clone(c.options), remote.WithContext(ctx),
		remote.WithTransport(idleTransport{c.transport, more})))
	if err != nil && errors.Is(context.Cause(ctx), silent) {
		return silent
	}
	return err
}

// httpsOnly forbids plain HTTP, which the client tries for private addresses: it would send the login in the clear.
type httpsOnly struct{ next http.RoundTripper }

var errPlain = errors.New("plain HTTP is not allowed")

func (h httpsOnly) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" {
		return nil, errPlain
	}
	return h.next.RoundTrip(r)
}

// logins are the logins of a pull secret by registry, with or without a path.
type logins map[string]authn.AuthConfig

// Resolve takes the login with the longest matching path, as the container tools on the hosts do.
func (l logins) Resolve(resource authn.Resource) (authn.Authenticator, error) {
	for key := resource.String(); key != ""; {
		if config, ok := l[key]; ok {
			return authn.FromConfig(config), nil
		}
		i := strings.LastIndexByte(key, '/')
		if i < 0 {
			break
		}
		key = key[:i]
	}
	return authn.Anonymous, nil
}

func parsePullSecret(raw secret.String) (logins, error) {
	out := logins{}
	if raw.IsZero() {
		return out, nil
	}
	var file struct {
		Auths map[string]struct{ Auth, Username, Password, IdentityToken, RegistryToken string }
	}
	// The decoder's error may quote the secret.
	if err := json.Unmarshal([]byte(raw.Reveal()), &file); err != nil {
		return nil, errors.New("the pull secret is not JSON of the form {\"auths\": {...}}")
	}
	for key, a := range file.Auths {
		host := registryKey(key)
		config := authn.AuthConfig{
			Username: a.Username, Password: a.Password, IdentityToken: a.IdentityToken, RegistryToken: a.RegistryToken,
		}
		if a.Auth != "" {
			user, password, ok := pullsecret.Decode(a.Auth)
			if !ok {
				continue // the hosts' pull secret does not have the entry either
			}
			config.Username, config.Password = user, password
		}
		out[host] = config
	}
	return out, nil
}

func registryKey(key string) string {
	key = strings.TrimPrefix(strings.TrimPrefix(key, "https://"), "http://")
	key = strings.TrimRight(key, "/")
	switch key {
	case "docker.io", "index.docker.io/v1", "registry-1.docker.io":
		return name.DefaultRegistry
	}
	return key
}

// candidates lists where to read an image from, in order. Mirrors are for digests only.
func candidates(ref name.Reference, mirrors []Mirror) []name.Reference {
	digest, ok := ref.(name.Digest)
	if !ok {
		return []name.Reference{ref}
	}
	var out []name.Reference
	only := false
	for _, m := range mirrors {
		rest, ok := under(ref.Context().Name(), strings.TrimRight(m.Source, "/"))
		if !ok {
			continue
		}
		only = only || m.Only
		for _, place := range m.Mirrors {
			if mirror, err := name.NewDigest(strings.TrimRight(place, "/") + rest + "@" + digest.DigestStr()); err == nil {
				out = append(out, mirror)
			}
		}
	}
	if !only {
		out = append(out, ref)
	}
	return out
}

// under returns what follows source in a repository's name; false if the repository is not source or below it.
func under(repository, source string) (rest string, ok bool) {
	rest, ok = strings.CutPrefix(repository, source)
	return rest, ok && source != "" && (rest == "" || rest[0] == '/')
}
