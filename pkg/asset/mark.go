package asset

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"time"

	"github.com/okd-install/okd-install/pkg/seal"
)

// Mark remembers, on disk when it returns, that something happened to the
// cluster that was made from the assets. The first time counts.
func (s *Store) Mark(name string) error {
	if !s.marks()[name].IsZero() {
		return nil
	}
	now := s.opts.Clock.Now().UTC()
	return s.saver.commit(func(st *state) { st.mark(name, now) })
}

// mark leaves the map of an earlier version of the state alone: it may be on
// its way to the disk.
func (st *state) mark(name string, at time.Time) {
	marks := maps.Clone(st.Marks)
	if marks == nil {
		marks = map[string]time.Time{}
	}
	marks[name] = at
	st.Marks = marks
}

// Mark is Store.Mark for those who have taken the directory without opening its
// assets. It fails with fs.ErrNotExist where there is no state of a cluster, and
// with *StateError where it cannot be read.
func (l *DirLock) Mark(dir string, key *seal.Key, name string, at time.Time) (err error) {
	d, err := openDisk(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	st, box, err := readState(d, key)
	switch {
	case err != nil:
		return err
	case len(st.Assets) == 0: // drafts alone are of nothing that was made
		return fmt.Errorf("mark the state in %s: %w", dir, fs.ErrNotExist)
	case !st.Marks[name].IsZero():
		return nil
	}
	s := startSaver(d, st, box)
	return errors.Join(s.commit(func(st *state) { st.mark(name, at.UTC()) }), s.close())
}

// Past is what a state says of the cluster that was made from its assets.
type Past struct {
	Started time.Time // machines were first started, zero if never
	Marks   map[string]time.Time
}

// Past is what the state says of the cluster.
func (s *Store) Past() Past { return Past{Started: s.Started(), Marks: s.marks()} }

func (s *Store) marks() (m map[string]time.Time) {
	s.saver.view(func(st *state) { m = maps.Clone(st.Marks) })
	return m
}

// StoredPast is Store.Past without a lock. It fails like Stored.
func StoredPast(dir string, key *seal.Key) (Past, error) {
	st, err := look(dir, key)
	if err != nil {
		return Past{}, err
	}
	past := Past{Marks: st.Marks}
	if st.Started != nil {
		past.Started = *st.Started
	}
	return past, nil
}
