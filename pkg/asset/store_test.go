package asset

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/cryptotest"
	"time"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/workdir"
)

// A small graph: config (the user's file) → number (random, kept) → manifests
// (two files, editable) → final (a file made of all that).
type number struct{ N string }

var (
	tConfig = Source("config.yaml", "config.yaml")
	tColour = From1("colour", tConfig, func(_ Env, b []byte) (string, error) {
		return strings.TrimSpace(string(b)), nil
	}, Transient())
	tNumber    = From0("number", func(Env) (number, error) { return draw(), nil })
	tManifests = From2("manifests", tColour, tNumber, func(_ Env, colour string, n number) (Files, error) {
		if colour == "broken" {
			return nil, errors.New("cannot use broken")
		}
		files := Files{
			NewFile("manifests/a.yaml", []byte("colour: "+colour+"\n")),
			NewFile("manifests/b.yaml", []byte("n: "+n.N+"\n")),
		}
		if colour == "few" {
			files = files[:1]
		}
		return files, nil
	}, OwnsDir("manifests"))
	tFinal = From1("final", tManifests, func(_ Env, m Files) (Files, error) {
		var all []byte
		for _, f := range m {
			all = append(all, f.Path+"="+string(f.Data)...)
		}
		return Files{NewFile("final.txt", all)}, nil
	})
)

func draw() number { return number{rand.Text()} }

type world struct {
	t      *testing.T
	dir    string
	events *[]string
}

func newWorld(t *testing.T) world {
	w := world{t, t.TempDir(), new([]string)}
	w.write("config.yaml", "red\n")
	return w
}

func (w world) write(name, text string) {
	w.t.Helper()
	if err := os.MkdirAll(filepath.Dir(filepath.Join(w.dir, name)), 0o750); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w world) read(name string) string {
	data, err := os.ReadFile(filepath.Join(w.dir, name))
	if err != nil {
		return "(none)"
	}
	return string(data)
}

func (w world) remove(name string) {
	w.t.Helper()
	if err := os.RemoveAll(filepath.Join(w.dir, name)); err != nil {
		w.t.Fatal(err)
	}
}

func (w world) options(p Policy) Options {
	return Options{Clock: clock.NewFake(time.Unix(1e9, 0)), Edited: p, Events: event.SinkFunc(func(e event.Event) {
		*w.events = append(*w.events, e.Message)
	})}
}

// run makes everything in a process of its own, as it were.
func (w world) run(p Policy, started bool) error {
	w.t.Helper()
	s, err := Open(w.dir, w.options(p))
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if started {
		if err := s.MarkStarted(); err != nil {
			w.t.Fatal(err)
		}
	}
	_, err = s.Run(context.Background(), []Ref{tManifests, tFinal}, []Ref{tNumber})
	return err
}

