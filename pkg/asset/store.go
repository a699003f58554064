package asset

import (
	"context"
	"errors"
	"slices"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/seal"
	"github.com/okd-install/okd-install/pkg/workdir"
)

// Options configure a Store.
type Options struct {
	Clock  clock.Clock // default: the machine's
	Events event.Sink  // default: none
	Edited Policy
	// Command is what the user typed, for processes that find the directory locked.
	Command string
	// Version of the installer, for older ones that cannot read the state.
	Version string
	// Key encrypts the state. An encrypted state cannot be opened without it. A plain
	// one is encrypted from now on.
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

// Store evaluates assets and keeps them in a directory. Use it from one goroutine.
type Store struct {
	disk   *workdir.Dir
	opts   Options
	saver  *saver
	params map[string]any
	kept   map[*node]*future // see Keep
	// withholdings are by the names of sources and parameters.
	withholdings map[string]Withholding
	closed       bool
}

// Open makes the directory if necessary, locks it and reads its state.
func Open(dir string, opts Options) (*Store, error) {
	opts = opts.withDefaults()
	d, err := workdir.Open(dir, workdir.Self(opts.Command, opts.Clock.Now()))
	if err != nil {
		return nil, err
	}
	s := &Store{disk: d, opts: opts, params: map[string]any{}}
	if err := s.load(); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return s, nil
}

// load reads the state, and encrypts it if a key was given for the first time.
func (s *Store) load() error {
	st, box, err := readState(s.disk, s.opts.Key)
	if err != nil {
		return err
	}
	if err := s.disk.Sweep(); err != nil {
		return err
	}
	// Some ways of restoring a backup let other users read the state.
	mode, err := s.disk.Protect(StateName, SecretMode)
	if mode != SecretMode {
		event.Warn(s.opts.Events, "the state was readable for others; it holds every key of the cluster",
			"file", StateName, "mode", mode.String())
	}
	if err != nil {
		return err
	}
	st.Version, st.Writer = stateVersion, s.opts.Version
	fresh := box == nil && s.opts.Key != nil
	if fresh {
		if box, err = newBox(s.opts.Key); err != nil {
			return err
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

// Close saves the state and unlocks the directory. Closing again does nothing.
func (s *Store) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	return errors.Join(s.saver.close(), s.disk.Close())
}

// Set sets the value of a parameter or Builtin for the following runs.
func Set[T any](s *Store, p Asset[T], value T) { s.params[p.n.name] = value }

// Run evaluates the assets, writes the files of those in write, and returns all values.
// If any asset fails, nothing is written and the assets in the state stay. A run with
// an empty write changes nothing either, but keeps the values that it has drawn.
func (s *Store) Run(ctx context.Context, write, need []Ref) (*Result, error) {
	r := &run{store: s, now: s.opts.Clock.Now(), futures: map[*node]*future{}, frozen: !s.Past().Started.IsZero()}
	err := r.evaluate(ctx, slices.Concat(nodes(write), nodes(need)))
	if err != nil || len(write) == 0 {
		err = errors.Join(err, s.saver.flush())
	} else {
		err = r.conclude(nodes(write))
	}
	if err != nil {
		return nil, err
	}
	return &Result{r.futures}, nil
}

// Result has the values of a run.
type Result struct{ futures map[*node]*future }

// Keep lets later runs take the values that are not stored from the result of an earlier one, as
// long as they are made from the same. A command that has to run twice then has, say, the hosts of a
// large cluster in memory once. Nil lets go of them.
func (s *Store) Keep(r *Result) {
	if s.kept = nil; r != nil {
		s.kept = r.futures
	}
}

// Edited reports whether the user changed files of an asset that was evaluated.
func Edited(r *Result, a Asset[Files]) bool { return len(r.futures[a.n].next.Edited) > 0 }

// Of returns the value of an asset that was evaluated.
func Of[T any](r *Result, a Asset[T]) T {
	f, ok := r.futures[a.n]
	if !ok {
		panic("asset " + a.n.name + " was not part of the run")
	}
	return f.value.(T)
}
