package atomicfile_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/okd-install/okd-install/pkg/atomicfile"
)

func TestCreate(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "new.iso")
	write := func(f *os.File) error {
		if _, err := os.Lstat(name); err == nil {
			t.Error("the file has its name before it is whole")
		}
		_, err := f.WriteString("content")
		return err
	}
	if err := atomicfile.Create(name, 0o600, write); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(name); err != nil || string(got) != "content" {
		t.Errorf("%q, %v", got, err)
	}
	called := false
	err := atomicfile.Create(name, 0o600, func(*os.File) error { called = true; return nil })
	if !errors.Is(err, fs.ErrExist) || called {
		t.Errorf("a file that exists: %v, written to: %v", err, called)
	}
	broken := errors.New("broken")
	other := filepath.Join(dir, "other.iso")
	if err := atomicfile.Create(other, 0o600, func(*os.File) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	// Somebody else may be faster.
	err = atomicfile.Create(other, 0o600, func(*os.File) error { return os.WriteFile(other, []byte("theirs"), 0o600) })
	if got, _ := os.ReadFile(other); !errors.Is(err, fs.ErrExist) || string(got) != "theirs" {
		t.Errorf("%v, %q", err, got)
	}
	if list, _ := os.ReadDir(dir); len(list) != 2 {
		t.Errorf("left behind %v", list)
	}
}
