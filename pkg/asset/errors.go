package asset

import (
	"fmt"
	"strings"
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
		return fmt.Sprintf("generate %s: there already is %s, of unknown origin; run again with --keep-edited to use it, with --overwrite-edited to replace it, or use another directory",
			e.Asset, strings.Join(e.Files, ", "))
	}
	was := "was"
	if len(e.Files) > 1 {
		was = "were"
	}
	return fmt.Sprintf("generate %s: %s %s edited, and what is behind it changed as well: %s; run again with --keep-edited to keep the edit, or with --overwrite-edited to discard it",
		e.Asset, strings.Join(e.Files, ", "), was, strings.Join(e.Causes, ", "))
}

// LockedError says that another run works in the same directory.
type LockedError struct {
	Dir string
	PID int // zero if unknown
}

func (e *LockedError) Error() string {
	holder := "another process"
	if e.PID > 0 {
		holder = fmt.Sprintf("process %d", e.PID)
	}
	return fmt.Sprintf("lock %s: %s is working in it; wait until it has ended", e.Dir, holder)
}

// ForeignStateError says that the state file was written by something else.
type ForeignStateError struct{ Path string }

func (e *ForeignStateError) Error() string {
	return fmt.Sprintf("read %s: not a state file of this installer; use another directory, or move the file away to start from nothing", e.Path)
}
