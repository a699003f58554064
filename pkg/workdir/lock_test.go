package workdir

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

// The second one learns who has the directory.
func TestLockSaysWho(t *testing.T) {
	dir := t.TempDir()
	first, err := Take(dir, Self("create cluster --dir d", time.Unix(1e9, 0)))
	if err != nil {
		t.Fatal(err)
	}
	_, err = Take(dir, Holder{})
	want := fmt.Sprintf("lock %s: process %d is working in it (okd-install create cluster --dir d, since "+
		"2001-09-09T01:46:40Z); wait until it has ended", dir, os.Getpid())
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

// Whatever an earlier holder left in the file, it neither blocks nor confuses.
func TestLockLeftBehind(t *testing.T) {
	for _, text := range []string{"", "4711\n", "{", strings.Repeat("x", 9000),
		`{"pid":1,"command":"` + strings.Repeat("y", 3000) + `"}`} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, LockName), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		l, err := Take(dir, Self("", time.Time{}))
		if err != nil {
			t.Fatal(err)
		}
		got, _ := os.ReadFile(filepath.Join(dir, LockName))
		var h Holder
		if err := json.Unmarshal(got, &h); err != nil || h.PID != os.Getpid() {
			t.Errorf("the file says %q", got)
		}
		if err := l.Unlock(); err != nil {
			t.Fatal(err)
		}
	}
}

// The lock of a process ends with it, even if it is killed.
func TestLockOfTheDead(t *testing.T) {
	if taken := os.Getenv("WORKDIR_TEST_DIR"); taken != "" {
		if _, err := Take(taken, Self("of the dead", time.Now())); err != nil {
			panic(err)
		}
		fmt.Print(".")
		time.Sleep(time.Hour)
	}
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestLockOfTheDead$")
	cmd.Env = append(os.Environ(), "WORKDIR_TEST_DIR="+dir)
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
	if _, err := Take(dir, Holder{}); !errors.As(err, &locked) || locked.Holder.PID != cmd.Process.Pid {
		t.Errorf("while it lives: %v", err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	l, err := Take(dir, Holder{})
	if err != nil {
		t.Fatalf("after its death: %v", err)
	}
	_ = l.Unlock()
}

func TestLockThatCannotBe(t *testing.T) {
	dir := t.TempDir()
	outside := filepath.Join(t.TempDir(), "outside")
	err := errors.Join(os.WriteFile(outside, []byte("precious"), 0o600),
		os.Symlink(outside, filepath.Join(dir, LockName)))
	if err != nil {
		t.Fatal(err)
	}
	var file *Error
	if _, err := Take(dir, Holder{}); !errors.As(err, &file) || file.Next() == "" ||
		!strings.Contains(err.Error(), "symbolic link") {
		t.Errorf("a link: %v", err)
	}
	if text, _ := os.ReadFile(outside); string(text) != "precious" {
		t.Error("wrote through the link")
	}
	// What a file system without locks says.
	for _, errno := range []syscall.Errno{unix.ENOLCK, unix.EOPNOTSUPP, unix.ENOSYS} {
		err := wrap("lock", "d/"+LockName, errno)
		if !errors.As(err, &file) || !strings.Contains(file.Next(), "does not lock files") {
			t.Errorf("%v: next %q", err, file.Next())
		}
	}
}
