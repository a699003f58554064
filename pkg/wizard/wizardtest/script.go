// Package wizardtest answers the wizard's questions from a script, for tests of the
// questions about a platform.
package wizardtest

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/secret"
	"github.com/okd-install/okd-install/pkg/testkit/golden"
	"github.com/okd-install/okd-install/pkg/types"
	"github.com/okd-install/okd-install/pkg/types/virtualization"
	"github.com/okd-install/okd-install/pkg/wizard"
)

// Line is an expected question and its answers, of which all but the last must be
// refused. The answer "!" interrupts.
type Line []string

// Script answers questions without a terminal.
type Script struct {
	t       *testing.T
	lines   []Line
	Offered map[string][]string // options, or the preset, by question
	Refused []string            // question and reason
	Said    []string
	Hidden  []string
}

func (s *Script) next(q wizard.Question) []string {
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

// Choose takes the first option that begins with the answer.
func (s *Script) Choose(_ context.Context, q wizard.Question, options []string, preset int) (int, error) {
	s.t.Helper()
	s.Offered[q.Message] = options
	answer := s.next(q)[0]
	if answer == "!" {
		return 0, wizard.ErrInterrupted
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

// Input gives the answers one by one; all but the last must be refused.
func (s *Script) Input(_ context.Context, q wizard.Question, preset string, check func(string) error) (string, error) {
	s.t.Helper()
	s.Offered[q.Message] = []string{preset}
	answers := s.next(q)
	for i, answer := range answers {
		if answer == "!" {
			return "", wizard.ErrInterrupted
		}
		answer = cmp.Or(answer, preset)
		err := check(answer)
		if (err == nil) != (i == len(answers)-1) {
			s.t.Fatalf("%s: answer %q: %v", q.Message, answer, err)
		}
		if err == nil {
			return answer, nil
		}
		s.Refused = append(s.Refused, q.Message+": "+err.Error())
	}
	return "", nil
}

// Secret is Input for secrets.
func (s *Script) Secret(
	ctx context.Context, q wizard.Question, check func(secret.String) error,
) (secret.String, error) {
	s.t.Helper()
	answer, err := s.Input(ctx, q, "", func(text string) error { return check(secret.New(text)) })
	return secret.New(answer), err
}

// Confirm is true for the answer y.
func (s *Script) Confirm(_ context.Context, q wizard.Question, preset bool) (bool, error) {
	s.t.Helper()
	switch answer := s.next(q)[0]; answer {
	case "!":
		return false, wizard.ErrInterrupted
	case "":
		return preset, nil
	default:
		return answer == "y", nil
	}
}

// World is the environment of the wizard.
type World struct {
	Home      string
	Env       map[string]string
	Platforms []wizard.Platform
}

const publicSample = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0hCj3wRMWXWsnRjHbuPDWgi9dMLCq4Ywv2W6dcxEoY me@here"

// New makes a world with an SSH key.
func New(t *testing.T, platforms ...wizard.Platform) *World {
	t.Helper()
	home := t.TempDir()
	w := &World{Home: home, Env: map[string]string{"HOME": home}, Platforms: platforms}
	w.Write(t, ".ssh/id_ed25519.pub", publicSample+"\n")
	w.Write(t, ".ssh/other.pub", "not a key\n")
	return w
}

// Write makes a file in the home directory and returns its path.
func (w *World) Write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(w.Home, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Run goes through a script to its end.
func (w *World) Run(t *testing.T, lines ...Line) (*wizard.Result, *Script, error) {
	t.Helper()
	return w.RunIn(t.Context(), t, lines...)
}

// RunIn is Run in a context.
func (w *World) RunIn(ctx context.Context, t *testing.T, lines ...Line) (*wizard.Result, *Script, error) {
	t.Helper()
	s := &Script{t: t, lines: lines, Offered: map[string][]string{}}
	result, err := wizard.Run(ctx, wizard.Deps{
		Platforms: w.Platforms,
		Ask:       s, Clock: clock.Real(), Getenv: func(key string) string { return w.Env[key] },
		Sink: event.SinkFunc(func(e event.Event) { s.Said = append(s.Said, event.Sentence(e)) }),
		Hide: func(list ...secret.String) {
			for _, v := range list {
				s.Hidden = append(s.Hidden, v.Reveal())
			}
		},
	})
	if err == nil && len(s.lines) > 0 {
		t.Fatalf("was not asked %q", s.lines)
	}
	return result, s, err
}

// Virtualization goes through a script of the questions about virtualization.
func Virtualization(t *testing.T, k virtualization.Cluster, lines ...Line) ([]byte, *Script, error) {
	t.Helper()
	s := &Script{t: t, lines: lines, Offered: map[string][]string{}}
	text, err := (&wizard.Virtualization{Ask: s, Cluster: k}).Run(t.Context())
	if err == nil && len(s.lines) > 0 {
		t.Fatalf("was not asked %q", s.lines)
	}
	return text, s, err
}

// Pull is a pull secret.
const Pull = `{"auths":{"registry.example.org":{"auth":"dXNlcjpwYXNzd29yZA=="}}}`

// Key is the first question, and Ends are those after the platform's.
var (
	Key  = Line{"SSH Public Key", ""}
	Ends = []Line{{"Base Domain", "example.org"}, {"Cluster Name", "demo"}, {"Pull Secret", Pull}}
)

// Lines joins lines and lists of them.
func Lines(parts ...any) []Line {
	var out []Line
	for _, p := range parts {
		switch x := p.(type) {
		case Line:
			out = append(out, x)
		case []Line:
			out = append(out, x...)
		default:
			panic(fmt.Sprintf("%T", p))
		}
	}
	return out
}

// Golden compares an install-config that was made with a file, and checks that
// the installer reads it without a warning.
func (w *World) Golden(t *testing.T, name string, got []byte) {
	t.Helper()
	golden.Compare(t, filepath.Join("testdata", name), got)
	var kinds []types.PlatformKind
	for _, p := range w.Platforms {
		kinds = append(kinds, p.Kind)
	}
	if _, findings := (types.Options{Platforms: kinds}).Load(name, got); len(findings.Findings()) > 0 {
		t.Errorf("findings: %v", findings.Findings())
	}
}
