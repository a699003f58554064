package asset

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/okd-install/okd-install/pkg/atomicfile"
	"github.com/okd-install/okd-install/pkg/workdir"
)

var errCrash = errors.New("the power is gone")

// crash freezes the directory of a store at the n-th change, as if the process were
// killed there.
type crash struct {
	mu   sync.Mutex
	at   int
	dead bool
	ops  []string
}

func (c *crash) step(op, name string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead || len(c.ops) == c.at {
		c.dead = true
		return errCrash
	}
	c.ops = append(c.ops, op+" "+name)
	return nil
}

// runUntil is run, in a process that dies at the n-th change of the directory.
func (w world) runUntil(n int, p Policy) (*crash, error) {
	w.t.Helper()
	s, err := Open(w.dir, w.options(p))
	if err != nil {
		w.t.Fatal(err)
	}
	c := &crash{at: n}
	s.disk.Step = c.step
	_, err = s.Run(context.Background(), []Ref{tManifests, tFinal}, []Ref{tNumber})
	return c, errors.Join(err, s.Close())
}

// outputs returns all files except the lock.
func (w world) outputs() map[string]string {
	w.t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(w.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == workdir.LockName {
			return err
		}
		data, err := os.ReadFile(path)
		name, _ := filepath.Rel(w.dir, path)
		out[filepath.ToSlash(name)] = string(data)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

func (w world) copy() world {
	w.t.Helper()
	dir := w.t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(w.dir)); err != nil {
		w.t.Fatal(err)
	}
	return world{w.t, dir, new([]string)}
}

var scenarios = []struct {
	name   string
	change func(world) // after a first run; nil: there was none
	policy Policy
}{
	{"from nothing", nil, Refuse},
	{"nothing changed", func(world) {}, Refuse},
	{"input changed", func(w world) { w.write("config.yaml", "blue\n") }, Refuse},
	{"a file less", func(w world) { w.write("config.yaml", "few\n") }, Refuse},
	{"edited", func(w world) { w.write("manifests/a.yaml", "mine\n") }, Refuse},
	{"added", func(w world) { w.write("manifests/c.yaml", "mine\n") }, Refuse},
	{"removed", func(w world) { w.remove("manifests/a.yaml") }, Refuse},
	{"both, keep", func(w world) { w.write("manifests/a.yaml", "mine\n"); w.write("config.yaml", "blue\n") }, Keep},
	{"both, overwrite", func(w world) { w.write("manifests/a.yaml", "mine\n"); w.write("config.yaml", "blue\n") },
		Overwrite},
	{"edit withdrawn", func(w world) {
		w.write("final.txt", "mine\n")
		if err := w.run(Refuse, false); err != nil {
			w.t.Fatal(err)
		}
		w.remove("final.txt")
	}, Refuse},
	{"directory gone", func(w world) { w.remove("manifests") }, Refuse},
}

// TestCrashAnywhere breaks runs off at every single change of the directory.
// Afterwards no file is half written, and the same run again ends as if nothing
// had happened.
func TestCrashAnywhere(t *testing.T) {
	every, points := 1, 0
	if testing.Short() {
		every = 3
	}
	for _, sc := range scenarios {
		t.Run(sc.name, func(t *testing.T) {
			start := newWorld(t)
			if sc.change != nil {
				if err := start.run(Refuse, false); err != nil {
					t.Fatal(err)
				}
				sc.change(start)
			}
			before := start.anonymous()
			good := start.copy()
			if err := good.run(sc.policy, false); err != nil {
				t.Fatal(err)
			}
			after := good.anonymous()
			for n := 0; ; n += every {
				w := start.copy()
				c, err := w.runUntil(n, sc.policy)
				if !c.dead {
					if err != nil {
						t.Fatal(err)
					}
					break
				}
				points++
				if !errors.Is(err, errCrash) {
					t.Fatalf("point %d: %v", n, err)
				}
				drawn := w.number()
				w.checkCrashed(n, before, after)
				w.checkEditSurvives(n, sc.policy)
				if err := w.run(sc.policy, false); err != nil {
					t.Fatalf("point %d (after %v): run again: %v", n, c.ops, err)
				}
				if got := w.anonymous(); !maps.Equal(got, after) {
					t.Fatalf("point %d (after %v): run again ends with\n%v\nwant\n%v", n, c.ops, got, after)
				}
				if drawn != "" && w.number() != drawn {
					t.Fatalf("point %d: the number that was drawn is lost", n)
				}
			}
		})
	}
	t.Logf("%d points", points)
	if points < 100/every {
		t.Errorf("only %d points were tried", points)
	}
}

// checkCrashed checks that all files after a crash are complete, old or new.
func (w world) checkCrashed(n int, before, after map[string]string) {
	w.t.Helper()
	for name, text := range w.anonymous() {
		old, was := before[name]
		fresh, is := after[name]
		if (!was || text != old) && (!is || text != fresh) {
			w.t.Errorf("point %d: %s is %q, was %q, should become %q", n, name, text, old, fresh)
		}
	}
	for name := range before {
		if _, is := after[name]; is && w.read(name) == "(none)" {
			w.t.Errorf("point %d: %s is gone", n, name)
		}
	}
}

// number returns the number that the state has drawn, empty if there is none.
func (w world) number() string {
	w.t.Helper()
	st, _, err := readState(workdir.Unlocked(w.dir), nil)
	if err != nil {
		w.t.Fatalf("the state cannot be read: %v", err)
	}
	for _, list := range []map[string]*record{st.Assets, st.Drafts} {
		if rec := list[tNumber.Name()]; rec != nil {
			v, err := tNumber.n.decode(rec.Value)
			if err != nil {
				w.t.Fatal(err)
			}
			return v.(number).N
		}
	}
	return ""
}

// checkEditSurvives edits a file after the crash: the next run uses the edit or
// refuses, and in no case replaces it.
func (w world) checkEditSurvives(n int, p Policy) {
	w.t.Helper()
	if p == Overwrite {
		return
	}
	w = w.copy()
	w.write("manifests/a.yaml", "edited after the crash\n")
	err := w.run(Refuse, false)
	if conflict := (*ConflictError)(nil); err != nil && !errors.As(err, &conflict) {
		w.t.Errorf("point %d, edited: %v", n, err)
	}
	if w.read("manifests/a.yaml") != "edited after the crash\n" {
		w.t.Errorf("point %d: an edit after the crash is lost", n)
	}
	if err == nil && !strings.Contains(w.read("final.txt"), "edited after the crash") && w.read("final.txt") != "mine\n" {
		w.t.Errorf("point %d: an edit after the crash is not used", n)
	}
}

// anonymous are the outputs, which every run has to write, with the random
// number replaced: it is another one in every directory.
func (w world) anonymous() map[string]string {
	w.t.Helper()
	number := w.number()
	out := map[string]string{}
	for name, text := range w.outputs() {
		if name != StateName && !strings.Contains(name, atomicfile.Prefix) {
			if out[name] = text; number != "" {
				out[name] = strings.ReplaceAll(text, number, "N")
			}
		}
	}
	return out
}

// The state that says what will be written is on disk before any of it is, and
// every file before it gets its name.
func TestOrderOfWriting(t *testing.T) {
	w := newWorld(t)
	c, err := w.runUntil(1000, Refuse)
	if err != nil {
		t.Fatal(err)
	}
	named, spooled, told := map[string]bool{}, map[string]bool{}, false
	for i, op := range c.ops {
		verb, name, _ := strings.Cut(op, " ")
		switch {
		case verb == "write":
			spooled[name] = true
		case verb == "rename" && name == StateName:
			named, told = map[string]bool{}, true
		case verb == "sync" && name == "." && told:
			named[StateName] = true
		case verb == "rename" && !spooled[name]:
			t.Errorf("%s gets its name before it is written", name)
		case verb == "rename" && !named[StateName]:
			t.Errorf("%s gets its name before the state is on disk:\n%s", name, strings.Join(c.ops[:i+1], "\n"))
		}
	}
	isNoRename := func(op string) bool { return !strings.HasPrefix(op, "rename ") }
	if renames := slices.DeleteFunc(slices.Clone(c.ops), isNoRename); len(renames) < 5 {
		t.Errorf("only %v", renames)
	}
}
