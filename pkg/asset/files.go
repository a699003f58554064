package asset

import (
	"maps"
	"slices"

	"github.com/okd-install/okd-install/pkg/event"
)

// files decides between the stored, the edited and the newly generated files.
func (r *run) files(n *node, f *future, rec *record, inputs map[string]string) (*record, error) {
	ran := rec != nil
	var accepted Files
	switch {
	case ran && rec.missing():
		var err error
		if accepted, err = r.regenerate(n, rec); err != nil {
			return nil, err
		}
	case ran:
		v, err := n.decode(rec.Value)
		if err != nil {
			return nil, err
		}
		accepted = v.(Files)
	default:
		rec = &record{}
	}
	changed := !ran || !maps.Equal(rec.Inputs, inputs)
	known := slices.Concat(accepted.Paths(), slices.Collect(maps.Keys(rec.Files)), n.claims)
	disk, err := readFiles(r.store.disk, known, n.dirs)
	if err != nil {
		return nil, err
	}
	for _, p := range n.except {
		delete(disk, p)
	}
	found := findEdits(rec, disk, len(n.dirs) > 0, accepted.byPath())
	if ran && r.fixes(n) {
		for _, p := range found.fresh {
			if !n.grows {
				event.Warn(r.store.opts.Events, "file edited after machines were started from it; the edit has no effect",
					"file", p)
			}
		}
		f.value = accepted
		return rec, nil
	}
	if !changed && len(found.withdrawn)+len(found.fresh) == 0 {
		f.value, f.seen = accepted, digests(disk)
		next := rec.clone()
		next.Files = settled(rec.Files, disk)
		return next, nil
	}
	// The files have to be generated to find out which of them were edited.
	v, err := r.compute(n)
	if err != nil {
		return nil, err
	}
	value := v.(Files)
	more, err := readFiles(r.store.disk, value.Paths(), nil)
	if err != nil {
		return nil, err
	}
	maps.Copy(disk, more)
	found = findEdits(rec, disk, len(n.dirs) > 0, value.byPath())
	found.dropUndone(disk, value.byPath())
	if err := r.arbitrate(n, f, rec, changed, value, &found, disk); err != nil {
		return nil, err
	}
	next := &record{Inputs: inputs, Edited: found.all, Bases: bases(found.all, value), Files: settled(rec.Files, disk)}
	for _, p := range found.fresh {
		if data, exists := disk[p]; exists {
			next.Files[p] = written{SHA256: sha(data)}
		} else {
			delete(next.Files, p)
		}
	}
	f.causes = append(f.causes, found.fresh...)
	r.sayUsed(rec, found)
	f.value, f.seen = apply(value, found.all, disk, accepted.byPath()), digests(disk)
	return next, nil
}

// bases are the digests of the generated content of edited files.
func bases(edits map[string]edit, generated Files) map[string]string {
	out := map[string]string{}
	for _, f := range generated {
		if edits[f.Path] != "" {
			out[f.Path] = sha(f.Data)
		}
	}
	return out
}

func digests(disk map[string][]byte) map[string]string {
	out := make(map[string]string, len(disk))
	for p, data := range disk {
		out[p] = sha(data)
	}
	return out
}

// sayUsed reports what happens with the user's edits.
func (r *run) sayUsed(rec *record, found changes) {
	for _, p := range found.fresh {
		if found.all[p] != "" {
			event.Info(r.store.opts.Events, "using a file as edited", "file", p, "edit", string(found.all[p]))
		}
	}
	for _, p := range found.undone {
		if rec.Edited[p] != "" {
			event.Info(r.store.opts.Events, "an edit was undone", "file", p)
		}
	}
	for _, p := range found.withdrawn {
		event.Warn(r.store.opts.Events, "an edited file was removed; using the generated one", "file", p)
	}
}

// settled updates the records of files that an interrupted run was about to write or
// remove with what is on disk.
func settled(files map[string]written, disk map[string][]byte) map[string]written {
	out := map[string]written{}
	for p, w := range files {
		data, exists := disk[p]
		switch {
		case w.SHA256 == "" && !exists:
			continue
		case exists && sha(data) == w.SHA256:
			w.Previous = ""
		}
		out[p] = w
	}
	return out
}

// arbitrate decides about edits if the inputs changed. It keeps files that the user
// added, and edits of files whose generated content is the same as when they were edited.
func (r *run) arbitrate(
	n *node, f *future, rec *record, changed bool, value Files, found *changes, disk map[string][]byte,
) error {
	conflict := &ConflictError{Asset: n.name, Causes: f.causes, NoState: true}
	disputed := slices.Sorted(maps.Keys(found.all))
	if !changed {
		disputed = found.loose
		conflict.Causes = []string{"an interrupted run was about to write it again"}
	}
	generated := value.byPath()
	for _, p := range disputed {
		file, wanted := generated[p]
		_, exists := disk[p]
		switch {
		case found.all[p] == "": // undone
		case !wanted:
			found.all[p] = added
		case rec.base(p) == sha(file.Data):
		case rec.Value == nil && !rec.Withheld && r.store.opts.Edited == Refuse && n.adopts(p):
			found.all[p] = modified
		case r.store.opts.Edited == Keep && !exists && found.all[p] == removed:
		case r.store.opts.Edited == Keep:
			found.all[p] = modified
		case r.store.opts.Edited == Overwrite:
			event.Warn(r.store.opts.Events, "discarding an edit", "file", p)
			delete(found.all, p)
		default:
			conflict.Files = append(conflict.Files, p)
			if _, written := rec.Files[p]; written || found.all[p] == removed {
				conflict.NoState = false
			}
		}
	}
	if len(conflict.Files) > 0 {
		return conflict
	}
	return nil
}
