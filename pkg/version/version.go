// Package version says what was built. The variables are set by the linker.
package version

// Version and Commit identify the build.
var (
	Version = "unreleased"
	Commit  = "unknown"
)

// ReleaseImage is the pull spec that a build installs unless told otherwise.
// It is empty in builds that are not tied to a release.
var ReleaseImage = ""

// Architecture is the release architecture that this build installs.
const Architecture = "amd64"
