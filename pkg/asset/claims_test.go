package asset

import (
	"context"
	"os"
	"path/filepath"
	"testing"
)

// A file that an asset claims belongs to it although it is not generated, and other files
// beside it do not.
func TestClaims(t *testing.T) {
	mirror := From0("mirror", func(Env) (Files, error) {
		return Files{NewFile("mirror/made.conf", []byte("made"))}, nil
	}, Claims("mirror/made.conf", "mirror/own.crt"))
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	value := func() Files {
		t.Helper()
		s, err := Open(dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		r, err := s.Run(context.Background(), []Ref{mirror}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		return Of(r, mirror)
	}
	// What was there before the first run is an edit, not a file of unknown origin.
	write("mirror/made.conf", "mine")
	write("mirror/README", "nothing")
	if got := value(); len(got) != 1 || string(got.Data("mirror/made.conf")) != "mine" {
		t.Errorf("before the first run: %v", got)
	}
	for _, text := range []string{"one", "two"} {
		write("mirror/own.crt", text)
		if got := value(); len(got) != 2 || string(got.Data("mirror/own.crt")) != text {
			t.Errorf("with a claimed file: %v", got)
		}
	}
	if err := os.Remove(filepath.Join(dir, "mirror/own.crt")); err != nil {
		t.Fatal(err)
	}
	if got := value(); len(got) != 1 {
		t.Errorf("without it again: %v", got)
	}
}
