package wizard

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/secret"
	"github.com/okd-install/okd-install/pkg/types"
)

const fileName = "install-config.yaml"

// ErrNothing refuses an empty answer.
var ErrNothing = errors.New("nothing was entered")

// Session is one round of questions.
type Session struct {
	Deps
	Draft types.InstallConfig // the answers so far
	Login *Login
}

// load reads an install-config as the installer does.
func (s *Session) load(text []byte) *report.Report {
	var kinds []types.PlatformKind
	for _, p := range s.Platforms {
		kinds = append(kinds, p.Kind)
	}
	_, findings := types.Options{Platforms: kinds}.Load(fileName, text)
	return findings
}

// Problem checks fields of the draft by the rules for the whole file, whose other
// fields may still be missing.
func (s *Session) Problem(fields ...report.Path) error {
	text, err := encode(&s.Draft)
	if err != nil {
		return err
	}
	for _, f := range s.load(text).Findings() {
		for _, at := range fields {
			if !f.Warning && inside(f.Path, at) {
				return errors.New(describe(f))
			}
		}
	}
	return nil
}

// inside reports whether a path is a field or inside it.
func inside(path, field report.Path) bool {
	rest, ok := strings.CutPrefix(path.String(), field.String())
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// describe is a finding without its position: the question names the field.
func describe(f report.Finding) string {
	parts := []string{string(f.Type), f.Value, f.Detail}
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), ": ")
}

// Text asks for a field until all of the given fields are valid. The function set puts
// the answer into the draft, and fails if the field cannot hold it.
func (s *Session) Text(
	ctx context.Context, q Question, preset string, set func(string) error, fields ...report.Path,
) error {
	_, err := s.Ask.Input(ctx, q, preset, func(answer string) error {
		if err := set(strings.TrimSpace(answer)); err != nil {
			return err
		}
		return s.Problem(fields...)
	})
	return err
}

// Secret asks for a field with a secret.
func (s *Session) Secret(ctx context.Context, q Question, at report.Path, into *secret.String) error {
	answer, err := s.Ask.Secret(ctx, q, func(answer secret.String) error {
		*into = secret.New(strings.TrimSpace(answer.Reveal()))
		if into.IsZero() {
			return ErrNothing
		}
		return s.Problem(at)
	})
	if err == nil {
		s.Hide(answer, *into)
	}
	return err
}

// Into is a set function for a field that holds any text.
func Into(field *string) func(string) error {
	return func(answer string) error {
		*field = answer
		return nil
	}
}

// Required is Into for a field that must not be empty.
func Required(field *string) func(string) error {
	return func(answer string) error {
		if answer == "" {
			return ErrNothing
		}
		*field = answer
		return nil
	}
}
