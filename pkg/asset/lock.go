package asset

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

const lockName = ".openshift_install.lock"

// DirLock is an asset directory taken for this process.
type DirLock struct{ f *os.File }

// Lock takes a directory without opening its assets. Like Open it fails with
// *LockedError while another process has it.
func Lock(dir string) (*DirLock, error) {
	f, err := lock(dir)
	if err != nil {
		return nil, err
	}
	return &DirLock{f}, nil
}

// Unlock frees the directory.
func (l *DirLock) Unlock() error { return l.f.Close() }

// lock takes the directory for this process. The kernel frees the lock when the
// process ends, however it ends, so a file left behind means nothing.
func lock(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, SecretMode)
	if err != nil {
		return nil, fmt.Errorf("lock asset directory: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		defer f.Close()
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
		}
		held := make([]byte, 32)
		n, _ := f.ReadAt(held, 0)
		pid, _ := strconv.Atoi(strings.TrimSpace(string(held[:n])))
		return nil, &LockedError{Dir: dir, PID: pid}
	}
	if err := errors.Join(f.Truncate(0), writeAt(f, fmt.Sprintln(os.Getpid()))); err != nil {
		f.Close()
		return nil, fmt.Errorf("write %s: %w", f.Name(), err)
	}
	return f, nil
}

func writeAt(f *os.File, s string) error {
	_, err := f.WriteAt([]byte(s), 0)
	return err
}
