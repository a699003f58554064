package disk

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"
)

// Runner runs programs of the live system.
type Runner interface {
	// Run hands each line of output to line, which may be nil, while the program runs. The
	// error of a program that fails has its last words; that of one that does not exist wraps
	// exec.ErrNotFound.
	Run(ctx context.Context, line func(Line), name string, args ...string) error
}

// Line is a line of a program's output.
type Line struct {
	Text   string
	Stderr bool
}

// Output returns the lines that a program writes to its standard output.
func Output(ctx context.Context, r Runner, name string, args ...string) ([]string, error) {
	var out []string
	err := r.Run(ctx, func(l Line) {
		if !l.Stderr && len(out) < maxLines {
			out = append(out, l.Text)
		}
	}, name, args...)
	return out, err
}

const (
	maxLines = 10_000
	maxLine  = 4096
	// lastLines are those that an error has.
	lastLines = 3
	// grace is how long output may be open after the program's end.
	grace = 5 * time.Second
)

// System runs the programs of this system, without a shell.
type System struct{}

// Run implements Runner.
func (System) Run(ctx context.Context, line func(Line), name string, args ...string) error {
	var mu sync.Mutex
	var last []string
	keep := func(l Line) {
		mu.Lock()
		defer mu.Unlock()
		if last = append(last, l.Text); len(last) > lastLines {
			last = slices.Delete(last, 0, 1)
		}
		if line != nil {
			line(l)
		}
	}
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	cmd.WaitDelay = grace
	out := &splitter{each: func(s string) { keep(Line{Text: s}) }}
	errOut := &splitter{each: func(s string) { keep(Line{Text: s, Stderr: true}) }}
	cmd.Stdout, cmd.Stderr = out, errOut
	err := cmd.Run()
	out.end()
	errOut.end()
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", name, context.Cause(ctx))
	case len(last) > 0:
		return fmt.Errorf("%s: %w: %s", name, err, strings.Join(last, "; "))
	}
	return fmt.Errorf("%s: %w", name, err)
}

// splitter cuts output into lines. Programs end those about progress with a carriage return.
type splitter struct {
	rest []byte
	each func(string)
}

func (s *splitter) Write(b []byte) (int, error) {
	s.rest = append(s.rest, b...)
	for {
		i := bytes.IndexAny(s.rest, "\r\n")
		if i < 0 {
			break
		}
		s.line(s.rest[:i])
		s.rest = s.rest[i+1:]
	}
	if len(s.rest) > maxLine {
		s.end()
	}
	return len(b), nil
}

func (s *splitter) end() {
	s.line(s.rest)
	s.rest = nil
}

func (s *splitter) line(b []byte) {
	if text := strings.TrimSpace(string(b[:min(len(b), maxLine)])); text != "" {
		s.each(text)
	}
}
