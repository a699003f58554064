package asset

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/event"
)

// stored reuses the value of an earlier run while its inputs are the same and it is not
// stale: first the one that files were made from, then the draft of a run that did not
// finish. So undoing a change restores the old value, and nothing is drawn twice.
func (r *run) stored(n *node, f *future, rec *record, inputs map[string]string) (*record, error) {
	var draft *record
	r.store.saver.view(func(st *state) { draft = st.Drafts[n.name] })
	for _, known := range []*record{rec, draft} {
		fixed := known == rec && r.fixes(n)
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
		if why != "" && !slices.Contains(f.stale, why) {
			f.stale = append(f.stale, why)
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

// sayStale reports stale assets, in one line for each reason: after a day they are half
// of all certificates.
func (r *run) sayStale() {
	stale := map[string][]string{}
	for _, n := range r.order {
		for _, why := range r.futures[n].stale {
			stale[why] = append(stale[why], n.name)
		}
	}
	for _, why := range slices.Sorted(maps.Keys(stale)) {
		slices.Sort(stale[why])
		say, what := event.Warn, "generating anew what went stale"
		if r.frozen {
			say, what = event.Info, "keeping what went stale: machines were started with it"
		}
		say(r.store.opts.Events, what, "assets", strings.Join(stale[why], ", "), "why", why)
	}
}
