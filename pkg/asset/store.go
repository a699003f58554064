package asset

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/event"
)

// Options are what a store needs besides its directory.
type Options struct {
	Clock  clock.Clock // default: the machine's
	Rand   io.Reader   // default: the system's; another one makes every byte reproducible
	Events event.Sink  // default: none
	Edited Policy
}

// Store evaluates assets and remembers them in a directory. It is meant for one
// caller at a time.
type Store struct {
	dir    string
	opts   Options
	seed   *[32]byte // nil: system randomness
	lock   *os.File
	saver  *saver
	params map[string]any
	closed bool
}

// Open takes the directory, which is made if need be, for this process and
// reads what earlier runs left in it.
func Open(dir string, opts Options) (*Store, error) {
	if opts.Clock == nil {
		opts.Clock = clock.Real()
	}
	if opts.Events == nil {
		opts.Events = event.Discard
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("make asset directory: %w", err)
	}
	held, err := lock(dir)
	if err != nil {
		return nil, err
	}
	st, err := readState(dir)
	if err = errors.Join(err, sweep(dir)); err != nil {
		held.Close()
		return nil, err
	}
	s := &Store{dir: dir, opts: opts, lock: held, saver: startSaver(dir, st), params: map[string]any{}}
	if opts.Rand != nil {
		s.seed = new([32]byte)
		if _, err := io.ReadFull(opts.Rand, s.seed[:]); err != nil {
			return nil, errors.Join(fmt.Errorf("read randomness: %w", err), s.Close())
		}
	}
	return s, nil
}

// Close saves the state and frees the directory. Closing again does nothing.
func (s *Store) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	return errors.Join(s.saver.close(), s.lock.Close())
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
	s.saver.change(func(st *state) { st.Started = &now })
	return s.saver.flush()
}

// Set gives a parameter its value for the runs to come.
func Set[T any](s *Store, p Asset[T], value T) { s.params[p.n.name] = value }

// Remembers says whether an earlier run left a value of the asset.
func Remembers[T any](s *Store, a Asset[T]) (yes bool) {
	s.saver.view(func(st *state) { yes = st.Assets[a.n.name] != nil })
	return yes
}

// Stored is the value that the last run left in a directory, which may be in
// use. It fails with fs.ErrNotExist if there is none.
func Stored[T any](dir string, a Asset[T]) (value T, err error) {
	st, err := readState(dir)
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
func Generated(dir string) ([]string, error) {
	st, err := readState(dir)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, rec := range st.Assets {
		disk, err := onDisk(dir, slices.Collect(maps.Keys(rec.Files)), nil)
		if err != nil {
			return nil, err
		}
		for p, data := range disk {
			if rec.Edited[p] == "" && sha(data) == rec.Files[p].SHA256 {
				out = append(out, p)
			}
		}
	}
	slices.Sort(out)
	return out, nil
}

// Run evaluates the assets, writes the files of those in write, and returns all
// values. Nothing is written unless every asset could be evaluated.
func (s *Store) Run(ctx context.Context, write, need []Ref) (*Result, error) {
	r := &run{store: s, env: s.opts.Clock.Now(), futures: map[*node]*future{}, frozen: !s.Started().IsZero()}
	targets := append(nodes(write), nodes(need)...)
	if err := r.evaluate(ctx, targets); err != nil {
		return nil, errors.Join(err, s.saver.flush())
	}
	if err := s.saver.flush(); err != nil {
		return nil, err
	}
	if err := r.write(nodes(write)); err != nil {
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

func (s *Store) path(p string) string { return filepath.Join(s.dir, filepath.FromSlash(p)) }

// randFor is the asset's own stream of randomness.
func (s *Store) randFor(n *node) io.Reader {
	if s.seed == nil {
		return rand.Reader
	}
	return mathrand.NewChaCha8(sha256.Sum256(append(s.seed[:], n.name...)))
}
