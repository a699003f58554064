package asset

import (
	"encoding/json"
	"fmt"
	"sync"

	"github.com/okd-install/okd-install/pkg/seal"
	"github.com/okd-install/okd-install/pkg/workdir"
)

// saver writes the state in the background, one version after the other. Changes during
// a write go into the next.
type saver struct {
	disk *workdir.Dir
	box  *seal.Box  // nil: not encrypted
	mu   sync.Mutex // guards st and pending
	st   *state
	// pending says that st has changes which no save has picked up yet.
	pending bool
	wake    chan struct{}
	done    chan struct{}
	saving  sync.Mutex // held by whoever writes the file; guards err
	err     error
}

func startSaver(d *workdir.Dir, st *state, box *seal.Box) *saver {
	s := &saver{disk: d, st: st, box: box, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go func() {
		defer close(s.done)
		for range s.wake {
			_ = s.flush() // kept in err, which the caller's own flush returns
		}
	}()
	return s
}

// change applies f to the state and has it saved soon.
func (s *saver) change(f func(*state)) {
	s.apply(f)
	select {
	case s.wake <- struct{}{}:
	default: // a save that has not begun will see the change
	}
}

// commit applies f to the state and returns once it is on disk.
func (s *saver) commit(f func(*state)) error {
	s.apply(f)
	return s.flush()
}

func (s *saver) apply(f func(*state)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s.st)
	s.pending = true
}

// view calls f with the state, which f must not change.
func (s *saver) view(f func(*state)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s.st)
}

// flush returns when every change so far is on disk. It retries a failed save.
func (s *saver) flush() error {
	s.saving.Lock()
	defer s.saving.Unlock()
	s.mu.Lock()
	if !s.pending && s.err == nil {
		s.mu.Unlock()
		return nil
	}
	s.pending = false
	data, err := json.Marshal(s.st)
	s.mu.Unlock()
	if err == nil && s.box != nil {
		data, err = s.box.Seal(data)
	}
	if err == nil {
		err = s.disk.Write(Files{NewFile(StateName, data)})
	}
	if s.err = err; err != nil {
		return fmt.Errorf("save state: %w", err)
	}
	return nil
}

// close saves what is left.
func (s *saver) close() error {
	close(s.wake)
	<-s.done
	return s.flush()
}
