package mirrors

import (
	"errors"
	"regexp"
	"strings"

	"github.com/BurntSushi/toml"

	"github.com/okd-install/okd-install/pkg/report"
)

// Registry is a repository with its mirrors, in the order in which they are asked.
type Registry struct {
	Prefix             string   `toml:"prefix"`
	Location           string   `toml:"location"`
	Insecure           bool     `toml:"insecure"`
	Blocked            bool     `toml:"blocked"`
	MirrorByDigestOnly bool     `toml:"mirror-by-digest-only"`
	Mirrors            []Mirror `toml:"mirror"`
}

// Mirror is one mirror.
type Mirror struct {
	Location       string `toml:"location"`
	Insecure       bool   `toml:"insecure"`
	PullFromMirror string `toml:"pull-from-mirror"`
}

// conf is the content of registries.conf. The settings that are not used here are podman's.
type conf struct {
	Registries        []Registry     `toml:"registry"`
	Search            []string       `toml:"unqualified-search-registries"`
	ShortNameMode     string         `toml:"short-name-mode"`
	CredentialHelpers []string       `toml:"credential-helpers"`
	Aliases           map[string]any `toml:"aliases"`
}

// linePrefix is how the library names the place.
var linePrefix = regexp.MustCompile(`^toml: (line \d+( \(last key "[^"]*"\))?: )?`)

// Read returns the registries in a registries.conf, and adds what is wrong with it.
func Read(data []byte, r *report.Report) []Registry {
	root := r.Field(report.Path{})
	var c conf
	read, err := toml.Decode(string(data), &c)
	if err != nil {
		text := linePrefix.ReplaceAllString(strings.Join(strings.Fields(err.Error()), " "), "")
		f := report.Finding{Type: report.Invalid, Detail: "not TOML: " + text}
		if parse := (toml.ParseError{}); errors.As(err, &parse) {
			f.At = report.Position{Line: parse.Position.Line, Column: 1}
		}
		r.Unread = true
		r.Add(f)
		return nil
	}
	for _, key := range read.Undecoded() {
		root.Child(key.String()).Invalid(key.String(), "unknown key; see containers-registries.conf(5)")
	}
	at := root.Child("registry")
	for i, registry := range c.Registries {
		if registry.Location == "" && registry.Prefix == "" {
			at.Index(i).Child("location").Required("the repository that has mirrors")
		}
		for j, m := range registry.Mirrors {
			if m.Location == "" {
				at.Index(i).Child("mirror").Index(j).Child("location").Required("the repository that has the same images")
			}
		}
	}
	return c.Registries
}
