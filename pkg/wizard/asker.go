package wizard

import (
	"context"
	"errors"

	"github.com/okd-install/okd-install/pkg/secret"
)

// ErrInterrupted is returned when the person ends the questions with Ctrl-C, or
// the terminal goes away.
var ErrInterrupted = errors.New("interrupted at a question")

// Question is what a person reads. The help is shown on request.
type Question struct{ Message, Help string }

// Asker puts questions to a person, one after the other. An answer that check
// refuses is asked for again, with the reason.
type Asker interface {
	// Choose returns the index of the option that was picked.
	Choose(ctx context.Context, q Question, options []string, preset int) (int, error)
	// Input returns a line of text.
	Input(ctx context.Context, q Question, preset string, check func(string) error) (string, error)
	// Secret is Input without showing what is typed.
	Secret(ctx context.Context, q Question, check func(secret.String) error) (secret.String, error)
	// Confirm returns yes or no.
	Confirm(ctx context.Context, q Question, preset bool) (bool, error)
}
