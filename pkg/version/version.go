// Package version says what was built, and for which release.
package version

// Set by the linker.
var (
	// Version is the version of the source. Use String: the release that the
	// program was taken out of wins.
	Version = "unreleased"
	// Commit is the commit of the source.
	Commit = "unknown"
	// ReleaseImage is the pull spec that a build installs unless told
	// otherwise, empty in builds that are not tied to a release. Use Release.
	ReleaseImage = ""
)

// Architecture is the architecture of the machines that this build installs.
const Architecture = "amd64"

// String is the version of the release that the program came with or, for a
// build of its own, of the source.
func String() string { return patched(versionMarker, Version) }

// Release is the pull spec of the release that the program installs unless told
// otherwise, empty if it is not tied to one.
func Release() string { return patched(imageMarker, ReleaseImage) }

// ReleaseArchitecture is "multi" or an architecture such as "amd64".
func ReleaseArchitecture() string {
	return architecture(patched(architectureMarker, Architecture))
}

// ReleaseVersion is the version of the release that the program was taken out of,
// empty for a build of its own.
func ReleaseVersion() string { return patched(versionMarker, "") }
