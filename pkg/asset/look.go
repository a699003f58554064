package asset

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"github.com/okd-install/okd-install/pkg/seal"
)

// The functions here look into a directory that may be in use. They need no
// lock: a state is replaced as a whole.

// Stored is the value that the last run left in a directory. It fails with
// fs.ErrNotExist if there is none, and with a *StateError if the state cannot
// be read. key may be nil.
func Stored[T any](dir string, key *seal.Key, a Asset[T]) (value T, err error) {
	st, err := look(dir, key)
	if err != nil {
		return value, err
	}
	rec := st.Assets[a.n.name]
	if rec == nil {
		return value, fmt.Errorf("read %s from the state in %s: %w", a.n.name, dir, fs.ErrNotExist)
	}
	v, err := a.n.decode(rec.Value)
	if err != nil {
		return value, err
	}
	return v.(T), nil
}

// Generated lists the files in a directory that earlier runs wrote and nobody
// edited since.
func Generated(dir string, key *seal.Key) ([]string, error) {
	st, err := look(dir, key)
	if err != nil {
		return nil, err
	}
	d := &disk{path: dir}
	var out []string
	for _, rec := range st.Assets {
		found, err := d.files(slices.Collect(maps.Keys(rec.Files)), nil)
		if err != nil {
			return nil, err
		}
		for p, data := range found {
			if was := rec.Files[p]; rec.Edited[p] == "" && (sha(data) == was.SHA256 || sha(data) == was.Previous) {
				out = append(out, p)
			}
		}
	}
	slices.Sort(out)
	return out, nil
}

func look(dir string, key *seal.Key) (*state, error) {
	st, _, err := readState(&disk{path: dir}, key)
	return st, err
}

// Reseal encrypts the state of a directory with another key, or with none if to
// is nil: then it is plain text again. It takes the directory's lock.
func Reseal(dir string, from, to *seal.Key, o Options) error {
	held, err := lock(dir, o.holder())
	if err != nil {
		return err
	}
	defer held.Close()
	d, err := openDisk(dir)
	if err != nil {
		return err
	}
	defer func() { _ = d.close() }()
	st, _, err := readState(d, from)
	if err != nil {
		return err
	}
	if st.Version == 0 {
		return &StateError{Path: d.full(StateName), Why: "there is none yet",
			next: "name the directory of the installation with --dir"}
	}
	var box *seal.Box
	if to != nil {
		if box, err = to.NewBox(); err != nil {
			return fmt.Errorf("encrypt the state: %w", err)
		}
	}
	s := &saver{disk: d, st: st, box: box}
	return s.commit(func(*state) {})
}
