package release

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/okd-install/okd-install/pkg/pullsecret"
	"github.com/okd-install/okd-install/pkg/secret"
)

// remoteOptions returns the transport and the options of the registry client.
func remoteOptions(opts Options) (http.RoundTripper, []remote.Option, error) {
	logins, err := parsePullSecret(opts.PullSecret)
	if err != nil {
		return nil, nil, err
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if len(opts.TrustBundle) > 0 && !roots.AppendCertsFromPEM(opts.TrustBundle) {
		return nil, nil, errors.New("the trust bundle has no certificate")
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
	return httpsOnly{transport}, []remote.Option{
		remote.WithAuthFromKeychain(keys),
		remote.WithPlatform(v1.Platform{OS: "linux", Architecture: opts.Architecture}),
		remote.WithRetryBackoff(remote.Backoff{Duration: 300 * time.Millisecond, Factor: 2, Steps: 2}),
	}, nil
}

// httpsOnly forbids plain HTTP, which the client falls back to for private
// addresses: someone who blocks port 443 would get the login.
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

// Resolve takes the login with the longest matching path, as the container
// tools on the hosts do.
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

// candidates lists where to read an image from, in order. Mirrors are for digests
// only.
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

// under returns what follows source in a repository's name; false if the
// repository is not source or below it.
func under(repository, source string) (rest string, ok bool) {
	rest, ok = strings.CutPrefix(repository, source)
	return rest, ok && source != "" && (rest == "" || rest[0] == '/')
}
