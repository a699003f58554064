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

var errNothing = errors.New("nothing was entered")

// problem says what is wrong with a field of the draft, by the rules for the
// whole file: what is not asked yet does not matter.
func (w *wizard) problem(fields ...report.Path) error {
	text, err := encode(&w.config)
	if err != nil {
		return err
	}
	_, findings := types.Load(fileName, text)
	for _, f := range findings.Findings() {
		for _, at := range fields {
			if !f.Warning && inside(f.Path, at) {
				return errors.New(describe(f))
			}
		}
	}
	return nil
}

// inside says whether a path is a field or something in it.
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

// text asks for a field until it, and what hangs on it, is right. set puts the answer into the draft;
// its error says that the text is nothing that the field can hold.
func (w *wizard) text(ctx context.Context, q Question, preset string, set func(string) error, fields ...report.Path) error {
	_, err := w.Ask.Input(ctx, q, preset, func(answer string) error {
		if err := set(strings.TrimSpace(answer)); err != nil {
			return err
		}
		return w.problem(fields...)
	})
	return err
}

// hidden is text for a secret.
func (w *wizard) hidden(ctx context.Context, q Question, at report.Path, into *secret.String) error {
	answer, err := w.Ask.Secret(ctx, q, func(answer secret.String) error {
		*into = secret.New(strings.TrimSpace(answer.Reveal()))
		if into.IsZero() {
			return errNothing
		}
		return w.problem(at)
	})
	if err == nil {
		w.Hide(answer, *into)
	}
	return err
}

// into is a set function for a field that holds any text.
func into(field *string) func(string) error {
	return func(answer string) error {
		*field = answer
		return nil
	}
}

// required is into for a field that must not be empty.
func required(field *string) func(string) error {
	return func(answer string) error {
		if answer == "" {
			return errNothing
		}
		*field = answer
		return nil
	}
}
