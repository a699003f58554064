package wizard

import (
	"context"
	"errors"

	"github.com/okd-install/okd-install/pkg/secret"
)

// ErrInterrupted is returned if the user presses Ctrl-C, or the terminal is closed.
var ErrInterrupted = errors.New("interrupted at a question")

// Question is a question to the user. The help is shown on request.
type Question struct{ Message, Help string }

// Asker asks the user questions, one after the other. If check refuses an answer, it
// shows the reason and asks again.
type Asker interface {
	// Choose returns the index of the option that was picked.
	Choose(ctx context.Context, q Question, options []string, preset int) (int, error)
	// Input returns a line of text.
	Input(ctx context.Context, q Question, preset string, check func(string) error) (string, error)
	// Secret is Input without showing the text.
	Secret(ctx context.Context, q Question, check func(secret.String) error) (secret.String, error)
	// Confirm returns yes or no.
	Confirm(ctx context.Context, q Question, preset bool) (bool, error)
}
