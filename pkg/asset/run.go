package asset

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/okd-install/okd-install/pkg/event"
)

// future is the value of an asset once done is closed.
type future struct {
	done   chan struct{}
	value  any
	digest string
	err    error
	causes []string          // what the user or time changed since the last run, here or in inputs
	next   *record           // for the state
	seen   map[string]string // digests of the files on disk that the value was compared with
	stale  []string          // why stored values went stale
	// refilled: the value is that of the state, with secrets that are not there.
	refilled bool
}

// run is one evaluation of the graph.
type run struct {
	store   *Store
	now     time.Time
	order   []*node // inputs first
	futures map[*node]*future
	frozen  bool // machines were started: values stay
}

// fixes reports whether an asset has to stay as it is.
func (r *run) fixes(n *node) bool { return r.frozen && !n.living }

var errInput = errors.New("an input failed")

// evaluate computes everything that the targets need, in parallel where possible. It
// returns all errors, not only the first.
func (r *run) evaluate(ctx context.Context, targets []*node) error {
	names := map[string]bool{}
	walk(targets, func(n *node) {
		if names[n.name] {
			panic("two assets are called " + n.name)
		}
		names[n.name] = true
		r.order = append(r.order, n)
		r.futures[n] = &future{done: make(chan struct{})}
	})
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	var wg sync.WaitGroup
	for _, n := range r.order {
		wg.Go(func() {
			f := r.futures[n]
			defer close(f.done)
			for _, d := range n.deps {
				<-r.futures[d].done
				if r.futures[d].err != nil {
					f.err = errInput
				}
			}
			if f.err != nil {
				return
			}
			slots <- struct{}{}
			defer func() { <-slots }()
			if f.err = ctx.Err(); f.err == nil {
				f.err = r.resolve(n, f)
			}
		})
	}
	wg.Wait()
	r.sayStale()
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("generate assets: %w", err)
	}
	var errs []error
	for _, n := range r.order {
		if err := r.futures[n].err; err != nil && !errors.Is(err, errInput) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// resolve finds the value of an asset whose inputs are known.
func (r *run) resolve(n *node, f *future) (err error) {
	if n.kind == kindBuiltin {
		f.value, err = r.set(n)
		return err
	}
	var rec, next *record
	r.store.saver.view(func(st *state) { rec = st.Assets[n.name] })
	inputs := map[string]string{}
	for _, d := range n.deps {
		inputs[d.name] = r.futures[d].digest
		if rec != nil && rec.Inputs[d.name] != r.futures[d].digest {
			if len(r.futures[d].causes) == 0 { // this installer computes it differently
				f.causes = append(f.causes, d.name)
			}
			f.causes = append(f.causes, r.futures[d].causes...)
		}
	}
	slices.Sort(f.causes)
	f.causes = slices.Compact(f.causes)

	next = &record{Inputs: inputs}
	switch n.kind {
	case kindParam:
		err = r.param(n, f, rec)
	case kindSource:
		err = r.source(n, f, rec)
	case kindTransient:
		if known := r.store.kept[n]; known != nil && maps.Equal(known.next.Inputs, inputs) {
			f.value, next = known.value, known.next
		} else {
			f.value, err = r.compute(n)
		}
	case kindValue:
		next, err = r.stored(n, f, rec, inputs)
	case kindFiles:
		next, err = r.files(n, f, rec, inputs)
	}
	if err != nil {
		return err
	}
	if f.refilled { // it is written in another way than it was, but says the same
		next = rec
	}
	return r.remember(n, f, rec, next)
}

// remember encodes a value, unless it was encoded before. It becomes part of the state
// if the whole run succeeds.
func (r *run) remember(n *node, f *future, rec, next *record) error {
	if next.Digest == "" {
		c, canonical := f.value.(Canonical)
		if canonical {
			next.Digest = sha(c.Canonical())
		}
		if !canonical || n.kind != kindTransient { // of those the digest is enough to detect changes
			raw, err := json.Marshal(f.value)
			if err != nil {
				return fmt.Errorf("encode %s: %w", n.name, err)
			}
			if !canonical {
				next.Digest = sha(raw)
			}
			if n.kind != kindTransient {
				next.Value = raw
			}
		}
	}
	next, err := r.withhold(n, f, next)
	if err != nil {
		return err
	}
	f.digest = next.Digest
	if rec != nil && rec.Digest != f.digest && len(f.causes) == 0 {
		f.causes = []string{n.name}
	}
	f.next = next
	return nil
}

func same(a, b *record) bool {
	return a.Digest == b.Digest && maps.Equal(a.Inputs, b.Inputs) && maps.Equal(a.Files, b.Files) &&
		maps.Equal(a.Edited, b.Edited) && maps.Equal(a.Bases, b.Bases) && a.Withheld == b.Withheld &&
		string(a.stored()) == string(b.stored())
}

func (r *run) compute(n *node) (any, error) {
	in := make([]any, len(n.deps))
	for i, d := range n.deps {
		in[i] = r.futures[d].value
	}
	v, err := n.compute(Env{Now: r.now}, in)
	if err != nil {
		return nil, fmt.Errorf("generate %s: %w", n.name, err)
	}
	if files, ok := v.(Files); ok {
		v = files.Sorted()
	}
	return v, nil
}

func (r *run) param(n *node, f *future, rec *record) (err error) {
	_, ok := r.store.params[n.name]
	if rec != nil && (r.fixes(n) || !ok) {
		if rec.missing() {
			return r.refill(n, f, rec)
		}
		f.value, err = n.decode(rec.Value)
		return err
	}
	f.value, err = r.set(n)
	return err
}

// set is the value that the caller has set for this run.
func (r *run) set(n *node) (any, error) {
	value, ok := r.store.params[n.name]
	if !ok {
		return nil, fmt.Errorf("generate assets: %s was not set", n.name)
	}
	return value, nil
}

func (r *run) source(n *node, f *future, rec *record) error {
	for _, d := range n.deps {
		if r.futures[d].value == false {
			f.value = []byte(nil)
			return nil
		}
	}
	data, err := r.store.disk.Read(n.path)
	missing := errors.Is(err, os.ErrNotExist)
	if provided, is := r.store.params[n.name].([]byte); missing && is && !(r.fixes(n) && rec != nil) {
		f.value = provided
		if rec != nil && rec.Digest != digestOf(provided) {
			f.causes = []string{n.path}
		}
		return nil
	}
	switch {
	case err != nil && !missing:
		return err
	case missing && n.optional && (rec == nil || string(rec.Value) == "null"):
		f.value = []byte(nil)
		return nil
	case missing && rec == nil:
		return &MissingError{Path: n.path}
	case rec == nil || (!missing && !r.fixes(n)):
		f.value = data
		if rec != nil && rec.Digest != digestOf(data) {
			f.causes = []string{n.path}
		}
		return nil
	}
	switch {
	case rec.missing() && !missing && rec.Digest == digestOf(data):
		f.value = data
		return nil
	case rec.missing():
		err = r.refill(n, f, rec)
	default:
		f.value, err = n.decode(rec.Value)
	}
	if err != nil {
		return err
	}
	switch {
	case missing:
		event.Info(r.store.opts.Events, "using the stored copy of a missing file", "file", n.path)
	case string(f.value.([]byte)) != string(data):
		event.Warn(r.store.opts.Events, "file changed after machines were started from it; the change has no effect",
			"file", n.path)
	}
	return nil
}

func digestOf(data []byte) string {
	raw, _ := json.Marshal(data)
	return sha(raw)
}
