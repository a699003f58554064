package workdir

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// Error says that a file of the directory could not be read or written.
type Error struct {
	Op   string
	Path string
	Err  error
}

func (e *Error) Error() string { return e.Op + " " + e.Path + ": " + e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// What is in the place of a file or a directory.
var (
	errLink         = errors.New("it is a symbolic link, and nothing is written through one")
	errLostLink     = errors.New("it is a symbolic link that leads nowhere")
	errDirectory    = errors.New("it is a directory, and should be a file")
	errNotDirectory = errors.New("it is not a directory")
	errNoFile       = errors.New("it is neither a file nor a directory")
)

// Next is what to do about it.
func (e *Error) Next() string {
	is := func(targets ...error) bool {
		for _, target := range targets {
			if errors.Is(e.Err, target) {
				return true
			}
		}
		return false
	}
	switch {
	case is(syscall.ENOSPC, syscall.EDQUOT):
		return "free some space there and run the same command again; nothing is lost"
	case is(syscall.EROFS):
		return "the file system is read-only: mount it for writing, or copy the directory elsewhere and name the copy " +
			"with --dir"
	case is(fs.ErrPermission):
		return "let this user read and write the directory and all that is in it"
	case is(syscall.ENOLCK, syscall.EOPNOTSUPP, syscall.ENOSYS):
		return "this file system does not lock files: copy the directory to a local disk and name the copy with --dir"
	case is(errLink, errLostLink, errDirectory, errNotDirectory, errNoFile):
		return "move it away and run the same command again"
	case is(syscall.EIO):
		return "the disk fails: copy the directory elsewhere and name the copy with --dir"
	}
	return ""
}

// wrap names an operation and a file once: the system's own errors name them again,
// or a temporary file. It returns nil for nil, and an *Error as it is.
func wrap(op, path string, err error) error {
	for {
		switch e := err.(type) { //nolint:errorlint // peels one layer after the other
		case nil:
			return nil
		case *Error:
			return e
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
		return &Error{op, path, err}
	}
}
