package wizard

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/secret"
	"github.com/okd-install/okd-install/pkg/types"
)

var rewrite = flag.Bool("update", false, "accept what was written")

// line is a question that a script expects, and what it answers: every answer
// but the last has to be refused. An answer of "!" interrupts.
type line []string

// script answers questions without a terminal.
type script struct {
	t       *testing.T
	lines   []line
	offered map[string][]string // options, or what was preset, by question
	refused []string            // question and reason
	said    []string
	hidden  []string
}

func (s *script) next(q Question) []string {
	s.t.Helper()
	if len(s.lines) == 0 {
		s.t.Fatalf("asked %q, but the script is over", q.Message)
	}
	l := s.lines[0]
	s.lines = s.lines[1:]
	if l[0] != q.Message {
		s.t.Fatalf("asked %q, expected %q", q.Message, l[0])
	}
	return l[1:]
}

func (s *script) Choose(_ context.Context, q Question, options []string, preset int) (int, error) {
	s.t.Helper()
	s.offered[q.Message] = options
	answer := s.next(q)[0]
	if answer == "!" {
		return 0, ErrInterrupted
	}
	if answer == "" {
		return preset, nil
	}
	i := slices.IndexFunc(options, func(o string) bool { return strings.HasPrefix(o, answer) })
	if i < 0 {
		s.t.Fatalf("%s: no %q among %q", q.Message, answer, options)
	}
	return i, nil
}

func (s *script) Input(_ context.Context, q Question, preset string, check func(string) error) (string, error) {
	s.t.Helper()
	s.offered[q.Message] = []string{preset}
	answers := s.next(q)
	last := ""
	for i, answer := range answers {
		if answer == "!" {
			return "", ErrInterrupted
		}
		if answer == "" {
			answer = preset
		}
		err := check(answer)
		last = answer
		if (err == nil) != (i == len(answers)-1) {
			s.t.Fatalf("%s: answer %q: %v", q.Message, answer, err)
		}
		if err != nil {
			s.refused = append(s.refused, q.Message+": "+err.Error())
		}
	}
	return last, nil
}

func (s *script) Secret(ctx context.Context, q Question, check func(secret.String) error) (secret.String, error) {
	s.t.Helper()
	answer, err := s.Input(ctx, q, "", func(text string) error { return check(secret.New(text)) })
	return secret.New(answer), err
}

func (s *script) Confirm(_ context.Context, q Question, preset bool) (bool, error) {
	s.t.Helper()
	switch answer := s.next(q)[0]; answer {
	case "!":
		return false, ErrInterrupted
	case "":
		return preset, nil
	default:
		return answer == "y", nil
	}
}

// world is what the wizard finds around it.
type world struct {
	home string
	env  map[string]string
}

const publicSample = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0hCj3wRMWXWsnRjHbuPDWgi9dMLCq4Ywv2W6dcxEoY me@here"

func newWorld(t *testing.T) *world {
	t.Helper()
	home := t.TempDir()
	w := &world{home: home, env: map[string]string{"HOME": home}}
	w.write(t, ".ssh/id_ed25519.pub", publicSample+"\n")
	w.write(t, ".ssh/other.pub", "not a key\n")
	return w
}

func (w *world) write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(w.home, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// run goes through a script to its end.
func (w *world) run(t *testing.T, lines ...line) (*Result, *script, error) {
	t.Helper()
	s := &script{t: t, lines: lines, offered: map[string][]string{}}
	result, err := Run(t.Context(), Deps{
		Ask: s, Clock: clock.Real(), Getenv: func(key string) string { return w.env[key] },
		Sink: event.SinkFunc(func(e event.Event) { s.said = append(s.said, event.Sentence(e)) }),
		Hide: func(list ...secret.String) {
			for _, v := range list {
				s.hidden = append(s.hidden, v.Reveal())
			}
		},
	})
	if err == nil && len(s.lines) > 0 {
		t.Fatalf("was not asked %q", s.lines)
	}
	return result, s, err
}

// golden compares the file that was made, and reads it as the installer will.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *rewrite {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("%s differs; run with -update and read the diff. Got\n%s", path, got)
	}
	if _, findings := types.Load(name, got); len(findings.Findings()) > 0 {
		t.Errorf("findings: %v", findings.Findings())
	}
}

const pull = `{"auths":{"registry.example.org":{"auth":"dXNlcjpwYXNzd29yZA=="}}}`

var (
	key  = line{"SSH Public Key", ""}
	ends = []line{{"Base Domain", "example.org"}, {"Cluster Name", "demo"}, {"Pull Secret", pull}}
)

func lines(parts ...any) []line {
	var out []line
	for _, p := range parts {
		switch x := p.(type) {
		case line:
			out = append(out, x)
		case []line:
			out = append(out, x...)
		default:
			panic(fmt.Sprintf("%T", p))
		}
	}
	return out
}
