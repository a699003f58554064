package asset

import (
	"fmt"
	"io/fs"
	"maps"
	"time"

	"github.com/okd-install/okd-install/pkg/seal"
	"github.com/okd-install/okd-install/pkg/workdir"
)

// Past is what a state records about the cluster that was made from its assets.
type Past struct {
	Started time.Time            // when machines were first started; zero if never
	Marks   map[string]time.Time // what happened since, and when
}

func (st *state) past() Past {
	past := Past{Marks: maps.Clone(st.Marks)}
	if st.Started != nil {
		past.Started = *st.Started
	}
	return past
}

// mark records the time of an event. It copies the map, because an earlier version of
// the state may be on its way to the disk.
func (st *state) mark(name string, at time.Time) {
	marks := map[string]time.Time{name: at.UTC()}
	maps.Copy(marks, st.Marks) // the first time counts
	st.Marks = marks
}

// Past returns what the state records about the cluster.
func (s *Store) Past() (past Past) {
	s.saver.view(func(st *state) { past = st.past() })
	return past
}

// StoredPast is Store.Past without a lock. It fails like Stored.
func StoredPast(dir string, key *seal.Key) (Past, error) {
	st, _, err := readState(workdir.Unlocked(dir), key)
	if err != nil {
		return Past{}, err
	}
	return st.past(), nil
}

// MarkStarted records, on disk when it returns, that machines are started from the
// assets. From then on values are reused as they are, even if files change or
// certificates expire, because a running cluster has them.
func (s *Store) MarkStarted() error {
	if !s.Past().Started.IsZero() {
		return nil
	}
	now := s.opts.Clock.Now().UTC()
	return s.saver.commit(func(st *state) { st.Started = &now })
}

// Mark records an event, on disk when it returns. The first time counts.
func (s *Store) Mark(name string) error {
	if !s.Past().Marks[name].IsZero() {
		return nil
	}
	now := s.opts.Clock.Now()
	return s.saver.commit(func(st *state) { st.mark(name, now) })
}

// MarkLocked is Store.Mark without a Store. It fails with fs.ErrNotExist if there is no
// state of a cluster, and with *StateError if it cannot be read.
func MarkLocked(lock *workdir.Lock, key *seal.Key, name string, at time.Time) error {
	return rewrite(lock, key, func(s *saver) error {
		switch {
		case len(s.st.Assets) == 0: // drafts alone do not make a cluster
			return fmt.Errorf("mark the state: %w", fs.ErrNotExist)
		case !s.st.Marks[name].IsZero():
			return nil
		}
		return s.commit(func(st *state) { st.mark(name, at) })
	})
}
