package osimage

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/okd-install/okd-install/pkg/secret"
)

// AllowVar lists the URLs and hosts, separated by commas, from which an image may come over http without a checksum.
const AllowVar = "OKD_INSTALL_ALLOW_UNVERIFIED_IMAGE"

// ParseAllowed reads the variable's value.
func ParseAllowed(value string) []string {
	return strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' })
}

// Where is the artifact's URL for messages, with possible secrets hidden.
func (a Artifact) Where() string { return secret.URL(a.URL) }

func (a Artifact) hasChecksum() bool { return a.SHA256 != "" || a.UncompressedSHA256 != "" }

// UnverifiedError is the error for an image without a checksum over plain http, which others could replace.
type UnverifiedError struct {
	Where string // the URL for messages
	Host  string
}

func (e *UnverifiedError) Error() string {
	return "OS image " + e.Where + " comes over plain http without a checksum: " +
		"anyone on the network path could replace it"
}

// Next is what to do about it.
func (e *UnverifiedError) Next() string {
	return fmt.Sprintf("append ?sha256= and the checksum of the file to the URL, or use https; or allow it with %s=%s",
		AllowVar, e.Host)
}

// CheckTrust fails with *UnverifiedError if the artifact has no checksum, comes over http, and is not in allowed.
func (a Artifact) CheckTrust(allowed []string) error {
	u, err := url.Parse(a.URL)
	if err != nil {
		return fmt.Errorf("OS image: %w", secret.WithoutURL(err))
	}
	return a.checkTrustAt(u, allowed)
}

// checkTrustAt is CheckTrust for the URL that a server has redirected to.
func (a Artifact) checkTrustAt(u *url.URL, allowed []string) error {
	if a.hasChecksum() || u.Scheme != "http" {
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
