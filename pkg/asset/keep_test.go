package asset

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestKeep: what is not stored is computed again, unless the result of an earlier run is kept and its inputs are
// the same.
func TestKeep(t *testing.T) {
	source, computed := Source("source", "s"), 0
	upper := From1("upper", source, func(_ Env, data []byte) (string, error) {
		computed++
		return strings.ToUpper(string(data)), nil
	}, Transient())
	files := From1("files", upper, func(_ Env, text string) (Files, error) {
		return Files{NewFile("f", []byte(text))}, nil
	})
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("s", "a")
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	run := func(want string, times int, edited bool) *Result {
		t.Helper()
		r, err := s.Run(t.Context(), []Ref{files}, []Ref{upper})
		if err != nil {
			t.Fatal(err)
		}
		if got := Of(r, upper); got != want || computed != times || Edited(r, files) != edited {
			t.Errorf("got %q after %d computations, edited %t; want %q, %d, %t", got, computed, Edited(r, files), want,
				times, edited)
		}
		return r
	}
	run("A", 1, false)
	s.Keep(run("A", 2, false))
	run("A", 2, false)
	write("s", "b")
	run("B", 3, false)
	s.Keep(nil)
	run("B", 4, false)
	write("f", "mine")
	run("B", 5, true)
}
