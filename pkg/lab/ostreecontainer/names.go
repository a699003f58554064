package ostreecontainer

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
)

// escape makes a name fit for a ref, as ostree's container support does:
// letters, digits, slashes and dashes stay, others become their number between
// underscores, and so does a slash after a slash.
func escape(s string) string {
	var b strings.Builder
	for i, c := range s {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-',
			c == '/' && i > 0 && s[i-1] != '/':
			b.WriteRune(c)
		case c == '_':
			b.WriteString("__")
		default:
			fmt.Fprintf(&b, "_%X_", c)
		}
	}
	return b.String()
}

// logins are the credentials of registries, by name.
type logins map[string]authn.AuthConfig

// readLogins reads a file as podman and docker have it.
func readLogins(path string) (logins, error) {
	if path == "" {
		return nil, nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read logins: %w", err)
	}
	var file struct {
		Auths logins `json:"auths"`
	}
	if err := json.Unmarshal(b, &file); err != nil {
		return nil, fmt.Errorf("read logins of %s: not as podman writes them", path) // the cause may quote a secret
	}
	return file.Auths, nil
}

// Resolve finds the login of a registry.
func (l logins) Resolve(r authn.Resource) (authn.Authenticator, error) {
	if c, ok := l[r.RegistryStr()]; ok {
		return authn.FromConfig(c), nil
	}
	return authn.Anonymous, nil
}
