package ign

import (
	"errors"
	"fmt"
	"mime"
	"strconv"
	"strings"
)

// MediaType is what Ignition asks for.
const MediaType = "application/vnd.coreos.ignition+json"

// Version is a spec version without its patch level.
type Version struct{ Major, Minor int }

func (v Version) String() string { return fmt.Sprintf("%d.%d.0", v.Major, v.Minor) }

// The oldest and newest specs that can be served; between 2.2 and 3.1 there
// is none.
var (
	Legacy = Version{2, 2}
	Newest = Version{3, 5}
)

// ErrTooNew says that a machine wants a spec that this release does not know.
var ErrTooNew = errors.New("requested Ignition spec is newer than this release knows")

// Negotiate finds the spec for an Accept header. The first entry of
// Ignition's media type decides; an Accept header that is something else
// means a client from before negotiation, which gets the legacy spec.
func Negotiate(accept string) (Version, error) {
	for _, entry := range strings.Split(accept, ",") {
		kind, params, err := mime.ParseMediaType(entry)
		if err != nil || kind != MediaType {
			continue
		}
		want, err := parseVersion(params["version"])
		if err != nil {
			return Legacy, nil
		}
		switch {
		case want.Major > Newest.Major, want.Major == Newest.Major && want.Minor > Newest.Minor:
			return Version{}, fmt.Errorf("serve Ignition spec %s: %w (newest is %s)", params["version"], ErrTooNew, Newest)
		case want.Major == 3 && want.Minor >= 1:
			return want, nil
		default:
			return Legacy, nil
		}
	}
	return Legacy, nil
}

// parseVersion reads MAJOR.MINOR.PATCH with an optional pre-release suffix.
func parseVersion(s string) (Version, error) {
	s, _, _ = strings.Cut(s, "-")
	parts := strings.Split(s, ".")
	if len(parts) != 3 {
		return Version{}, fmt.Errorf("parse spec version %q: want MAJOR.MINOR.PATCH", s)
	}
	var n [3]int
	for i, p := range parts {
		v, err := strconv.ParseUint(p, 10, 16)
		if err != nil {
			return Version{}, fmt.Errorf("parse spec version %q: %w", s, err)
		}
		n[i] = int(v)
	}
	return Version{n[0], n[1]}, nil
}
