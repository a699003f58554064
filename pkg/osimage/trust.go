package osimage

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/okd-install/okd-install/pkg/secret"
)

// AllowVar is the environment variable that names, separated by commas, the URLs
// and hosts from which an image may come although nothing vouches for it.
const AllowVar = "OKD_INSTALL_ALLOW_UNVERIFIED_IMAGE"

// ParseAllowed reads the variable's value.
func ParseAllowed(value string) []string {
	return strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' })
}

// Where is the artifact's URL to be shown, without what may be a secret in it.
func (a Artifact) Where() string { return secret.URL(a.URL) }

// verified reports whether somebody said what is in the file.
func (a Artifact) verified() bool { return a.SHA256 != "" || a.UncompressedSHA256 != "" }

// UnverifiedError says that whoever is on the way could replace the image, from
// which every machine of the cluster starts.
type UnverifiedError struct {
	Where string // to be shown
	Host  string
}

func (e *UnverifiedError) Error() string {
	return "OS image " + e.Where + " comes over plain http, and nobody says its checksum: anyone on the way could replace it"
}

// Next is what to do about it.
func (e *UnverifiedError) Next() string {
	return fmt.Sprintf("append ?sha256= and the checksum of the file to the URL, or use https; or allow it with %s=%s", AllowVar, e.Host)
}

// Vouched fails with *UnverifiedError if neither a checksum nor TLS vouches for
// the artifact and it is not among those that are allowed by URL or host.
func (a Artifact) Vouched(allowed []string) error {
	u, err := url.Parse(a.URL)
	if err != nil {
		return fmt.Errorf("OS image: %w", secret.WithoutURL(err))
	}
	return a.vouchedAt(u, allowed)
}

// vouchedAt is Vouched for the place that the artifact really comes from, which
// a server may have redirected to.
func (a Artifact) vouchedAt(u *url.URL, allowed []string) error {
	if a.verified() || u.Scheme != "http" {
		return nil
	}
	for _, name := range allowed {
		if name == u.Host || name == u.Hostname() || strings.Contains(name, "://") && bare(name) == bare(u.String()) {
			return nil
		}
	}
	return &UnverifiedError{Where: secret.URL(u.String()), Host: u.Host}
}

// bare is a URL without login, query and fragment.
func bare(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}
