package asset

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"github.com/okd-install/okd-install/pkg/seal"
	"github.com/okd-install/okd-install/pkg/workdir"
)

// valueOf is the value that an earlier run left of an asset; false if there is none.
func valueOf[T any](st *state, a Asset[T]) (value T, ok bool, err error) {
	rec := st.Assets[a.n.name]
	if rec == nil || rec.stored() == nil {
		return value, false, nil
	}
	v, err := a.n.decode(rec.stored())
	if err != nil {
		return value, false, err
	}
	return v.(T), true, nil
}

// Stored is the value that the last run left of an asset. It needs no lock, because the
// state is replaced as a whole. It fails with fs.ErrNotExist if there is no value, and
// with *StateError if the state cannot be read. The key may be nil.
func Stored[T any](dir string, key *seal.Key, a Asset[T]) (T, error) {
	st, _, err := readState(workdir.Unlocked(dir), key)
	if err != nil {
		var none T
		return none, err
	}
	value, ok, err := valueOf(st, a)
	if err == nil && !ok {
		err = fmt.Errorf("read %s from the state in %s: %w", a.n.name, dir, fs.ErrNotExist)
	}
	return value, err
}

// Recall is Stored for an open store; false if there is no value.
func Recall[T any](s *Store, a Asset[T]) (value T, ok bool, err error) {
	s.saver.view(func(st *state) { value, ok, err = valueOf(st, a) })
	return value, ok, err
}

// Remembers reports whether an earlier run left a value of an asset.
func Remembers[T any](s *Store, a Asset[T]) (yes bool) {
	s.saver.view(func(st *state) { yes = st.Assets[a.n.name] != nil })
	return yes
}

// Remember stores the value of a parameter, on disk when it returns, whatever later
// runs do. It is for decisions that must not be made twice.
func Remember[T any](s *Store, p Asset[T], value T) error {
	raw, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encode %s: %w", p.n.name, err)
	}
	return s.saver.commit(func(st *state) { st.Assets[p.n.name] = &record{Digest: sha(raw), Value: raw} })
}

// Generated lists the files in a directory that earlier runs wrote and that nobody
// edited since. It needs no lock.
func Generated(dir string, key *seal.Key) ([]string, error) {
	d := workdir.Unlocked(dir)
	st, _, err := readState(d, key)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, rec := range st.Assets {
		found, err := readFiles(d, slices.Collect(maps.Keys(rec.Files)), nil)
		if err != nil {
			return nil, err
		}
		for p, data := range found {
			if rec.Edited[p] == "" && rec.Files[p].is(sha(data)) {
				out = append(out, p)
			}
		}
	}
	slices.Sort(out)
	return out, nil
}

// Reseal encrypts the state of a directory with another key, or stores it as plain text
// if to is nil. It locks the directory.
func Reseal(dir string, from, to *seal.Key, by workdir.Holder) error {
	lock, err := workdir.Take(dir, by)
	if err != nil {
		return err
	}
	err = rewrite(lock, from, func(s *saver) (err error) {
		if s.st.Version == 0 {
			return &StateError{Path: s.disk.Full(StateName), Why: "there is none yet",
				next: "name the directory of the installation with --dir"}
		}
		if s.box = nil; to != nil {
			if s.box, err = newBox(to); err != nil {
				return err
			}
		}
		return s.commit(func(*state) {})
	})
	return errors.Join(err, lock.Unlock())
}

// rewrite changes the state of a locked directory.
func rewrite(lock *workdir.Lock, key *seal.Key, change func(*saver) error) error {
	d, err := lock.Open()
	if err != nil {
		return err
	}
	st, box, err := readState(d, key)
	if err == nil {
		err = change(&saver{disk: d, st: st, box: box})
	}
	return errors.Join(err, d.Close())
}

func newBox(key *seal.Key) (*seal.Box, error) {
	box, err := key.NewBox()
	if err != nil {
		return nil, fmt.Errorf("encrypt the state: %w", err)
	}
	return box, nil
}

// Provide sets what a source is if its file does not exist.
func Provide(s *Store, source Asset[[]byte], data []byte) { s.params[source.n.name] = data }

// Missing reports whether the file of a source does not exist, whatever the state has of it.
func Missing(s *Store, source Asset[[]byte]) (bool, error) {
	_, err := s.disk.Read(source.n.path)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	return false, err
}
