// Package version has the version of the program and of its release.
package version

// Set by the linker.
var (
	// Version is the version of the source. Use String, which prefers that of the release.
	Version = "unreleased"
	// Commit is the commit of the source.
	Commit = "unknown"
	// ReleaseImage is the pull spec that a build installs by default, empty if it is not tied to a release. Use Release.
	ReleaseImage = ""
)

// Architecture is the architecture of the machines that this build installs.
const Architecture = "amd64"

// String is the version of the release that the program was extracted from, otherwise that of the source.
func String() string { return patched(versionMarker, Version) }

// Release is the pull spec of the release that the program installs by default, empty if it is not tied to one.
func Release() string { return patched(imageMarker, ReleaseImage) }

// ReleaseArchitecture is "multi" or an architecture such as "amd64".
func ReleaseArchitecture() string {
	return architecture(patched(architectureMarker, Architecture))
}

// ReleaseVersion is the version of the release that the program was extracted from, empty otherwise.
func ReleaseVersion() string { return patched(versionMarker, "") }
