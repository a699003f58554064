package asset

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/event"
)

// stored reuses the value of an earlier run while its inputs are the same and
// it has not gone stale: first that which files were made from, then one that a
// run has drawn which did not get that far. So a change that is taken back
// brings the old value back as well, and an interrupted run draws nothing twice.
func (r *run) stored(n *node, f *future, rec *record, inputs map[string]string) (*record, error) {
	var draft *record
	r.store.saver.view(func(st *state) { draft = st.Drafts[n.name] })
	for _, known := range []*record{rec, draft} {
		fixed := known == rec && r.frozen
		if known == nil || !fixed && !maps.Equal(known.Inputs, inputs) {
			continue
		}
		v, err := n.decode(known.Value)
		if err != nil && fixed {
			return nil, fmt.Errorf("%w; it was written by another version of the installer: use that one", err)
		}
		if err != nil {
			f.causes = append(f.causes, n.name+" cannot be read by this version of the installer")
			continue
		}
		why := ""
		if e, expires := v.(Expirer); expires {
			why = e.Stale(r.now)
		}
		if why != "" {
			r.note(n, why)
		}
		if why == "" || fixed {
			f.value = v
			return known, nil
		}
		f.causes = append(f.causes, n.name+" "+why)
	}
	v, err := r.compute(n)
	if err != nil {
		return nil, err
	}
	f.value = v
	next := &record{Inputs: inputs}
	if err := r.remember(n, f, rec, next); err != nil {
		return nil, err
	}
	r.store.saver.change(func(st *state) { st.Drafts[n.name] = next })
	return next, nil
}

// note remembers that an asset went stale, for sayStale.
func (r *run) note(n *node, why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Contains(r.stale[why], n.name) {
		r.stale[why] = append(r.stale[why], n.name)
	}
}

// sayStale tells what went stale, one line for each reason: after a day it is
// half of all certificates.
func (r *run) sayStale() {
	for _, why := range slices.Sorted(maps.Keys(r.stale)) {
		names := r.stale[why]
		slices.Sort(names)
		say, what := event.Warn, "generating anew what went stale"
		if r.frozen {
			say, what = event.Info, "keeping what went stale: machines were started with it"
		}
		say(r.store.opts.Events, what, "assets", strings.Join(names, ", "), "why", why)
	}
}