func TestStoreSemantics(t *testing.T) {
	type files = map[string]string
	const b = "manifests/b.yaml" // holds the random number
	tests := []struct {
		name    string
		change  func(world) // between the first and the second run
		policy  Policy
		started bool
		want    files  // after the second run
		wantErr string // of the second run
		event   string
	}{
		{
			name: "neither changed", change: func(world) {},
			want: files{"manifests/a.yaml": "colour: red\n"},
		},
		{
			name: "input changed", change: func(w world) { w.write("config.yaml", "blue\n") },
			want: files{"manifests/a.yaml": "colour: blue\n"},
		},
		{
			name: "input changed in a way that means nothing", change: func(w world) { w.write("config.yaml", "red\n\n") },
			want: files{"manifests/a.yaml": "colour: red\n"},
		},
		{
			name: "output edited", change: func(w world) { w.write("manifests/a.yaml", "mine\n") },
			want: files{"manifests/a.yaml": "mine\n"}, event: "using a file as edited",
		},
		{
			name:   "both changed",
			change: func(w world) { w.write("manifests/a.yaml", "mine\n"); w.write("config.yaml", "blue\n") },
			want:   files{"manifests/a.yaml": "mine\n"},
			wantErr: "generate manifests: manifests/a.yaml was edited, and what is behind it changed as well: " +
				"config.yaml; run again with --keep-edited",
		},
		{
			name: "both changed, keep", policy: Keep,
			change: func(w world) { w.write("manifests/a.yaml", "mine\n"); w.write("config.yaml", "blue\n") },
			want:   files{"manifests/a.yaml": "mine\n"},
		},
		{
			name: "both changed, overwrite", policy: Overwrite,
			change: func(w world) { w.write("manifests/a.yaml", "mine\n"); w.write("config.yaml", "blue\n") },
			want:   files{"manifests/a.yaml": "colour: blue\n"}, event: "discarding an edit",
		},
		{
			name:   "edited, and an input changed that does not show in the file",
			change: func(w world) { w.write(b, "mine\n"); w.write("config.yaml", "blue\n") },
			want:   files{b: "mine\n", "manifests/a.yaml": "colour: blue\n"}, event: "using a file as edited",
		},
		{
			name:   "removed, and an input changed that does not show in the file",
			change: func(w world) { w.remove(b); w.write("config.yaml", "blue\n") },
			want:   files{b: "(none)", "manifests/a.yaml": "colour: blue\n"}, event: "using a file as edited",
		},
		{
			name:   "both changed to the same",
			change: func(w world) { w.write("manifests/a.yaml", "colour: blue\n"); w.write("config.yaml", "blue\n") },
			want:   files{"manifests/a.yaml": "colour: blue\n"},
		},
		{
			name: "file added", change: func(w world) { w.write("manifests/extra.yaml", "extra\n") },
			want: files{"manifests/extra.yaml": "extra\n", "manifests/a.yaml": "colour: red\n"},
		},
		{
			name:   "file added and input changed",
			change: func(w world) { w.write("manifests/extra.yaml", "extra\n"); w.write("config.yaml", "blue\n") },
			want:   files{"manifests/extra.yaml": "extra\n", "manifests/a.yaml": "colour: blue\n"},
		},
		{
			name:   "other files in the directory",
			change: func(w world) { w.write("manifests/README.md", "hm\n"); w.write("manifests/a.yaml~", "old\n") },
			want:   files{"manifests/README.md": "hm\n", "manifests/a.yaml~": "old\n", "manifests/a.yaml": "colour: red\n"},
		},
		{
			name: "file removed", change: func(w world) { w.remove("manifests/a.yaml") },
			want: files{"manifests/a.yaml": "(none)"},
		},
		{
			name:   "file removed and input changed",
			change: func(w world) { w.remove("manifests/a.yaml"); w.write("config.yaml", "blue\n") },
			want:   files{"manifests/a.yaml": "(none)"}, wantErr: "manifests/a.yaml was edited",
		},
		{
			name: "directory removed", change: func(w world) { w.remove("manifests") },
			want: files{"manifests/a.yaml": "colour: red\n"},
		},
		{
			name: "last file removed", change: func(w world) { w.remove("final.txt") },
			want: files{"manifests/a.yaml": "colour: red\n"},
		},
		{
			name: "file not generated any more", change: func(w world) { w.write("config.yaml", "few\n") },
			want: files{b: "(none)", "manifests/a.yaml": "colour: few\n"},
		},
		{
			name: "input gone", change: func(w world) { w.remove("config.yaml") },
			want:  files{"manifests/a.yaml": "colour: red\n", "config.yaml": "(none)"},
			event: "using the stored copy of a missing file",
		},
		{
			name: "input broken", change: func(w world) { w.write("config.yaml", "broken\n") },
			want: files{"manifests/a.yaml": "colour: red\n"}, wantErr: "generate manifests: cannot use broken",
		},
		{
			name: "input changed after the start", started: true, change: func(w world) { w.write("config.yaml", "blue\n") },
			want:  files{"manifests/a.yaml": "colour: red\n"},
			event: "file changed after machines were started from it; the change has no effect",
		},
		{
			name: "output edited after the start", started: true,
			change: func(w world) { w.write("manifests/a.yaml", "mine\n") },
			want:   files{"manifests/a.yaml": "mine\n"},
		},
		{
			name: "output removed after the start", started: true, change: func(w world) { w.remove("manifests/a.yaml") },
			want: files{"manifests/a.yaml": "colour: red\n"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			if err := w.run(Refuse, false); err != nil {
				t.Fatal(err)
			}
			random := w.read(b)
			*w.events = nil
			tt.change(w)
			err := w.run(tt.policy, tt.started)
			if tt.wantErr == "" && err != nil || tt.wantErr != "" && (err == nil || !strings.Contains(err.Error(), tt.wantErr)) {
				t.Fatalf("second run: %v, want %q", err, tt.wantErr)
			}
			for name, want := range tt.want {
				if got := w.read(name); got != want {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
			if _, listed := tt.want[b]; !listed && w.read(b) != random {
				t.Error("what was drawn at random has changed")
			}
			if tt.event != "" && !strings.Contains(strings.Join(*w.events, "\n"), tt.event) {
				t.Errorf("events %q, want %q", *w.events, tt.event)
			}
			if err == nil && !tt.started {
				for name := range tt.want { // what comes after sees the edit
					if strings.HasSuffix(name, ".yaml") && strings.HasPrefix(name, "manifests") {
						seen := strings.Contains(w.read("final.txt"), name+"="+w.read(name))
						if seen != (w.read(name) != "(none)") {
							t.Errorf("final.txt is not made of %s:\n%s", name, w.read("final.txt"))
						}
					}
				}
			}
			if err != nil {
				return
			}
			*w.events = nil
			before := w.read(StateName)
			if err := w.run(Refuse, false); err != nil {
				t.Fatalf("third run, nothing changed: %v", err)
			}
			if w.read(StateName) != before {
				t.Error("the third run changed the state")
			}
		})
	}
}

// An accepted edit is remembered: inputs that change much later still collide
// with it, and removing the edited file withdraws the edit.
func TestEditIsRemembered(t *testing.T) {
	w := newWorld(t)
	steps := []struct {
		do      func()
		wantErr bool
		final   string
	}{
		{func() {}, false, "manifests/a.yaml=colour: red"},
		{func() { w.write("final.txt", "edited") }, false, "edited"},
		{func() {}, false, "edited"},
		{func() { w.write("config.yaml", "blue") }, true, "edited"},
		{func() {}, true, "edited"},
		{func() { w.write("config.yaml", "red") }, false, "edited"},
		{func() { w.remove("final.txt") }, false, "manifests/a.yaml=colour: red"},
		{func() { w.write("config.yaml", "blue") }, false, "manifests/a.yaml=colour: blue"},
	}
	for i, s := range steps {
		s.do()
		err := w.run(Refuse, false)
		var conflict *ConflictError
		if s.wantErr != errors.As(err, &conflict) || !s.wantErr && err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
		if got := w.read("final.txt"); !strings.HasPrefix(got, s.final) {
			t.Fatalf("step %d: final.txt is %q", i, got)
		}
	}
}

func TestFilesWithoutState(t *testing.T) {
	w := newWorld(t)
	w.write("final.txt", "of another cluster")
	err := w.run(Refuse, false)
	var conflict *ConflictError
	if !errors.As(err, &conflict) || !conflict.NoState || !strings.Contains(err.Error(), "final.txt") {
		t.Fatalf("got %v", err)
	}
	if w.read("manifests/a.yaml") != "(none)" {
		t.Error("files were written although the run failed")
	}
	if err := w.run(Overwrite, false); err != nil || strings.HasPrefix(w.read("final.txt"), "of") {
		t.Errorf("overwrite: %v, %q", err, w.read("final.txt"))
	}
}

func TestModesAndSecrets(t *testing.T) {
	w := newWorld(t)
	if err := w.run(Refuse, false); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{StateName, workdir.LockName, "final.txt", "manifests/a.yaml"} {
		info, err := os.Stat(filepath.Join(w.dir, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", name, info, err)
		}
	}
	if info, err := os.Stat(filepath.Join(w.dir, "manifests")); err != nil || info.Mode().Perm() != 0o750 {
		t.Errorf("manifests/: %v %v", info, err)
	}
	if err := os.Chmod(filepath.Join(w.dir, StateName), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := w.run(Refuse, false); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(w.dir, StateName)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the state stays readable: %v %v", info, err)
	}
	if !strings.Contains(strings.Join(*w.events, "\n"), "the state was readable for others") {
		t.Errorf("said %q", *w.events)
	}
	f := NewFile("x", []byte("top secret"))
	for _, text := range []string{fmt.Sprintf("%v %+v %#v", f, f, Files{f}), f.LogValue().String()} {
		if strings.Contains(text, "secret") || strings.Contains(text, "116") {
			t.Errorf("printing a file shows its content: %s", text)
		}
	}
}

func TestForeignState(t *testing.T) {
	for _, text := range []string{`{"*installconfig.InstallConfig":{}}`, "{", ""} {
		w := newWorld(t)
		w.write(StateName, text)
		_, err := Open(w.dir, w.options(Refuse))
		var foreign *StateError
		if !errors.As(err, &foreign) {
			t.Errorf("state %q: %v", text, err)
		}
	}
}

func TestMissingSourceAndStored(t *testing.T) {
	w := newWorld(t)
	w.remove("config.yaml")
	var missing *MissingError
	if err := w.run(Refuse, false); !errors.As(err, &missing) || missing.Path != "config.yaml" {
		t.Errorf("got %v", err)
	}
	if _, err := Stored(t.TempDir(), nil, tNumber); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("stored value of nothing: %v", err)
	}
	w.write("config.yaml", "red")
	if err := w.run(Refuse, false); err != nil {
		t.Fatal(err)
	}
	n, err := Stored(w.dir, nil, tNumber)
	if err != nil || w.read("manifests/b.yaml") != "n: "+n.N+"\n" {
		t.Errorf("stored number %v, %v", n, err)
	}
}

func TestReproducible(t *testing.T) {
	var states []string
	for range 2 {
		cryptotest.SetGlobalRandom(t, 7)
		w := newWorld(t)
		s, err := Open(w.dir, w.options(Refuse))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Run(context.Background(), []Ref{tFinal}, nil); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		states = append(states, w.read(StateName)+w.read("final.txt"))
	}
	if states[0] != states[1] {
		t.Error("same inputs, clock and randomness, different bytes")
	}
}

// All failures are reported, and nothing is computed from what failed.
func TestAllErrorsAtOnce(t *testing.T) {
	a := From0("a", func(Env) (string, error) { return "", errors.New("first trouble") })
	b := From0("b", func(Env) (string, error) { return "", errors.New("second trouble") })
	c := From2("c", a, b, func(Env, string, string) (string, error) { t.Error("c was computed"); return "", nil })
	s, err := Open(t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	_, err = s.Run(context.Background(), nil, []Ref{c})
	if err == nil || err.Error() != "generate a: first trouble\ngenerate b: second trouble" {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.Run(ctx, nil, []Ref{c}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled run: %v", err)
	}
}

// Independent assets are computed at the same time: each of the two waits for
// the other.
func TestParallel(t *testing.T) {
	meet := make(chan bool)
	one := From0("one", func(Env) (string, error) { meet <- true; return "", nil })
	two := From0("two", func(Env) (string, error) {
		select {
		case <-meet:
			return "", nil
		case <-time.After(10 * time.Second):
			return "", errors.New("nobody came")
		}
	})
	s, err := Open(t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Run(context.Background(), nil, []Ref{one, two}); err != nil {
		t.Error(err)
	}
}

func TestDot(t *testing.T) {
	dot := Dot(tFinal)
	for _, want := range []string{
		`"config.yaml" -> "colour"`, `"number" -> "manifests"`, `"manifests" [shape=folder]`,
		`"colour" [shape=ellipse, style=dashed]`,
	} {
		if !strings.Contains(dot, want) {
			t.Errorf("no %s in\n%s", want, dot)
		}
	}
}
