package ign

import (
	"errors"
	"fmt"
	"mime"
	"strings"

	"github.com/coreos/go-semver/semver"
)

// MediaType is what Ignition asks for.
const MediaType = "application/vnd.coreos.ignition+json"

// Version is a spec version without its patch level.
type Version struct{ Major, Minor int64 }

func (v Version) String() string { return fmt.Sprintf("%d.%d.0", v.Major, v.Minor) }

// The oldest and newest specs that are served; between 2.2 and 3.1 there is none.
var (
	Legacy = Version{2, 2}
	Newest = Version{3, 5}
)

// ErrTooNew means that a machine wants a spec that this release does not know.
var ErrTooNew = errors.New("requested Ignition spec is newer than this release knows")

// Negotiate finds the spec for an Accept header by the first entry of Ignition's
// media type; a client without one is older than negotiation.
func Negotiate(accept string) (Version, error) {
	for _, entry := range strings.Split(accept, ",") {
		kind, params, err := mime.ParseMediaType(entry)
		if err != nil || kind != MediaType {
			continue
		}
		want, err := semver.NewVersion(params["version"])
		switch {
		case err != nil:
			return Legacy, nil
		case want.Major > Newest.Major, want.Major == Newest.Major && want.Minor > Newest.Minor:
			return Version{}, fmt.Errorf("serve Ignition spec %s: %w (newest is %s)", want, ErrTooNew, Newest)
		case want.Major == 3 && want.Minor >= 1:
			return Version{want.Major, want.Minor}, nil
		}
		return Legacy, nil
	}
	return Legacy, nil
}
