package workdir

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// LockName is the file that is locked.
const LockName = ".openshift_install.lock"

// maxHolder is how much of a lock file is read, in bytes.
const maxHolder = 4096

// Holder is the process that works in a directory.
type Holder struct {
	PID     int       `json:"pid"` // zero if unknown
	Host    string    `json:"host"`
	Command string    `json:"command"`
	Since   time.Time `json:"since"`
}

// Self is this process as a Holder.
func Self(command string, now time.Time) Holder {
	h := Holder{PID: os.Getpid(), Command: command, Since: now.UTC()}
	h.Host, _ = os.Hostname() // only for the message
	return h
}

// LockedError says that another process works in the directory.
type LockedError struct {
	Dir    string
	Holder Holder
}

func (e *LockedError) Error() string {
	who, what := "another process", ""
	if e.Holder.PID > 0 {
		who = fmt.Sprintf("process %d", e.Holder.PID)
		if here, _ := os.Hostname(); e.Holder.Host != here && e.Holder.Host != "" {
			who += " on " + e.Holder.Host
		}
	}
	if e.Holder.Command != "" {
		what = fmt.Sprintf(" (okd-install %s, since %s)", e.Holder.Command, e.Holder.Since.UTC().Format(time.RFC3339))
	}
	return fmt.Sprintf("lock %s: %s is working in it%s; wait until it has ended", e.Dir, who, what)
}

// Lock is a directory taken for this process. The kernel frees it when the process
// ends, in whatever way, so a lock file that is left behind means nothing.
type Lock struct {
	dir string
	f   *os.File
}

// Unlock frees the directory.
func (l *Lock) Unlock() error { return l.f.Close() }

// Take takes a directory. It fails with *LockedError while another process has it. A
// directory on a read-only file system can be taken too, because destroying a cluster
// need not write there.
func Take(dir string, by Holder) (*Lock, error) {
	l, err := take(dir, by)
	if !errors.Is(err, unix.EROFS) {
		return l, err
	}
	path := filepath.Join(dir, LockName)
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		f, err = os.Open(dir) // no process can have made a lock file
	}
	if err != nil {
		return nil, wrap("lock", path, err)
	}
	return flock(f, dir)
}

func take(dir string, by Holder) (*Lock, error) {
	path := filepath.Join(dir, LockName)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o600)
	if errors.Is(err, unix.ELOOP) {
		err = errLink
	}
	if err != nil {
		return nil, wrap("lock", path, err)
	}
	l, err := flock(f, dir)
	if err == nil && writeHolder(f, by) != nil {
		_ = f.Truncate(0) // no name is better than a wrong one, and a full disk is no reason to fail
	}
	return l, err
}

// flock locks an open file for this process, or closes it.
func flock(f *os.File, dir string) (*Lock, error) {
	err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		return &Lock{dir, f}, nil
	}
	defer f.Close()
	if !errors.Is(err, unix.EWOULDBLOCK) {
		return nil, wrap("lock", f.Name(), err)
	}
	return nil, &LockedError{Dir: dir, Holder: readHolder(f)}
}

// writeHolder writes over the old text before it cuts off the rest, so that at any
// time a reader finds one of the two.
func writeHolder(f *os.File, h Holder) error {
	data, err := json.Marshal(h)
	if err != nil {
		return err
	}
	data = append(data, '\n')
	if len(data) > maxHolder { // an unusually long command line
		h.Command = ""
		return writeHolder(f, h)
	}
	_, err = f.WriteAt(data, 0)
	return errors.Join(err, f.Truncate(int64(len(data))))
}

// readHolder reads who has the lock, the zero value if that is not known.
func readHolder(f *os.File) (h Holder) {
	data := make([]byte, maxHolder)
	n, _ := f.ReadAt(data, 0)
	// The rest of an older text may follow the first value.
	if json.NewDecoder(bytes.NewReader(data[:n])).Decode(&h) != nil {
		return Holder{}
	}
	return h
}
