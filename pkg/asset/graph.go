package asset

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"time"
)

// Asset is a named value of type T, computed from other assets. It holds no
// value itself: a Store evaluates it, a Result has what came out.
type Asset[T any] struct{ n *node }

// Ref is an asset of any type.
type Ref interface{ ref() *node }

func (a Asset[T]) ref() *node { return a.n }

// Name is what the asset is called in the state, in graphs and in messages.
func (a Asset[T]) Name() string { return a.n.name }

// Env is what a computation may use besides its inputs and randomness, which
// comes from crypto/rand.
type Env struct {
	// Now is the time at which the run began.
	Now time.Time
}

type kind int

const (
	kindValue     kind = iota // kept in the state
	kindTransient             // computed in every run
	kindParam                 // given by the caller
	kindSource                // a file that the user wrote
	kindFiles                 // files that the user may edit
	kindBuiltin               // a part of the program
)

type node struct {
	name string
	kind kind
	deps []*node
	path string // kindSource
	// kindSource: it may be missing; then its inputs are switches, and while one
	// is off the file is not read.
	optional bool
	dirs     []string // kindFiles: directories that belong to this asset
	except   []string // kindFiles: files in them that are another asset's
	bound    []string // kindFiles: see Bound
	grows    bool     // kindFiles: see Grows
	compute  func(Env, []any) (any, error)
	decode   func(json.RawMessage) (any, error)
}

// Option changes how the store treats an asset.
type Option func(*node)

// Transient makes an asset that is computed in every run and never stored. It
// must not use randomness or the time.
func Transient() Option { return func(n *node) { n.kind = kindTransient } }

// OwnsDir says that all manifests in dir are this asset's: files that a user
// adds there become part of it, files that a user removes leave it. Excepted are
// paths at which another asset writes.
func OwnsDir(dir string, except ...string) Option {
	return func(n *node) { n.dirs, n.except = append(n.dirs, dir), append(n.except, except...) }
}

// Bound names files in an owned directory that hold keys or names which were
// drawn for this cluster. Such a file of unknown origin is not taken for the
// user's wish unasked: it does not fit the rest. Paths are patterns as of
// path.Match.
func Bound(patterns ...string) Option {
	return func(n *node) { n.bound = append(n.bound, patterns...) }
}

// Grows says that the running cluster adds to the files of this asset.
func Grows() Option { return func(n *node) { n.grows = true } }

// adopts reports whether a file that was there before anything was generated is
// taken for the user's own version.
func (n *node) adopts(p string) bool {
	return slices.Contains(n.dirs, path.Dir(p)) && !slices.ContainsFunc(n.bound, func(pattern string) bool {
		is, err := path.Match(pattern, p)
		return is || err != nil
	})
}

// Canonical is implemented by values that hold secrets: JSON hides those, and a
// change would go unnoticed. What it returns is only ever hashed.
type Canonical interface{ Canonical() []byte }

// Expirer is implemented by values that go stale. Stale says why a value must
// not be used any more, empty while it may.
type Expirer interface{ Stale(now time.Time) string }

// Param declares a value that the caller sets for each run.
func Param[T any](name string) Asset[T] {
	n := declare[T](name, nil, nil)
	n.kind = kindParam
	return Asset[T]{n}
}

// Builtin declares a value that is part of the program, like a list of
// implementations. The caller sets it for each run; it is not kept in the state,
// and another value alone makes nothing anew.
func Builtin[T any](name string) Asset[T] {
	n := declare[T](name, nil, nil)
	n.kind = kindBuiltin
	return Asset[T]{n}
}

// Source declares a file that the user provides.
func Source(name, path string) Asset[[]byte] {
	n := declare[[]byte](name, nil, nil)
	n.kind, n.path = kindSource, path
	return Asset[[]byte]{n}
}

// OptionalSource declares a file that the user may provide. Its value is nil
// while there is no such file, or while a switch is off. Once it was used, it
// is used from the state if it goes missing, as other sources are.
func OptionalSource(name, path string, switches ...Asset[bool]) Asset[[]byte] {
	a := Source(name, path)
	a.n.optional = true
	for _, s := range switches {
		a.n.deps = append(a.n.deps, s.n)
	}
	return a
}

// FromAll declares an asset that is computed from any number of assets of one
// type, which it gets in the order given.
func FromAll[A, T any](name string, of []Asset[A], fn func(Env, []A) (T, error), opts ...Option) Asset[T] {
	deps := make([]*node, len(of))
	for i, a := range of {
		deps[i] = a.n
	}
	return Asset[T]{declare[T](name, opts, func(e Env, in []any) (any, error) {
		values := make([]A, len(in))
		for i, v := range in {
			values[i] = v.(A)
		}
		return fn(e, values)
	}, deps...)}
}

func declare[T any](name string, opts []Option, compute func(Env, []any) (any, error), deps ...*node) *node {
	n := &node{name: name, deps: deps, compute: compute}
	if _, isFiles := any(Files(nil)).(T); isFiles {
		n.kind = kindFiles
	}
	n.decode = func(raw json.RawMessage) (any, error) {
		var v T
		if err := json.Unmarshal(raw, &v); err != nil {
			return nil, fmt.Errorf("decode stored %s: %w", name, err)
		}
		return v, nil
	}
	for _, o := range opts {
		o(n)
	}
	return n
}

// walk calls visit for every asset that the targets need, inputs first, each
// once and always in the same order.
func walk(targets []*node, visit func(*node)) {
	seen := map[*node]bool{}
	var down func(*node)
	down = func(n *node) {
		if seen[n] {
			return
		}
		seen[n] = true
		for _, d := range n.deps {
			down(d)
		}
		visit(n)
	}
	for _, t := range targets {
		down(t)
	}
}
