// Package choose finds the release image of a version, in an update service and in the repository of releases.
package choose

import (
	"fmt"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/okd-install/okd-install/pkg/release/versions"
)

// Want is the release that the user asked for.
type Want struct {
	text  string
	spec  string // a pull spec
	exact string // a whole version
	minor *versions.Minor
	fits  func(versions.Version) bool // nil for a pull spec
}

// Latest asks for the newest stable release that this installer supports.
const Latest = "latest"

// Parse reads VERSION, latest or PULLSPEC. A short version, such as 5.0, asks for the newest stable one within it.
func Parse(text string) (Want, error) {
	w := Want{text: text}
	if m, ok := versions.ParseMinor(text); ok {
		w.minor = &m
		w.fits = func(v versions.Version) bool { return v.Minor() == m }
		return w, nil
	}
	if v, err := versions.Parse(text); err == nil {
		m := v.Minor()
		w.minor, w.exact = &m, text
		w.fits = func(other versions.Version) bool { return other.String() == text }
		if v.PreRelease == "" && v.Metadata == "" { // short: OKD's versions have a suffix
			w.fits = func(other versions.Version) bool { return other.Base() == text }
		}
		return w, nil
	}
	switch {
	case text == Latest:
		w.fits = func(v versions.Version) bool { return v.Minor().Supported() }
		return w, nil
	case strings.Contains(text, "/"):
		_, err := name.ParseReference(text)
		if err == nil && !strings.ContainsAny(text[strings.LastIndex(text, "/"):], ":@") {
			err = fmt.Errorf("it names neither a tag nor a digest")
		}
		if err != nil {
			return w, fmt.Errorf("%q is not a pull spec: %w", text, err)
		}
		w.spec = text
		return w, nil
	}
	return w, fmt.Errorf("%q is neither a version, as in 5.0 or 5.0.0-okd-scos.1, nor latest, "+
		"nor a pull spec, as in quay.io/okd/scos-release@sha256:0123abcd", text)
}

// String returns the text that was parsed.
func (w Want) String() string { return w.text }

// MetBy reports whether a release that was chosen before, for asked, still is what is wanted: for the same text,
// image or version, or a version that begins with the one wanted.
func (w Want) MetBy(asked, version, pullSpec string) bool {
	if w.text == asked || w.text == pullSpec {
		return true
	}
	if w.spec != "" {
		_, digest, _ := strings.Cut(pullSpec, "@")
		return digest != "" && strings.HasSuffix(w.spec, "@"+digest)
	}
	v, err := versions.Parse(version)
	return err == nil && w.text != Latest && w.fits(v) && (!v.Candidate() || w.text == version)
}

// stable reports whether v is stable, or a candidate that was asked for by its whole version.
func (w Want) stable(v versions.Version) bool { return !v.Candidate() || v.String() == w.text }
