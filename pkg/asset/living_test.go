package asset

import (
	"os"
	"path/filepath"
	"testing"
)

// TestLiving: what machines were not started with goes on to change, and takes what they were started with as it was.
func TestLiving(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	fixed, setting := Source("fixed", "fixed"), Param[string]("setting").Living()
	files := From2("files", fixed, setting, func(_ Env, data []byte, s string) (Files, error) {
		return Files{NewFile("d/a", []byte(string(data)+" "+s)), NewFile("d/b", []byte("b"))}, nil
	}, OwnsDir("d")).Living()
	write("fixed", "first")
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	run := func(value, want string) {
		t.Helper()
		Set(s, setting, value)
		r, err := s.Run(t.Context(), []Ref{files}, nil)
		if err != nil {
			t.Fatal(err)
		}
		on, err := os.ReadFile(filepath.Join(dir, "d/a"))
		if got := string(Of(r, files).Data("d/a")); err != nil || got != want || string(on) != want {
			t.Errorf("setting %s: value %q, file %q (%v); want %q", value, got, on, err, want)
		}
	}
	run("one", "first one")
	if err := s.MarkStarted(); err != nil {
		t.Fatal(err)
	}
	write("fixed", "second")
	run("two", "first two")
	write("d/b", "edited")
	run("two", "first two")
	write("d/a", "mine")
	run("two", "mine")
}
