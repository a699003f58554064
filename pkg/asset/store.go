package asset

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/seal"
)

// Options are what a store needs besides its directory.
type Options struct {
	Clock  clock.Clock // default: the machine's
	Events event.Sink  // default: none
	Edited Policy
	// Command is what the user typed, for others who find the directory taken.
	Command string
	// Version of the installer, for others who cannot read the state.
	Version string
	// Key encrypts the state. An encrypted state cannot be opened without it, a
	// plain one is encrypted from then on.
	Key *seal.Key
}

func (o Options) withDefaults() Options {
	if o.Clock == nil {
		o.Clock = clock.Real()
	}
	if o.Events == nil {
		o.Events = event.Discard
	}
	return o
}

// Store evaluates assets and remembers them in a directory. It is meant for one
// caller at a time.
type Store struct {
	disk   *disk
	opts   Options
	lock   *os.File
	saver  *saver
	params map[string]any
	closed bool
}

// Open takes the directory, which is made if need be, for this process and
// reads what earlier runs left in it.
func Open(dir string, opts Options) (*Store, error) {
	opts = opts.withDefaults()
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fileError("make asset directory", dir, err)
	}
	held, err := lock(dir, opts.holder())
	if err != nil {
		return nil, err
	}
	s := &Store{opts: opts, lock: held, params: map[string]any{}}
	if s.disk, err = openDisk(dir); err != nil {
		return nil, errors.Join(err, held.Close())
	}
	if err := s.load(); err != nil {
		return nil, errors.Join(err, s.disk.close(), held.Close())
	}
	return s, nil
}

// load reads the state, and encrypts it if that is what is wanted now.
func (s *Store) load() error {
	st, box, err := readState(s.disk, s.opts.Key)
	if err != nil {
		return err
	}
	if err := s.disk.sweep(); err != nil {
		return err
	}
	if err := s.tighten(); err != nil {
		return err
	}
	st.Version, st.Writer = stateVersion, s.opts.Version
	fresh := box == nil && s.opts.Key != nil
	if fresh {
		if box, err = s.opts.Key.NewBox(); err != nil {
			return fmt.Errorf("encrypt the state: %w", err)
		}
	}
	s.saver = startSaver(s.disk, st, box)
	if fresh && len(st.Assets)+len(st.Drafts) > 0 {
		if err := s.saver.commit(func(*state) {}); err != nil {
			return errors.Join(err, s.saver.close())
		}
		event.Info(s.opts.Events, "the state is encrypted from now on", "file", StateName)
	}
	return nil
}

// tighten takes a state away from other users of the machine, who can read it
// after some ways of restoring a backup.
func (s *Store) tighten() error {
	info, err := s.disk.root.Stat(StateName)
	if err != nil || info.Mode().Perm()&^SecretMode == 0 {
		return nil // there is none, or it is well
	}
	event.Warn(s.opts.Events, "the state was readable for others; it holds every key of the cluster",
		"file", StateName, "mode", info.Mode().Perm().String())
	if err := s.disk.root.Chmod(StateName, SecretMode); err != nil {
		return fileError("protect", s.disk.full(StateName), err)
	}
	return nil
}

// Close saves the state and frees the directory. Closing again does nothing.
func (s *Store) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	return errors.Join(s.saver.close(), s.disk.close(), s.lock.Close())
}

// Started is when machines were first started from the assets, zero if never.
func (s *Store) Started() (t time.Time) {
	s.saver.view(func(st *state) {
		if st.Started != nil {
			t = *st.Started
		}
	})
	return t
}

// MarkStarted remembers, on disk when it returns, that machines are started
// from the assets. From then on values are reused as they are, whatever changes
// in files or expires: a running cluster has them.
func (s *Store) MarkStarted() error {
	if !s.Started().IsZero() {
		return nil
	}
	now := s.opts.Clock.Now().UTC()
	return s.saver.commit(func(st *state) { st.Started = &now })
}

// Set gives a parameter, or a part of the program, its value for the runs to come.
func Set[T any](s *Store, p Asset[T], value T) { s.params[p.n.name] = value }

// Remembers reports whether an earlier run left a value of the asset.
func Remembers[T any](s *Store, a Asset[T]) (yes bool) {
	s.saver.view(func(st *state) { yes = st.Assets[a.n.name] != nil })
	return yes
}

// Run evaluates the assets, writes the files of those in write, and returns all
// values. Nothing is written, and what the directory has stays as it is, unless
// every asset could be evaluated. A run that writes nothing changes nothing
// either, except that it remembers what it has drawn.
func (s *Store) Run(ctx context.Context, write, need []Ref) (*Result, error) {
	r := &run{
		store: s, now: s.opts.Clock.Now(), futures: map[*node]*future{}, stale: map[string][]string{},
		frozen: !s.Started().IsZero(),
	}
	targets := slices.Concat(nodes(write), nodes(need))
	if err := r.evaluate(ctx, targets); err != nil {
		return nil, errors.Join(err, s.saver.flush())
	}
	var err error
	if len(write) > 0 {
		err = r.conclude(nodes(write))
	} else {
		err = s.saver.flush()
	}
	if err != nil {
		return nil, err
	}
	return &Result{r.futures}, nil
}

// Result has the values of a run.
type Result struct{ futures map[*node]*future }

// Of returns the value of an asset that was evaluated.
func Of[T any](r *Result, a Asset[T]) T {
	f, ok := r.futures[a.n]
	if !ok {
		panic("asset " + a.n.name + " was not part of the run")
	}
	return f.value.(T)
}
