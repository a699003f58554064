package wizard

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/AlecAivazis/survey/v2"
	"github.com/AlecAivazis/survey/v2/terminal"
	"golang.org/x/term"

	"github.com/okd-install/okd-install/pkg/secret"
)

// Terminal asks at a terminal.
type Terminal struct{ in, out *os.File }

// NewTerminal returns nil unless both files are terminals, because otherwise nobody
// could read the questions or answer them.
func NewTerminal(in, out *os.File) *Terminal {
	if in == nil || out == nil || !term.IsTerminal(int(in.Fd())) || !term.IsTerminal(int(out.Fd())) {
		return nil
	}
	return &Terminal{in, out}
}

// pageSize is the number of options that are shown at once.
const pageSize = 12

// Choose implements Asker.
func (t *Terminal) Choose(ctx context.Context, q Question, options []string, preset int) (int, error) {
	var picked int
	err := t.ask(ctx, &survey.Select{Message: q.Message, Help: q.Help, Options: options, Default: preset,
		PageSize: pageSize}, &picked, nil)
	return picked, err
}

// Input implements Asker.
func (t *Terminal) Input(ctx context.Context, q Question, preset string, check func(string) error) (string, error) {
	var text string
	err := t.ask(ctx, &survey.Input{Message: q.Message, Help: q.Help, Default: preset}, &text, check)
	return text, err
}

// Secret implements Asker.
func (t *Terminal) Secret(ctx context.Context, q Question, check func(secret.String) error) (secret.String, error) {
	var text string
	err := t.ask(ctx, &survey.Password{Message: q.Message, Help: q.Help}, &text,
		func(s string) error { return check(secret.New(s)) })
	return secret.New(text), err
}

// Confirm implements Asker.
func (t *Terminal) Confirm(ctx context.Context, q Question, preset bool) (bool, error) {
	var yes bool
	err := t.ask(ctx, &survey.Confirm{Message: q.Message, Help: q.Help, Default: preset}, &yes, nil)
	return yes, err
}

// ask asks one question. The library has no contexts: when ctx ends, its read is
// abandoned and the state of the terminal is restored.
func (t *Terminal) ask(ctx context.Context, prompt survey.Prompt, into any, check func(string) error) error {
	before, err := term.GetState(int(t.in.Fd()))
	if err != nil {
		return err
	}
	options := []survey.AskOpt{survey.WithStdio(t.in, t.out, t.out)}
	if check != nil {
		options = append(options, survey.WithValidator(func(answer any) error { return check(answer.(string)) }))
	}
	done := make(chan error, 1)
	go func() { done <- survey.AskOne(prompt, into, options...) }()
	select {
	case err := <-done:
		if errors.Is(err, terminal.InterruptErr) || errors.Is(err, io.EOF) {
			return ErrInterrupted
		}
		return err
	case <-ctx.Done():
		_ = term.Restore(int(t.in.Fd()), before)
		_, _ = io.WriteString(t.out, "\x1b[?25h\r\n") // lists hide the cursor
		return context.Cause(ctx)
	}
}
