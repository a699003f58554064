//go:build integration

package loop_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/okd-install/okd-install/pkg/lab/loop"
)

func TestLoop(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	below := func(file string) bool { return strings.HasPrefix(file, dir+"/") }
	t.Cleanup(func() { _ = loop.Detach(t.Context(), below) })
	path := filepath.Join(dir, "file")
	if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Truncate(path, 1<<20)); err != nil {
		t.Fatal(err)
	}
	node, err := loop.Attach(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(node, []byte("written"), 0); err != nil {
		t.Fatal(err)
	}
	dead, err := loop.AttachDead(ctx, filepath.Join(dir, "dead"), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.ReadFile(dead); !errors.Is(err, syscall.EIO) {
		t.Errorf("a dead device is read: %v", err)
	}
	f, err := os.OpenFile(dead, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = f.Write(make([]byte, 4096))
	if err := f.Sync(); !errors.Is(err, syscall.EIO) {
		t.Errorf("a dead device is written: %v", err)
	}
	f.Close()
	if major, _, err := loop.Number(node); err != nil || major != 7 {
		t.Errorf("major number %d, %v", major, err)
	}
	if err := loop.Detach(ctx, below); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(path); err != nil || !bytes.HasPrefix(b, []byte("written")) {
		t.Errorf("the file has %q, %v", b[:min(len(b), 10)], err)
	}
	list, err := loop.List(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range list {
		if below(d.File) {
			t.Errorf("%+v is left", d)
		}
	}
}
