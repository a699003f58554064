package asset

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/atomicfile"
	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/seal"
	"github.com/okd-install/okd-install/pkg/workdir"
)

// ticket is valid for a day after it was drawn.
type ticket struct {
	N    string
	From time.Time
}

func (k ticket) Stale(now time.Time) string {
	switch {
	case now.Before(k.From):
		return "is not valid yet"
	case now.After(k.From.Add(24 * time.Hour)):
		return "has expired"
	}
	return ""
}

var (
	tTicket = From0("ticket", func(e Env) (ticket, error) { return ticket{draw().N, e.Now}, nil })
	tSecond = From0("second ticket", func(e Env) (ticket, error) { return ticket{draw().N, e.Now}, nil })
	tStub   = From2("stub.txt", tTicket, tSecond, func(_ Env, a, b ticket) (Files, error) {
		return Files{NewFile("stub.txt", []byte(a.N+b.N))}, nil
	})
)

// What goes stale is drawn anew and said in one line, until machines have it;
// then it is only said. A clock that was set back is no different.
func TestStale(t *testing.T) {
	day := 24 * time.Hour
	tests := []struct {
		name    string
		after   time.Duration
		started bool
		edited  bool
		policy  Policy
		fresh   bool
		says    string
		wantErr string
	}{
		{name: "in time", after: day / 2},
		{
			name: "expired", after: 2 * day, fresh: true,
			says: "generating anew what went stale (second ticket, ticket has expired)",
		},
		{
			name: "the clock was set back", after: -day, fresh: true,
			says: "generating anew what went stale (second ticket, ticket is not valid yet)",
		},
		{
			name: "expired, started", after: 2 * day, started: true,
			says: "keeping what went stale: machines were started with it (second ticket, ticket has expired)",
		},
		{
			name: "set back, started", after: -day, started: true,
			says: "keeping what went stale: machines were started with it (second ticket, ticket is not valid yet)",
		},
		{
			name: "expired, edited", after: 2 * day, edited: true,
			wantErr: "stub.txt was edited, and what is behind it changed as well: " +
				"second ticket has expired, ticket has expired",
		},
		{
			name: "expired, edited, overwrite", after: 2 * day, edited: true, policy: Overwrite, fresh: true,
			says: "discarding an edit",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := world{t, t.TempDir(), new([]string)}
			clk := clock.NewFake(time.Unix(1e9, 0))
			run := func(at time.Duration) error {
				sink := event.SinkFunc(func(e event.Event) {
					text := e.Message
					if len(e.Attrs) == 2 {
						text += fmt.Sprintf(" (%s %s)", e.Attrs[0].Value, e.Attrs[1].Value)
					}
					*w.events = append(*w.events, text)
				})
				s, err := Open(w.dir, Options{Clock: clock.NewFake(clk.Now().Add(at)), Edited: tt.policy, Events: sink})
				if err != nil {
					t.Fatal(err)
				}
				if at != 0 && tt.started {
					if err := s.MarkStarted(); err != nil {
						t.Fatal(err)
					}
				}
				_, err = s.Run(context.Background(), []Ref{tStub}, nil)
				return errors.Join(err, s.Close())
			}
			if err := run(0); err != nil {
				t.Fatal(err)
			}
			before := w.read("stub.txt")
			if tt.edited {
				w.write("stub.txt", "mine")
			}
			err := run(tt.after)
			if tt.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wantErr) || w.read("stub.txt") != "mine" {
					t.Fatalf("%v, stub is %q", err, w.read("stub.txt"))
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if after := w.read("stub.txt"); after == before == tt.fresh {
				t.Errorf("was %s, is %s", before, after)
			}
			said := strings.Join(*w.events, "\n")
			if said != tt.says && !(tt.policy == Overwrite && strings.Contains(said, tt.says)) {
				t.Errorf("said %q, want %q", said, tt.says)
			}
		})
	}
}

// Edits after machines were started come too late, and that is said; only a
// file that the cluster adds to may change.
func TestEditedAfterStart(t *testing.T) {
	grows := From0("grows", func(Env) (Files, error) { return Files{NewFile("grows.txt", []byte("short"))}, nil }, Grows())
	fixed := From0("fixed", func(Env) (Files, error) { return Files{NewFile("fixed.txt", []byte("short"))}, nil })
	w := newWorld(t)
	run := func() {
		t.Helper()
		s, err := Open(w.dir, w.options(Refuse))
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Run(context.Background(), []Ref{grows, fixed}, nil)
		if err = errors.Join(err, s.MarkStarted(), s.Close()); err != nil {
			t.Fatal(err)
		}
	}
	run()
	w.write("grows.txt", "longer")
	w.write("fixed.txt", "mine")
	run()
	const want = "file edited after machines were started from it; the edit has no effect"
	if said := strings.Join(*w.events, "\n"); said != want {
		t.Errorf("said %q", said)
	}
	if w.read("grows.txt") != "longer" || w.read("fixed.txt") != "mine" {
		t.Error("files were replaced")
	}
}

