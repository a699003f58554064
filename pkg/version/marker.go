package version

import "strings"

// `oc adm release extract` writes pull spec, version and architecture of a release into the installer that it
// extracts. It overwrites the beginning of these three byte sequences, each value ended by a NUL. Every sequence must
// be in the program exactly once, with the number of Xs that oc expects.
var (
	imageMarker        = "\x00_RELEASE_IMAGE_LOCATION_\x00" + x50 + x50 + x50 + x50 + x50 + x50 + "\x00"
	versionMarker      = "\x00_RELEASE_VERSION_LOCATION_\x00" + x50 + x14 + "\x00"
	architectureMarker = "\x00_RELEASE_ARCHITECTURE_LOCATION_\x00" + x50 + x14 + "\x00"
)

const (
	x50 = "XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX"
	x14 = "XXXXXXXXXXXXXX"
)

// patched returns the value in a marker, or other if there is none: a marker begins with a NUL, a value does not. It
// must not be inlined, or the compiler would evaluate it at build time.
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
