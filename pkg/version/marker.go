package version

import "strings"

// `oc adm release extract` ties an installer to the release that it takes it out
// of: it looks for these three byte sequences in the program, which have to be
// there exactly once and exactly so, and overwrites their beginning with the
// pull spec, the version and the architecture, each ended by a NUL. The numbers
// of Xs are oc's.
var (
	imageMarker        = "\x00_RELEASE_IMAGE_LOCATION_\x00" + x50 + x50 + x50 + x50 + x50 + x50 + "\x00"
	versionMarker      = "\x00_RELEASE_VERSION_LOCATION_\x00" + x50 + x14 + "\x00"
	architectureMarker = "\x00_RELEASE_ARCHITECTURE_LOCATION_\x00" + x50 + x14 + "\x00"
)

const (
	x50 = "XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX"
	x14 = "XXXXXXXXXXXXXX"
)

// patched is what a marker was overwritten with, or other if it was not: a
// marker begins with a NUL, a value does not. It is not inlined, so that the
// compiler cannot decide the question at build time.
//
//go:noinline
func patched(marker, other string) string {
	value, _, terminated := strings.Cut(marker, "\x00")
	if value == "" || !terminated {
		return other
	}
	return value
}

// architecture shortens what oc writes, "linux/amd64" or "multi (linux/amd64)".
func architecture(value string) string {
	if strings.HasPrefix(value, "multi") {
		return "multi"
	}
	return strings.TrimPrefix(value, "linux/")
}
