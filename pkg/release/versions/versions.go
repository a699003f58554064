// Package versions orders OKD versions, tells stable ones from candidates, and lists the supported minor versions.
package versions

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/coreos/go-semver/semver"
)

// supported lists the supported minor versions, the oldest first. 5.0 comes after 4.22.
var supported = []Minor{{4, 19}, {4, 20}, {4, 21}, {4, 22}, {5, 0}}

// Supported lists the minor versions that this installer supports, the newest first.
func Supported() []Minor {
	list := slices.Clone(supported)
	slices.Reverse(list)
	return list
}

// Minor is a minor version, such as 4.20.
type Minor struct{ Major, Minor int64 }

func (m Minor) String() string { return fmt.Sprintf("%d.%d", m.Major, m.Minor) }

// Since reports whether m is the other minor version or a later one.
func (m Minor) Since(other Minor) bool {
	return cmp.Or(cmp.Compare(m.Major, other.Major), cmp.Compare(m.Minor, other.Minor)) >= 0
}

// Supported reports whether this installer is made for the minor version.
func (m Minor) Supported() bool { return slices.Contains(supported, m) }

// Next returns the supported minor version after m, false if there is none.
func (m Minor) Next() (Minor, bool) {
	i := slices.Index(supported, m)
	if i < 0 || i+1 == len(supported) {
		return Minor{}, false
	}
	return supported[i+1], true
}

var minorText = regexp.MustCompile(`^(\d{1,4})\.(\d{1,4})$`)

// ParseMinor reads a minor version, such as 5.0; false if text is not one.
func ParseMinor(text string) (Minor, bool) {
	parts := minorText.FindStringSubmatch(text)
	if parts == nil {
		return Minor{}, false
	}
	major, _ := strconv.ParseInt(parts[1], 10, 64) // cannot fail after the pattern
	minor, _ := strconv.ParseInt(parts[2], 10, 64)
	return Minor{major, minor}, true
}

var minorPrefix = regexp.MustCompile(`^v?(\d{1,4}\.\d{1,4})(\D|$)`)

// MinorOf is the minor version of a version; false if text is none. Unlike Parse it takes what others call a release.
func MinorOf(text string) (Minor, bool) {
	m := minorPrefix.FindStringSubmatch(text)
	if m == nil {
		return Minor{}, false
	}
	return ParseMinor(m[1])
}

// Version is the version of a release, as in 5.0.0-okd-scos.1.
type Version struct {
	text string
	semver.Version
}

// Longest is the largest length of a version. Image tags have the same limit.
const Longest = 128

// Parse reads a version.
func Parse(text string) (Version, error) {
	if len(text) > Longest {
		return Version{}, fmt.Errorf("a version has at most %d characters", Longest)
	}
	v, err := semver.NewVersion(text)
	if err != nil || v.String() != text { // only the canonical form is accepted
		return Version{}, fmt.Errorf("%q is not a version like 5.0.0-okd-scos.1", text)
	}
	return Version{text, *v}, nil
}

func (v Version) String() string { return v.text }

// Minor is the minor version that v belongs to.
func (v Version) Minor() Minor { return Minor{v.Major, v.Version.Minor} }

// Base is the version without its suffix, such as 5.0.0.
func (v Version) Base() string {
	return fmt.Sprintf("%d.%d.%d", v.Major, v.Version.Minor, v.Patch)
}

var candidatePart = regexp.MustCompile(`^(ec|rc|fc|alpha|beta|nightly|ci|konflux)\d*$`)

// Candidate reports whether v is not stable. A suffix does not decide: OKD's stable versions have one (-okd-scos.1).
func (v Version) Candidate() bool {
	separator := func(r rune) bool { return r == '.' || r == '-' }
	return slices.ContainsFunc(strings.FieldsFunc(string(v.PreRelease), separator), candidatePart.MatchString)
}

// Compare orders versions: by their numbers, candidates before stable ones, then by the suffix.
func Compare(a, b Version) int {
	stable := 0
	if a.Candidate() != b.Candidate() {
		stable = 1
		if a.Candidate() {
			stable = -1
		}
	}
	return cmp.Or(cmp.Compare(a.Major, b.Major), cmp.Compare(a.Version.Minor, b.Version.Minor),
		cmp.Compare(a.Patch, b.Patch), stable, a.Version.Compare(b.Version), cmp.Compare(a.text, b.text))
}

// Newest returns the greatest version of a list that fits, false if none does.
func Newest(list []Version, fits func(Version) bool) (best Version, found bool) {
	for _, v := range list {
		if fits(v) && (!found || Compare(v, best) > 0) {
			best, found = v, true
		}
	}
	return best, found
}

// Nearest returns up to n versions of a list: the newest of the minor version m, else the newest stable ones.
func Nearest(list []Version, m Minor, n int) []Version {
	sorted := slices.Clone(list)
	slices.SortFunc(sorted, func(a, b Version) int { return Compare(b, a) })
	sorted = slices.CompactFunc(sorted, func(a, b Version) bool { return a.text == b.text })
	near := slices.DeleteFunc(slices.Clone(sorted), func(v Version) bool { return v.Minor() != m })
	if len(near) == 0 {
		near = slices.DeleteFunc(sorted, Version.Candidate)
	}
	return near[:min(n, len(near))]
}
