package asset

import (
	"maps"
	"slices"
)

// output is an asset whose files belong on disk now.
type output struct {
	n    *node
	next *record
	jobs Files    // to be written
	gone []string // to be removed
}

// conclude stores the values of this run, and writes the files of the targets and those
// of other assets that an earlier run has written. The state records the writes before
// they happen, so that a crash in between does not look like an edit.
func (r *run) conclude(targets []*node) error {
	var outputs []output
	for _, n := range r.order {
		if n.kind != kindFiles {
			continue
		}
		o, err := r.output(n, slices.Contains(targets, n))
		if err != nil {
			return err
		}
		outputs = append(outputs, o)
	}
	if err := r.commit(outputs); err != nil {
		return err
	}
	var jobs Files
	for _, o := range outputs {
		jobs = append(jobs, o.jobs...)
		for _, p := range o.gone {
			if err := r.store.disk.Remove(p); err != nil {
				return err
			}
		}
	}
	if err := r.store.disk.Write(jobs); err != nil {
		return err
	}
	return r.settle(outputs)
}

// output compares the files of an asset with the disk.
func (r *run) output(n *node, wanted bool) (output, error) {
	f := r.futures[n]
	o := output{n: n, next: f.next.clone()}
	files := f.value.(Files)
	disk, err := readFiles(r.store.disk, append(files.Paths(), slices.Collect(maps.Keys(o.next.Files))...), nil)
	if err != nil {
		return o, err
	}
	for p := range o.next.Files {
		if _, exists := disk[p]; exists && !r.fixes(n) {
			wanted = true // an earlier run has written it, so it must stay current
		}
	}
	if !wanted {
		return o, nil
	}
	if o.next.Files == nil {
		o.next.Files = map[string]written{}
	}
	for _, file := range files {
		if err := r.due(&o, file, disk); err != nil {
			return o, err
		}
	}
	byPath := files.byPath()
	for p, was := range o.next.Files {
		if _, wanted := byPath[p]; wanted {
			continue
		}
		data, exists := disk[p]
		switch {
		case !exists:
			delete(o.next.Files, p)
		case was.is(sha(data)):
			o.next.Files[p] = written{Previous: sha(data)}
			o.gone = append(o.gone, p)
		}
	}
	slices.Sort(o.gone)
	return o, nil
}

// due schedules a file for writing unless it is on disk already. Once machines run,
// existing files are left alone: the kubeconfig has the cluster's own changes.
func (r *run) due(o *output, file File, disk map[string][]byte) error {
	data, exists := disk[file.Path]
	want, have := sha(file.Data), absent
	if exists {
		have = sha(data)
	}
	seen, wasThere := r.futures[o.n].seen[file.Path]
	switch {
	case exists && r.fixes(o.n):
	case have == want:
		o.next.Files[file.Path] = written{SHA256: want}
	case exists && (!wasThere || seen != have):
		return &ChangedError{Path: r.store.disk.Full(file.Path)}
	default:
		o.next.Files[file.Path] = written{SHA256: want, Previous: have}
		o.jobs = append(o.jobs, file)
	}
	return nil
}

// commit puts everything new into the state, and returns once it is on disk.
func (r *run) commit(outputs []output) error {
	fresh := map[string]*record{}
	for n, f := range r.futures {
		if n.kind != kindBuiltin {
			fresh[n.name] = f.next
		}
	}
	for _, o := range outputs {
		fresh[o.n.name] = o.next
	}
	drafts := false
	r.store.saver.view(func(st *state) {
		for n := range r.futures {
			drafts = drafts || st.Drafts[n.name] != nil
		}
		maps.DeleteFunc(fresh, func(name string, rec *record) bool {
			old := st.Assets[name]
			return old != nil && (old == rec || same(old, rec))
		})
	})
	if len(fresh) == 0 && !drafts {
		return r.store.saver.flush()
	}
	return r.store.saver.commit(func(st *state) {
		maps.Copy(st.Assets, fresh)
		for n := range r.futures {
			delete(st.Drafts, n.name)
		}
	})
}

// settle records that the files are on disk.
func (r *run) settle(outputs []output) error {
	fresh := map[string]*record{}
	for _, o := range outputs {
		if len(o.jobs)+len(o.gone) == 0 {
			continue
		}
		rec := o.next.clone()
		for p, w := range rec.Files {
			if rec.Files[p] = (written{SHA256: w.SHA256}); w.SHA256 == "" {
				delete(rec.Files, p)
			}
		}
		fresh[o.n.name] = rec
	}
	if len(fresh) == 0 {
		return nil
	}
	return r.store.saver.commit(func(st *state) { maps.Copy(st.Assets, fresh) })
}
