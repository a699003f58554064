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
	causes []string // what the user or time changed since the last run, here or further up
}

// run is one evaluation of the graph.
type run struct {
	store   *Store
	env     time.Time
	futures map[*node]*future
	frozen  bool
}

var errInput = errors.New("an input failed")

// evaluate computes all that the targets need; what does not depend on each
// other is computed in parallel. Every failure is reported, not only the first.
func (r *run) evaluate(ctx context.Context, targets []*node) error {
	var order []*node
	names := map[string]bool{}
	walk(targets, func(n *node) {
		if names[n.name] {
			panic("two assets are called " + n.name)
		}
		names[n.name] = true
		order = append(order, n)
		r.futures[n] = &future{done: make(chan struct{})}
	})
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	var wg sync.WaitGroup
	for _, n := range order {
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
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("generate assets: %w", err)
	}
	var errs []error
	for _, n := range order {
		if err := r.futures[n].err; err != nil && !errors.Is(err, errInput) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// resolve finds the value of an asset whose inputs are known.
func (r *run) resolve(n *node, f *future) error {
	rec := r.recall(n)
	inputs := map[string]string{}
	for _, d := range n.deps {
		inputs[d.name] = r.futures[d].digest
		if rec != nil && rec.Inputs[d.name] != r.futures[d].digest {
			if len(r.futures[d].causes) == 0 { // it changed in a run that failed later
				f.causes = append(f.causes, d.name)
			}
			f.causes = append(f.causes, r.futures[d].causes...)
		}
	}
	slices.Sort(f.causes)
	f.causes = slices.Compact(f.causes)

	var err error
	next := &record{Inputs: inputs}
	switch n.kind {
	case kindParam:
		err = r.param(n, f, rec)
	case kindSource:
		err = r.source(n, f, rec)
	case kindTransient:
		f.value, err = r.compute(n)
	case kindValue:
		err = r.stored(n, f, rec, inputs)
	case kindFiles:
		next, err = r.files(n, f, rec, inputs)
	}
	if err != nil {
		return err
	}
	return r.remember(n, f, rec, next)
}

func (r *run) recall(n *node) (rec *record) {
	r.store.saver.view(func(st *state) {
		if found, ok := st.Assets[n.name]; ok {
			c := *found
			c.Files, c.Edited = maps.Clone(found.Files), maps.Clone(found.Edited)
			rec = &c
		}
	})
	return rec
}

// remember has the record saved, if it says anything new.
func (r *run) remember(n *node, f *future, rec, next *record) error {
	raw, err := json.Marshal(f.value)
	if err != nil {
		return fmt.Errorf("encode %s: %w", n.name, err)
	}
	if c, ok := f.value.(Canonical); ok {
		f.digest = sha(c.Canonical())
	} else {
		f.digest = sha(raw)
	}
	if rec != nil && rec.Digest != f.digest && len(f.causes) == 0 {
		f.causes = []string{n.name}
	}
	next.Digest = f.digest
	if len(next.Files) == 0 {
		next.Files = nil
	}
	if len(next.Edited) == 0 {
		next.Edited = nil
	}
	if n.kind != kindTransient {
		next.Value = raw
	}
	if rec != nil && same(rec, next) {
		return nil
	}
	r.store.saver.change(func(st *state) { st.Assets[n.name] = next })
	return nil
}

func same(a, b *record) bool {
	return a.Digest == b.Digest && maps.Equal(a.Inputs, b.Inputs) && maps.Equal(a.Files, b.Files) &&
		maps.Equal(a.Edited, b.Edited) && string(a.Value) == string(b.Value)
}

func (r *run) compute(n *node) (any, error) {
	in := make([]any, len(n.deps))
	for i, d := range n.deps {
		in[i] = r.futures[d].value
	}
	v, err := n.compute(Env{Now: r.env, Rand: r.store.randFor(n)}, in)
	if err != nil {
		return nil, fmt.Errorf("generate %s: %w", n.name, err)
	}
	if files, ok := v.(Files); ok {
		v = files.Sorted()
	}
	return v, nil
}

func (r *run) param(n *node, f *future, rec *record) (err error) {
	given, ok := r.store.params[n.name]
	if rec != nil && (r.frozen || !ok) {
		f.value, err = n.decode(rec.Value)
		return err
	}
	if !ok {
		return fmt.Errorf("generate assets: parameter %s was not given", n.name)
	}
	f.value = given
	return nil
}

func (r *run) source(n *node, f *future, rec *record) error {
	for _, d := range n.deps {
		if r.futures[d].value == false {
			f.value = []byte(nil)
			return nil
		}
	}
	data, err := os.ReadFile(r.store.path(n.path))
	gone := errors.Is(err, os.ErrNotExist)
	switch {
	case err != nil && !gone:
		return fmt.Errorf("read %s: %w", n.path, err)
	case gone && n.optional && (rec == nil || string(rec.Value) == "null"):
		f.value = []byte(nil)
		return nil
	case gone && rec == nil:
		return &MissingError{Path: n.path}
	case rec == nil || (!gone && !r.frozen):
		f.value = data
		if rec != nil && rec.Digest != digestOf(data) {
			f.causes = []string{n.path}
		}
		return nil
	}
	if f.value, err = n.decode(rec.Value); err != nil {
		return err
	}
	switch {
	case gone:
		event.Info(r.store.opts.Events, "going on with the copy of a missing file", "file", n.path)
	case string(f.value.([]byte)) != string(data):
		event.Warn(r.store.opts.Events, "file changed after machines were started from it; the change has no effect", "file", n.path)
	}
	return nil
}

func digestOf(data []byte) string {
	raw, _ := json.Marshal(data)
	return sha(raw)
}

// stored reuses the value of an earlier run while its inputs are the same and
// it has not gone stale.
func (r *run) stored(n *node, f *future, rec *record, inputs map[string]string) (err error) {
	if rec != nil && (r.frozen || maps.Equal(rec.Inputs, inputs)) {
		if f.value, err = n.decode(rec.Value); err != nil {
			return err
		}
		e, ok := f.value.(Expirer)
		if !ok || r.frozen {
			return nil
		}
		why := e.Stale(r.env)
		if why == "" {
			return nil
		}
		event.Warn(r.store.opts.Events, "generating anew what went stale", "asset", n.name, "why", why)
		f.causes = append(f.causes, n.name+" "+why)
	}
	f.value, err = r.compute(n)
	return err
}