// The user saves a file during a run.
func TestChangedWhileRunning(t *testing.T) {
	w := newWorld(t)
	if err := w.run(Refuse, false); err != nil {
		t.Fatal(err)
	}
	slow := From1("slow", tManifests, func(_ Env, m Files) (Files, error) {
		w.write("manifests/a.yaml", "saved in the editor\n")
		return Files{NewFile("slow.txt", []byte("x"))}, nil
	})
	w.write("config.yaml", "blue\n")
	s, err := Open(w.dir, w.options(Refuse))
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Run(context.Background(), []Ref{tManifests, slow}, nil)
	var changed *ChangedError
	if !errors.As(err, &changed) || changed.Next() == "" {
		t.Fatalf("got %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if w.read("manifests/a.yaml") != "saved in the editor\n" {
		t.Error("the edit is lost")
	}
}

// The same inputs, clock and drawn values give the same bytes, however the work
// is spread.
func TestSchedulingDoesNotMatter(t *testing.T) {
	var all []Asset[number]
	for i := range 40 {
		all = append(all, From0(fmt.Sprint("number ", i), func(Env) (number, error) {
			if i%3 == 0 {
				runtime.Gosched()
			}
			return draw(), nil
		}))
	}
	sum := FromAll("sum", all, func(_ Env, in []number) (Files, error) {
		return Files{NewFile("sum.txt", fmt.Append(nil, in))}, nil
	})
	refs := []Ref{sum, tManifests, tFinal}
	run := func(w world, write []Ref) {
		s, err := Open(w.dir, w.options(Refuse))
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Run(context.Background(), write, refs)
		if err = errors.Join(err, s.Close()); err != nil {
			t.Fatal(err)
		}
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	drawn := newWorld(t)
	run(drawn, nil)
	var first map[string]string
	for _, procs := range []int{1, 2, 8, 32, 1} {
		runtime.GOMAXPROCS(procs)
		w := newWorld(t)
		w.write(StateName, drawn.read(StateName))
		run(w, refs)
		got := w.outputs()
		if first == nil {
			first = got
		}
		if !maps.Equal(got, first) {
			t.Errorf("with %d processors the files differ", procs)
		}
	}
}

func TestSealedState(t *testing.T) {
	key, err := seal.ParseKey([]byte("AGE-SECRET-KEY-1PVP20XSHK9CWGTSZFFSFFTMHEJWRA4TSRHP6RSYWDTWJVMQGZ9RSFCS58S\n"))
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	run := func(key *seal.Key) error {
		o := w.options(Refuse)
		o.Key = key
		s, err := Open(w.dir, o)
		if err != nil {
			return err
		}
		_, err = s.Run(context.Background(), []Ref{tManifests, tFinal}, []Ref{tNumber})
		return errors.Join(err, s.Close())
	}
	if err := run(nil); err != nil {
		t.Fatal(err)
	}
	number := w.number()
	if err := run(key); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(w.read(StateName), number) {
		t.Error("the state is plain")
	}
	var state *StateError
	if err := run(nil); !errors.Is(err, ErrSealed) || !errors.As(err, &state) || state.Next() == "" {
		t.Errorf("without the key: %v", err)
	}
	if _, err := Stored(w.dir, nil, tNumber); !errors.Is(err, ErrSealed) {
		t.Errorf("stored without the key: %v", err)
	}
	if n, err := Stored(w.dir, key, tNumber); err != nil || n.N != number {
		t.Errorf("stored: %v, %v", n, err)
	}
	if files, err := Generated(w.dir, key); err != nil || len(files) != 3 {
		t.Errorf("generated %v, %v", files, err)
	}
	if err := Reseal(w.dir, key, nil, workdir.Holder{}); err != nil {
		t.Fatal(err)
	}
	if w.number() != number || run(nil) != nil {
		t.Error("plain again, but not the same")
	}
	if err := Reseal(t.TempDir(), nil, key, workdir.Holder{}); err == nil {
		t.Error("there was no state to encrypt")
	}
}

// A link from the directory to another one is not swept.
func TestSweepStaysInside(t *testing.T) {
	w, other := newWorld(t), t.TempDir()
	theirs := filepath.Join(other, atomicfile.Prefix+"theirs")
	ours := filepath.Join(w.dir, "manifests", atomicfile.Prefix+"ours")
	w.write("manifests/a.yaml", "")
	for _, err := range []error{
		os.WriteFile(theirs, nil, 0o600), os.WriteFile(ours, nil, 0o600), os.Symlink(other, filepath.Join(w.dir, "link")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	s, err := Open(w.dir, w.options(Refuse))
	if err != nil {
		t.Fatal(err)
	}
	_ = s.Close()
	if _, err := os.Stat(theirs); err != nil {
		t.Errorf("somebody else's file: %v", err)
	}
	if _, err := os.Stat(ours); err == nil {
		t.Error("a half-written file is left")
	}
}
