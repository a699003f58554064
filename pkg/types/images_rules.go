package types

import (
	"regexp"
	"strings"
)

const (
	hostPattern = `([a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])`
	dirPattern  = `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
)

var (
	registry = regexp.MustCompile(`^(` + hostPattern + `(\.` + hostPattern + `)*|\[[0-9a-fA-F:.]+\])(:[0-9]{1,5})?$`)
	imageDir = regexp.MustCompile(`^` + dirPattern + `(/` + dirPattern + `)*$`)
)

// isRepository reports whether a text is a registry, or a repository of one
// without tag and digest. A name without a dot or a port is no registry but an
// abbreviation, which the nodes do not expand.
func isRepository(s string) bool {
	host, path, deeper := strings.Cut(s, "/")
	if !registry.MatchString(host) || deeper && !imageDir.MatchString(path) {
		return false
	}
	return !deeper || host == "localhost" || strings.ContainsAny(host, ".:")
}

// Validate implements Validator.
func (s *ImageDigestSource) Validate(k Check) {
	checkMirrors(k, s.Source, s.Mirrors)
	if s.SourcePolicy != "" && len(s.Mirrors) == 0 && !k.Child("mirrors").Broken() {
		k.Child("sourcePolicy").Invalid(s.SourcePolicy,
			"says what is done when no mirror has an image, and there are no mirrors; add mirrors or remove it")
	}
}

// Validate implements Validator.
func (s *ImageContentSource) Validate(k Check) { checkMirrors(k, s.Source, s.Mirrors) }

func checkMirrors(k Check, source string, mirrors []string) {
	const form = "must be a registry or a repository, without tag and digest, like registry.example.com:5000/okd/scos"
	if source == "" {
		k.Child("source").Required("the repository that has mirrors")
	} else if !isRepository(source) {
		k.Child("source").Invalid(source, form)
	}
	for i, m := range mirrors {
		if !isRepository(m) {
			k.Child("mirrors").Index(i).Invalid(m, form)
		}
	}
}
