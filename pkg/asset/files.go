package asset

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/okd-install/okd-install/pkg/event"
)

// files decides between what is stored, what the user edited and what would be
// generated now.
func (r *run) files(n *node, f *future, rec *record, inputs map[string]string) (*record, error) {
	if rec == nil {
		rec = &record{}
	}
	var accepted Files
	if rec.Value != nil {
		v, err := n.decode(rec.Value)
		if err != nil {
			return nil, err
		}
		accepted = v.(Files)
		if r.frozen {
			f.value = accepted
			return rec, nil
		}
	}
	disk, err := onDisk(r.store.dir, slices.Collect(maps.Keys(rec.Files)), n.dirs)
	if err != nil {
		return nil, err
	}
	for _, p := range n.except {
		delete(disk, p)
	}
	value := accepted
	if rec.Value == nil || !maps.Equal(rec.Inputs, inputs) || findEdits(rec, disk, len(n.dirs) > 0).withdrawn {
		v, err := r.compute(n)
		if err != nil {
			return nil, err
		}
		value = v.(Files)
		more, err := onDisk(r.store.dir, value.Paths(), nil)
		if err != nil {
			return nil, err
		}
		maps.Copy(disk, more)
	}
	found := findEdits(rec, disk, len(n.dirs) > 0)
	edits := found.all
	if rec.Value == nil || !maps.Equal(rec.Inputs, inputs) {
		if edits, err = r.arbitrate(n, f, rec, value, edits, disk); err != nil {
			return nil, err
		}
	}
	next := &record{Inputs: inputs, Files: rec.Files, Edited: edits}
	if next.Files == nil {
		next.Files = map[string]written{}
	}
	for _, p := range found.fresh {
		if edits[p] != "" {
			event.Info(r.store.opts.Events, "using a file as edited", "file", p, "edit", string(edits[p]))
			f.causes = append(f.causes, p)
		}
		if data, ok := disk[p]; ok {
			next.Files[p] = written{SHA256: sha(data)}
		} else {
			delete(next.Files, p)
		}
	}
	f.value = apply(value, edits, disk, accepted)
	return next, nil
}

// arbitrate decides about edits when the inputs changed. Files that the user
// added are his and stay; an edit that equals what is generated is none.
func (r *run) arbitrate(n *node, f *future, rec *record, generated Files, edits map[string]edit, disk map[string][]byte) (map[string]edit, error) {
	conflict := &ConflictError{Asset: n.name, Causes: f.causes, NoState: rec.Value == nil}
	keep := map[string]edit{}
	for _, p := range slices.Sorted(maps.Keys(edits)) {
		file, exists := generated.Get(p)
		data, there := disk[p]
		switch {
		case !exists && edits[p] != removed:
			keep[p] = added
		case !exists, there && string(data) == string(file.Data):
			continue
		case r.store.opts.Edited == Keep && edits[p] == removed:
			keep[p] = removed
		case r.store.opts.Edited == Keep:
			keep[p] = modified
		case r.store.opts.Edited == Overwrite:
			event.Warn(r.store.opts.Events, "discarding an edit", "file", p)
		default:
			conflict.Files = append(conflict.Files, p)
		}
	}
	if len(conflict.Files) > 0 {
		return nil, conflict
	}
	return keep, nil
}

// job is a file to be written.
type job struct {
	path string
	File
}

// write brings the files of the targets to disk. The state says what is about
// to be written before it is, so that a crash in between is told from an edit.
func (r *run) write(targets []*node) error {
	var jobs []job
	var leftovers []string
	for _, n := range targets {
		files, ok := r.futures[n].value.(Files)
		if !ok {
			continue
		}
		rec := r.recall(n)
		if rec.Files == nil {
			rec.Files = map[string]written{}
		}
		disk, err := onDisk(r.store.dir, append(slices.Collect(maps.Keys(rec.Files)), files.Paths()...), nil)
		if err != nil {
			return err
		}
		jobs = append(jobs, r.due(rec, files, disk)...)
		for p, was := range rec.Files {
			if _, wanted := files.Get(p); wanted {
				continue
			}
			if data, exists := disk[p]; exists && sha(data) == was.SHA256 {
				leftovers = append(leftovers, p)
			}
			delete(rec.Files, p)
		}
		if was := r.recall(n); !maps.Equal(was.Files, rec.Files) {
			r.store.saver.change(func(st *state) { st.Assets[n.name] = rec })
		}
	}
	if err := r.store.saver.flush(); err != nil {
		return err
	}
	for _, p := range leftovers {
		if err := os.Remove(r.store.path(p)); err != nil {
			return fmt.Errorf("remove a file that is not generated any more: %w", err)
		}
	}
	for _, j := range jobs {
		if err := os.MkdirAll(filepath.Dir(j.path), 0o750); err != nil {
			return fmt.Errorf("make directory for %s: %w", j.Path, err)
		}
		if err := WriteFile(j.path, j.Data, j.Mode); err != nil {
			return err
		}
	}
	if len(jobs) > 0 {
		r.store.saver.change(func(st *state) { settle(st, targets) })
	}
	return r.store.saver.flush()
}

// due lists the files that are not on disk as they should be, and notes in the
// record what the disk will hold. Once machines run, files that exist are left
// alone: the cluster's own changes to the kubeconfig are in one of them.
func (r *run) due(rec *record, files Files, disk map[string][]byte) []job {
	var jobs []job
	for _, file := range files {
		data, exists := disk[file.Path]
		want := sha(file.Data)
		switch {
		case exists && r.frozen:
		case exists && sha(data) == want:
			rec.Files[file.Path] = written{SHA256: want}
		default:
			old := "none"
			if exists {
				old = sha(data)
			}
			rec.Files[file.Path] = written{SHA256: want, Previous: old}
			jobs = append(jobs, job{r.store.path(file.Path), file})
		}
	}
	return jobs
}

// settle notes that the files of the targets are on disk.
func settle(st *state, targets []*node) {
	for _, n := range targets {
		rec := st.Assets[n.name]
		if rec == nil {
			continue
		}
		for p, w := range rec.Files {
			rec.Files[p] = written{SHA256: w.SHA256}
		}
	}
}
