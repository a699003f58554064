package asset

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"time"
)

// MissingError says that a file which the user has to provide is not there.
type MissingError struct{ Path string }

func (e *MissingError) Error() string { return "read " + e.Path + ": no such file" }

// ConflictError says that a file was edited and that what it is made from
// changed as well, so that one of the two would have to be discarded.
type ConflictError struct {
	Asset  string
	Files  []string // edited or removed by the user, relative to the asset directory
	Causes []string // what changed
	// NoState says that the files were there before anything was generated.
	NoState bool
}

func (e *ConflictError) Error() string {
	if e.NoState {
		return fmt.Sprintf("generate %s: there already is %s, of unknown origin; run again with --keep-edited to use it, "+
			"with --overwrite-edited to replace it, or use another directory",
			e.Asset, strings.Join(e.Files, ", "))
	}
	was := "was"
	if len(e.Files) > 1 {
		was = "were"
	}
	return fmt.Sprintf("generate %s: %s %s edited, and what is behind it changed as well: %s; run again with "+
		"--keep-edited to keep the edit, or with --overwrite-edited to discard it",
		e.Asset, strings.Join(e.Files, ", "), was, strings.Join(e.Causes, ", "))
}

// Next is what to do about it.
func (e *ConflictError) Next() string {
	if e.NoState {
		return "keys and names in these files were drawn for another cluster, or by a run whose state is lost: move them " +
			"away to have them made anew"
	}
	return "compare the file with what the change asks for, then repeat the command with one of the two flags, or take " +
		"the change back"
}

// ChangedError says that somebody edited a file while a run was at work.
type ChangedError struct{ Path string }

func (e *ChangedError) Error() string {
	return "write " + e.Path + ": somebody changed it while this command was running"
}

// Next is what to do about it.
func (e *ChangedError) Next() string { return "run the same command again: it sees the new content" }

// Holder is who works in a directory.
type Holder struct {
	PID     int       `json:"pid"` // zero if unknown
	Host    string    `json:"host"`
	Command string    `json:"command"`
	Since   time.Time `json:"since"`
}

// LockedError says that another run works in the same directory.
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

// StateError says that the state file cannot be used.
type StateError struct {
	Path string
	Why  string
	next string
	err  error // may be nil
}

func (e *StateError) Error() string { return "read " + e.Path + ": " + e.Why }
func (e *StateError) Unwrap() error { return e.err }

// Next is what to do about it.
func (e *StateError) Next() string { return e.next }

// ErrSealed is in the chain of errors about an encrypted state without its key.
var ErrSealed = errors.New("the state is encrypted")

// FileError says that a file of the directory could not be read or written.
type FileError struct {
	Op   string
	Path string
	Err  error
}

func (e *FileError) Error() string { return e.Op + " " + e.Path + ": " + e.Err.Error() }
func (e *FileError) Unwrap() error { return e.Err }

// What stands where a file or a directory should be.
var (
	errLink         = errors.New("it is a symbolic link, and nothing is written through one")
	errLostLink     = errors.New("it is a symbolic link that leads nowhere")
	errDirectory    = errors.New("it is a directory, and should be a file")
	errNotDirectory = errors.New("it is no directory")
	errNoFile       = errors.New("it is neither a file nor a directory")
)

// Next is what to do about it.
func (e *FileError) Next() string {
	switch {
	case errors.Is(e.Err, syscall.ENOSPC), errors.Is(e.Err, syscall.EDQUOT):
		return "free some space there and run the same command again; nothing is lost"
	case errors.Is(e.Err, syscall.EROFS):
		return "the file system is read-only: mount it for writing, or copy the directory elsewhere and name the copy " +
			"with --dir"
	case errors.Is(e.Err, fs.ErrPermission):
		return "let this user read and write the directory and all that is in it"
	case errors.Is(e.Err, syscall.ENOLCK), errors.Is(e.Err, syscall.EOPNOTSUPP), errors.Is(e.Err, syscall.ENOSYS):
		return "this file system does not lock files: copy the directory to a local disk and name the copy with --dir"
	case errors.Is(e.Err, errLink), errors.Is(e.Err, errLostLink), errors.Is(e.Err, errDirectory),
		errors.Is(e.Err, errNotDirectory), errors.Is(e.Err, errNoFile):
		return "move it away and run the same command again"
	case errors.Is(e.Err, syscall.EIO):
		return "the disk fails: copy the directory elsewhere and name the copy with --dir"
	}
	return ""
}

// fileError names an operation and a file once: the system's own errors name
// them again, or a file that is of no interest.
func fileError(op, path string, err error) error {
	for {
		switch e := err.(type) { //nolint:errorlint // peels one layer after the other
		case *fs.PathError:
			err = e.Err
			continue
		case *os.LinkError:
			err = e.Err
			continue
		case interface{ Unwrap() []error }: // errors.Join of writing and closing
			err = e.Unwrap()[0]
			continue
		}
		return &FileError{op, path, err}
	}
}
