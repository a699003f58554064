package wizard

import (
	"context"
	"errors"
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
	Draft types.InstallConfig // what the answers come to so far
	Login *Login
}

// load reads an install-config as the installer will.
func (s *Session) load(text []byte) *report.Report {
	var kinds []types.PlatformKind
	for _, p := range s.Platforms {
		kinds = append(kinds, p.Kind)
	}
	_, findings := types.Options{Platforms: kinds}.Load(fileName, text)
	return findings
}

// Problem says what is wrong with fields of the draft, by the rules for the whole
// file: what is not asked yet does not matter.
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

// inside reports whether a path is a field or something in it.
func inside(path, field report.Path) bool {
	rest, ok := strings.CutPrefix(path.String(), field.String())
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// describe is a finding without its place, which the question tells.
func describe(f report.Finding) string {
	parts := []string{string(f.Type)}
	for _, p := range []string{f.Value, f.Detail} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	return strings.Join(parts, ": ")
}

// Text asks for a field until it and the fields that depend on it are right. set
// puts the answer into the draft; it fails if the field cannot hold the text.
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
