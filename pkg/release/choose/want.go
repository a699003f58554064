// Package choose finds the release image that a person means by a version, from an
// update service and from the repository in which releases are.
package choose

import (
	"fmt"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/okd-install/okd-install/pkg/release/versions"
)

// Want is what a person asked for.
type Want struct {
	text  string
	spec  string // a pull spec
	exact string // a version as it is
	minor *versions.Minor
	fits  func(versions.Version) bool // nil for a pull spec
}

// Latest asks for the newest stable release that this installer is made for.
const Latest = "latest"

// Parse reads VERSION, latest or PULLSPEC. A short version, as in 5.0 or 5.0.1,
// means the newest stable one that begins with it.
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
		if v.PreRelease == "" && v.Metadata == "" { // short, as OKD's have a suffix
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
			return w, fmt.Errorf("%q is no pull spec of an image: %w", text, err)
		}
		w.spec = text
		return w, nil
	}
	return w, fmt.Errorf("%q is neither a version, as in 5.0 or 5.0.0-okd-scos.1, nor latest, nor a pull spec, as in quay.io/okd/scos-release@sha256:0123abcd", text)
}

// String is what the person wrote.
func (w Want) String() string { return w.text }

// MetBy reports whether a release that was chosen before is still what is asked
// for: the same words, the same version or image, or a version that begins with
// what is asked for.
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

// stable reports whether only stable releases count: not if a version was spelt
// out.
func (w Want) stable(v versions.Version) bool { return !v.Candidate() || v.String() == w.text }
