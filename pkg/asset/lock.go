package asset

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

const lockName = ".openshift_install.lock"

// maxHolder bounds what is read of a lock file, in bytes.
const maxHolder = 4096

// DirLock is an asset directory taken for this process.
type DirLock struct{ f *os.File }

// Lock takes a directory without opening its assets. Like Open it fails with
// *LockedError while another process has it. A directory on a read-only file
// system can be taken too: who only removes machines need not write there.
func Lock(dir string, o Options) (*DirLock, error) {
	f, err := lock(dir, o.holder())
	if errors.Is(err, unix.EROFS) {
		f, err = lockReadOnly(dir)
	}
	if err != nil {
		return nil, err
	}
	return &DirLock{f}, nil
}

// Unlock frees the directory.
func (l *DirLock) Unlock() error { return l.f.Close() }

// lockReadOnly takes a directory in which nothing can be written. Where no lock
// file is, no process can have made one: the directory itself will do.
func lockReadOnly(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		f, err = os.Open(dir)
	}
	if err != nil {
		return nil, fileError("lock", filepath.Join(dir, lockName), err)
	}
	return take(f, dir)
}

func (o Options) holder() Holder {
	h := Holder{PID: os.Getpid(), Command: o.Command, Since: o.withDefaults().Clock.Now().UTC()}
	h.Host, _ = os.Hostname() // only for the message
	return h
}

// lock takes the directory for this process. The kernel frees the lock when the
// process ends, however it ends, so a file left behind means nothing.
func lock(dir string, by Holder) (*os.File, error) {
	path := filepath.Join(dir, lockName)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW|unix.O_NONBLOCK, SecretMode)
	if errors.Is(err, unix.ELOOP) {
		err = errLink
	}
	if err != nil {
		return nil, fileError("lock", path, err)
	}
	if f, err = take(f, dir); err != nil {
		return nil, err
	}
	if writeHolder(f, by) != nil {
		_ = f.Truncate(0) // better no name than a wrong one; a full disk stops nobody here
	}
	return f, nil
}

// take locks an open file for this process, or closes it.
func take(f *os.File, dir string) (*os.File, error) {
	err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		return f, nil
	}
	defer f.Close()
	if !errors.Is(err, unix.EWOULDBLOCK) {
		return nil, fileError("lock", f.Name(), err)
	}
	return nil, &LockedError{Dir: dir, Holder: readHolder(f)}
}

// writeHolder puts the new text over the old one and cuts off what is left of
// that: a reader finds one of the two at any time.
func writeHolder(f *os.File, h Holder) error {
	data, err := json.Marshal(h)
	if err != nil {
		return err
	}
	data = append(data, '\n')
	if len(data) > maxHolder { // a command line of unusual length
		h.Command = ""
		return writeHolder(f, h)
	}
	_, err = f.WriteAt(data, 0)
	return errors.Join(err, f.Truncate(int64(len(data))))
}

// readHolder reads who has the lock; not knowing is no error.
func readHolder(f *os.File) (h Holder) {
	data := make([]byte, maxHolder)
	n, _ := f.ReadAt(data, 0)
	// Behind the first value there may be the end of an older one.
	if json.NewDecoder(bytes.NewReader(data[:n])).Decode(&h) != nil {
		return Holder{}
	}
	return h
}
