package types

import (
	"github.com/okd-install/okd-install/pkg/types/values"
)

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
	} else if !values.IsRepository(source) {
		k.Child("source").Invalid(source, form)
	}
	for i, m := range mirrors {
		if !values.IsRepository(m) {
			k.Child("mirrors").Index(i).Invalid(m, form)
		}
	}
}
