// Package netns makes network namespaces and runs code in them.
package netns

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/okd-install/okd-install/pkg/lab/command"
)

// Create makes a namespace that lives as long as the file path, to which it is
// bound. An old one at the same path is replaced.
func Create(path string) error {
	return onThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("make network namespace: %w", err)
		}
		return Bind(unix.Gettid(), path)
	})
}

// Bind gives the namespace of a process or thread a file of its own, in place of
// an old one.
func Bind(pid int, path string) error {
	if err := Delete(path); err != nil {
		return err
	}
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		err = os.WriteFile(path, nil, 0o444)
	}
	if err == nil {
		err = unix.Mount(fmt.Sprintf("/proc/%d/ns/net", pid), path, "", unix.MS_BIND, "")
	}
	if err != nil {
		return errors.Join(fmt.Errorf("bind network namespace: %w", err), os.RemoveAll(path))
	}
	return nil
}

// Delete drops the file; the namespace goes with its last process. It is a
// no-op when there is none.
func Delete(path string) error {
	err := unix.Unmount(path, unix.MNT_DETACH)
	if err == nil || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOENT) {
		err = os.RemoveAll(path)
	}
	if err != nil {
		return fmt.Errorf("drop network namespace: %w", err)
	}
	return nil
}

// Do runs fn in the namespace at path. Sockets that it opens stay in there;
// goroutines that it starts do not run there.
func Do(path string, fn func() error) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("enter network namespace: %w", err)
	}
	defer f.Close()
	return onThread(func() error {
		if err := unix.Setns(int(f.Fd()), unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("enter network namespace %s: %w", path, err)
		}
		return fn()
	})
}

// onThread runs fn on a thread of its own, which ends with it: a thread that
// has changed its namespace must not run anything else.
func onThread(fn func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() == os.Getpid() {
			// The first thread cannot end, and a process is seen to be where it
			// is. While it is held here, fn gets another one.
			done <- onThread(fn)
			runtime.UnlockOSThread()
			return
		}
		done <- fn() // and never unlock
	}()
	return <-done
}

// Command prepares a command that runs in the namespace at path; an empty path
// means the current one.
func Command(ctx context.Context, path, name string, args ...string) *exec.Cmd {
	if path == "" {
		return exec.CommandContext(ctx, name, args...)
	}
	return exec.CommandContext(ctx, "nsenter", append([]string{"--net=" + path, "--", name}, args...)...)
}

// IP runs lines of ip(8) commands in the namespace at path.
func IP(ctx context.Context, path string, lines ...string) error {
	cmd := Command(ctx, path, "ip", "-batch", "-")
	cmd.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n")
	if _, err := command.Output(cmd); err != nil {
		return fmt.Errorf("set up network: ip: %w", err)
	}
	return nil
}
