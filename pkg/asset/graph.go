package asset

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
)

// Asset is a named value of type T, computed from other assets. It is only the
// declaration: a Store evaluates it, and the Result has the value.
type Asset[T any] struct{ n *node }

// Ref is an asset of any type.
type Ref interface{ ref() *node }

func (a Asset[T]) ref() *node { return a.n }

// Name is the name of the asset in the state, in graphs and in messages.
func (a Asset[T]) Name() string { return a.n.name }

// Env is what a computation may use besides its inputs and crypto/rand.
type Env struct {
	// Now is the time at which the run began.
	Now time.Time
}

type kind int

const (
	kindValue     kind = iota // kept in the state
	kindTransient             // computed in every run
	kindParam                 // set by the caller
	kindSource                // a file that the user wrote
	kindFiles                 // files that the user may edit
	kindBuiltin               // a part of the program
)

type node struct {
	name string
	kind kind
	deps []*node
	path string // kindSource
	// kindSource: the file may be missing, and is read only if all inputs are true.
	optional bool
	dirs     []string // kindFiles: directories that belong to this asset
	except   []string // kindFiles: files in them that are another asset's
	bound    []string // kindFiles: see Bound
	claims   []string // kindFiles: see Claims
	grows    bool     // kindFiles: see Grows
	secretOf *node    // kindFiles: see Confidential
	living   bool     // see Living
	compute  func(Env, []any) (any, error)
	decode   func(json.RawMessage) (any, error)
}

// Option configures an asset.
type Option func(*node)

// Transient makes an asset that is computed in every run and never stored. It must not
// depend on randomness or the time.
func Transient() Option { return func(n *node) { n.kind = kindTransient } }

// OwnsDir says that all manifests in dir belong to the asset, including those that a
// user adds, except for files of other assets.
func OwnsDir(dir string, except ...string) Option {
	return func(n *node) { n.dirs, n.except = append(n.dirs, dir), append(n.except, except...) }
}

// Bound names files in an owned directory, by patterns of path.Match, with keys or names
// that were drawn for one cluster. They are not adopted if their origin is unknown.
func Bound(patterns ...string) Option {
	return func(n *node) { n.bound = append(n.bound, patterns...) }
}

// Claims names files that belong to the asset even if it does not generate them: a user may
// provide them.
func Claims(paths ...string) Option { return func(n *node) { n.claims = append(n.claims, paths...) } }

// Grows says that the running cluster adds to the files of this asset.
func Grows() Option { return func(n *node) { n.grows = true } }

// Living says that an asset goes on to change after machines were started: they were not
// started with it.
func (a Asset[T]) Living() Asset[T] {
	a.n.living = true
	return a
}

// adopts reports whether a file that existed before the first run counts as an edit.
func (n *node) adopts(p string) bool {
	if slices.Contains(n.claims, p) {
		return true
	}
	return slices.Contains(n.dirs, path.Dir(p)) && !slices.ContainsFunc(n.bound, func(pattern string) bool {
		is, err := path.Match(pattern, p)
		return is || err != nil
	})
}

// Canonical is implemented by values with secrets, whose changes JSON would hide. The
// result is only hashed.
type Canonical interface{ Canonical() []byte }

// Expirer is implemented by values that go stale. Stale returns why the value can no
// longer be used, empty if it can.
type Expirer interface{ Stale(now time.Time) string }

// Param declares a value that the caller sets for each run.
func Param[T any](name string) Asset[T] { return external[T](name, kindParam) }

// Builtin declares a value that is part of the program, such as a list of
// implementations. The caller sets it for each run. It is not kept in the state, and
// a change of it alone regenerates nothing.
func Builtin[T any](name string) Asset[T] { return external[T](name, kindBuiltin) }

func external[T any](name string, k kind) Asset[T] {
	a := declare[T](name, nil, nil)
	a.n.kind = k
	return a
}

// Source declares a file that the user provides.
func Source(name, path string) Asset[[]byte] {
	a := external[[]byte](name, kindSource)
	a.n.path = path
	return a
}

// OptionalSource declares a file that the user may provide. Its value is nil if there is
// no such file or a switch is off. If a file that was used goes missing, the copy in
// the state is used, as for other sources.
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
	return declare[T](name, opts, func(e Env, in []any) (any, error) {
		values := make([]A, len(in))
		for i, v := range in {
			values[i] = v.(A)
		}
		return fn(e, values)
	}, deps...)
}

func declare[T any](name string, opts []Option, compute func(Env, []any) (any, error), deps ...*node) Asset[T] {
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
	return Asset[T]{n}
}

// walk calls visit once for every asset that the targets need, inputs first, always in
// the same order.
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

// Dot draws the graph that ends in the given assets, for Graphviz.
func Dot(targets ...Ref) string {
	shapes := map[kind]string{
		kindValue: "ellipse", kindTransient: "ellipse", kindParam: "cds", kindSource: "note", kindFiles: "folder",
		kindBuiltin: "component",
	}
	var b strings.Builder
	b.WriteString("digraph okd_install {\n  rankdir=LR;\n")
	walk(nodes(targets), func(n *node) {
		style := ""
		if n.kind == kindTransient {
			style = ", style=dashed"
		}
		fmt.Fprintf(&b, "  %q [shape=%s%s];\n", n.name, shapes[n.kind], style)
		for _, d := range n.deps {
			fmt.Fprintf(&b, "  %q -> %q;\n", d.name, n.name)
		}
	})
	b.WriteString("}\n")
	return b.String()
}

func nodes(refs []Ref) []*node {
	out := make([]*node, len(refs))
	for i, r := range refs {
		out[i] = r.ref()
	}
	return out
}
