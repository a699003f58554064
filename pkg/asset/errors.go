package asset

import (
	"errors"
	"fmt"
	"strings"
)

// MissingError says that a file that the user has to provide does not exist.
type MissingError struct{ Path string }

func (e *MissingError) Error() string { return "read " + e.Path + ": no such file" }

// ConflictError says that a file was edited and that its inputs changed as well, so
// that one of the two changes would be lost.
type ConflictError struct {
	Asset  string
	Files  []string // edited or removed by the user, relative to the asset directory
	Causes []string // what changed
	// NoState says that the files existed before anything was generated.
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
		return "keys and names in these files were generated for another cluster, or by a run whose state is lost: " +
			"move them away to have them generated again"
	}
	return "compare the file with the change, then repeat the command with one of the two flags, or undo the change"
}

// ChangedError says that a file was edited during the run.
type ChangedError struct{ Path string }

func (e *ChangedError) Error() string {
	return "write " + e.Path + ": somebody changed it while this command was running"
}

// Next is what to do about it.
func (e *ChangedError) Next() string { return "run the same command again; it reads the new content" }

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
