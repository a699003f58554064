package choose

import (
	"errors"
	"fmt"
	"strings"

	"github.com/okd-install/okd-install/pkg/release"
	"github.com/okd-install/okd-install/pkg/release/updates"
	"github.com/okd-install/okd-install/pkg/release/versions"
)

// Error is the error for a release that was not found.
type Error struct {
	Asked      string
	Service    string
	Channels   []string // that were queried
	Repository string
	// The errors of the sources; errAbsent if a source has no such release.
	ServiceCause, RepositoryCause error
	Nearest                       []versions.Version
}

func (e *Error) Unwrap() []error { return []error{e.ServiceCause, e.RepositoryCause} }

// Absent reports whether both sources answered that they have no such release.
func (e *Error) Absent() bool {
	return errors.Is(e.ServiceCause, errAbsent) && errors.Is(e.RepositoryCause, errAbsent)
}

func (e *Error) Error() string {
	var out strings.Builder
	if e.Absent() {
		fmt.Fprintf(&out, "there is no release %s: neither the update service %s (channels %s) nor the repository %s has it",
			e.Asked, e.Service, strings.Join(e.Channels, ", "), e.Repository)
	} else {
		what := "the releases"
		if e.Asked != "" {
			what = "release " + e.Asked
		}
		fmt.Fprintf(&out, "%s could not be looked up: update service %s: %v; repository %s: %v",
			what, e.Service, e.ServiceCause, e.Repository, shortened(e.RepositoryCause))
	}
	separator := "; the nearest known: "
	for _, v := range e.Nearest {
		out.WriteString(separator + v.String())
		separator = ", "
	}
	return out.String()
}

// shortened drops what the message already says.
func shortened(err error) error {
	var failure *release.Error
	if errors.As(err, &failure) {
		return failure.Cause
	}
	return err
}

// Next is what to do about it.
func (e *Error) Next() string {
	if e.Absent() {
		example := ""
		if len(e.Nearest) > 0 {
			example = ", as in --release " + e.Nearest[0].String()
		}
		return "choose an existing release" + example + "; `okd-install release list` shows all"
	}
	var ways []string
	if e.Service == updates.DefaultURL {
		ways = append(ways, "name an update service of your site with --update-service URL (OKD_INSTALL_UPDATE_SERVICE)")
	} else {
		ways = append(ways, "check the update service's URL (--update-service, OKD_INSTALL_UPDATE_SERVICE), "+
			"its certificate (additionalTrustBundle) and the proxy")
	}
	if !errors.Is(e.RepositoryCause, errAbsent) {
		ways = append(ways, "name a reachable repository with --release-repository HOST/PATH "+
			"(OKD_INSTALL_RELEASE_REPOSITORY), with its login in pullSecret")
	}
	return "name the release by digest, which needs neither, as in --release " + e.Repository +
		"@sha256:0123abcd; or " + strings.Join(ways, ", and ")
}
