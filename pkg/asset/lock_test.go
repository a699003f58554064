package asset

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestLock(t *testing.T) {
	w := newWorld(t)
	s, err := Open(w.dir, w.options(Refuse))
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open(w.dir, w.options(Refuse))
	var locked *LockedError
	if !errors.As(err, &locked) || locked.Holder.PID != os.Getpid() ||
		!strings.Contains(err.Error(), fmt.Sprint(os.Getpid())) {
		t.Errorf("second Open: %v", err)
	}
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	s, err = Open(w.dir, w.options(Refuse))
	if err != nil {
		t.Fatalf("after Close: %v", err)
	}
	_ = s.Close()
	l, err := Lock(w.dir, w.options(Refuse))
	if err != nil {
		t.Fatal(err)
	}
	if _, err = Open(w.dir, w.options(Refuse)); !errors.As(err, &locked) {
		t.Errorf("Open of a locked directory: %v", err)
	}
	if err := l.Unlock(); err != nil {
		t.Error(err)
	}
}

// The error for the second run names the process that has the directory.
func TestLockSaysWho(t *testing.T) {
	w := newWorld(t)
	o := w.options(Refuse)
	o.Command = "create cluster --dir d"
	first, err := Lock(w.dir, o)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Lock(w.dir, Options{})
	want := fmt.Sprintf("lock %s: process %d is working in it (okd-install create cluster --dir d, since "+
		"2001-09-09T01:46:40Z); wait until it has ended", w.dir, os.Getpid())
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if err := first.Unlock(); err != nil {
		t.Fatal(err)
	}
	for holder, want := range map[Holder]string{
		{}: "another process is working in it;",
		{PID: 7, Host: "elsewhere", Command: "plan", Since: time.Unix(0, 0)}: "process 7 on elsewhere " +
			"is working in it (okd-install plan, since 1970-01-01T00:00:00Z);",
	} {
		if got := (&LockedError{Dir: "d", Holder: holder}).Error(); !strings.Contains(got, want) {
			t.Errorf("%+v: %s", holder, got)
		}
	}
}

// Text of an earlier holder in the file neither blocks nor confuses.
func TestLockLeftBehind(t *testing.T) {
	for _, text := range []string{"", "4711\n", "{", strings.Repeat("x", 9000),
		`{"pid":1,"command":"` + strings.Repeat("y", 3000) + `"}`} {
		w := newWorld(t)
		w.write(lockName, text)
		l, err := Lock(w.dir, w.options(Refuse))
		if err != nil {
			t.Fatal(err)
		}
		var h Holder
		if err := json.Unmarshal([]byte(w.read(lockName)), &h); err != nil || h.PID != os.Getpid() {
			t.Errorf("the file says %q", w.read(lockName))
		}
		if err := l.Unlock(); err != nil {
			t.Fatal(err)
		}
	}
}

// The lock of a process ends with it, even if it is killed.
func TestLockOfTheDead(t *testing.T) {
	if dir := os.Getenv("ASSET_TEST_LOCK_DIR"); dir != "" {
		if _, err := Lock(dir, Options{Command: "of the dead"}); err != nil {
			panic(err)
		}
		fmt.Print(".")
		time.Sleep(time.Hour)
	}
	w := newWorld(t)
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestLockOfTheDead$")
	cmd.Env = append(os.Environ(), "ASSET_TEST_LOCK_DIR="+w.dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	var locked *LockedError
	if _, err := Lock(w.dir, Options{}); !errors.As(err, &locked) || locked.Holder.PID != cmd.Process.Pid {
		t.Errorf("while it lives: %v", err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	l, err := Lock(w.dir, Options{})
	if err != nil {
		t.Fatalf("after its death: %v", err)
	}
	_ = l.Unlock()
}

func TestLockThatCannotBe(t *testing.T) {
	w := newWorld(t)
	outside := filepath.Join(t.TempDir(), "outside")
	err := errors.Join(os.WriteFile(outside, []byte("precious"), 0o600),
		os.Symlink(outside, filepath.Join(w.dir, lockName)))
	if err != nil {
		t.Fatal(err)
	}
	var file *FileError
	if _, err := Lock(w.dir, Options{}); !errors.As(err, &file) || file.Next() == "" ||
		!strings.Contains(err.Error(), "symbolic link") {
		t.Errorf("a link: %v", err)
	}
	if text, _ := os.ReadFile(outside); string(text) != "precious" {
		t.Error("wrote through the link")
	}
	// The error of a file system without locks.
	for _, errno := range []syscall.Errno{unix.ENOLCK, unix.EOPNOTSUPP, unix.ENOSYS} {
		err := fileError("lock", "d/"+lockName, errno)
		if !errors.As(err, &file) || !strings.Contains(file.Next(), "does not lock files") {
			t.Errorf("%v: next %q", err, file.Next())
		}
	}
}
