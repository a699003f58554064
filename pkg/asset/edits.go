package asset

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"

	"github.com/okd-install/okd-install/pkg/workdir"
)

// edit is how a user changed a generated file.
type edit string

const (
	modified edit = "modified"
	added    edit = "added"
	removed  edit = "removed"
)

// Policy says what to do if a file was edited and its inputs changed as well.
type Policy int

const (
	// Refuse reports the conflict.
	Refuse Policy = iota
	// Keep keeps the edited file.
	Keep
	// Overwrite discards the edit.
	Overwrite
)

func sha(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// manifestSuffixes are those of the files in an owned directory that belong to it.
// Editors' backups and READMEs do not.
var manifestSuffixes = []string{".yaml", ".yml", ".json"}

// readFiles reads the given files that exist, and all manifests in the given directories.
func readFiles(d *workdir.Dir, paths, dirs []string) (map[string][]byte, error) {
	paths = slices.Clone(paths)
	for _, dir := range dirs {
		entries, err := d.List(dir)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if !e.IsDir() && e.Name()[0] != '.' && slices.Contains(manifestSuffixes, path.Ext(e.Name())) {
				paths = append(paths, path.Join(dir, e.Name()))
			}
		}
	}
	slices.Sort(paths)
	out := map[string][]byte{}
	for _, p := range slices.Compact(paths) {
		data, err := d.Read(p)
		switch {
		case err == nil:
			out[p] = data
		case !errors.Is(err, fs.ErrNotExist):
			return nil, err
		}
	}
	return out, nil
}

// changes are the differences between the files on disk and the generated ones.
type changes struct {
	all   map[string]edit // including those that earlier runs accepted
	fresh []string        // paths of the edits that this run found
	// withdrawn are edited files that were removed, to get the generated ones back;
	// undone are edited files with the generated content again.
	withdrawn, undone []string
	// loose are fresh edits of files that an interrupted run was about to replace. It is
	// not known whether the user edited the old content or the new one.
	loose []string
}

// findEdits compares the files on disk with those that the last run left. A missing file
// is written again, except in an owned directory where other files are left.
func findEdits(rec *record, disk map[string][]byte, ownsDir bool, generated map[string]File) changes {
	c := changes{all: map[string]edit{}}
	maps.Copy(c.all, rec.Edited)
	anyLeft := false
	for p := range rec.Files {
		if _, exists := disk[p]; exists {
			anyLeft = true
		}
	}
	if ownsDir && !anyLeft && len(c.all) > 0 { // the directory as a whole is gone
		c.withdrawn = slices.Collect(maps.Keys(c.all))
		clear(c.all)
	}
	for p, was := range rec.Files {
		data, exists := disk[p]
		digest := absent
		if exists {
			digest = sha(data)
		}
		switch {
		case was.is(digest):
		case exists && was.SHA256 == "": // it was to be removed, but has changed
			c.note(p, added)
		case exists:
			c.note(p, modified)
			if was.Previous != "" && was.Previous != absent {
				c.loose = append(c.loose, p)
			}
		case was.SHA256 == "":
		case ownsDir && anyLeft:
			c.note(p, removed)
		case c.all[p] != "":
			delete(c.all, p)
			c.withdrawn = append(c.withdrawn, p)
		}
	}
	for p := range disk {
		_, written := rec.Files[p]
		_, ours := generated[p]
		switch {
		case written:
		case ours, c.all[p] == removed: // put there by the user, or put back
			c.note(p, modified)
		default:
			c.note(p, added)
		}
	}
	slices.Sort(c.fresh)
	slices.Sort(c.withdrawn)
	slices.Sort(c.loose)
	return c
}

func (c *changes) note(p string, e edit) {
	switch {
	case c.all[p] == added && e == removed:
		delete(c.all, p)
	case c.all[p] != added:
		c.all[p] = e
	}
	c.fresh = append(c.fresh, p)
}

// dropUndone drops edits whose result is the generated content.
func (c *changes) dropUndone(disk map[string][]byte, generated map[string]File) {
	for p, e := range c.all {
		f, wanted := generated[p]
		data, exists := disk[p]
		if e == removed && !wanted || exists && wanted && string(data) == string(f.Data) {
			delete(c.all, p)
			c.undone = append(c.undone, p)
		}
	}
	slices.Sort(c.undone)
}

// apply returns the edited files: those on disk or, for files that are not there, those
// of the accepted value.
func apply(files Files, edits map[string]edit, disk map[string][]byte, accepted map[string]File) Files {
	out := make(Files, 0, len(files))
	for _, f := range files {
		if edits[f.Path] == "" {
			out = append(out, f)
		}
	}
	for p, e := range edits {
		if e == removed {
			continue
		}
		if data, ok := disk[p]; ok {
			out = append(out, NewFile(p, data))
		} else if f, ok := accepted[p]; ok {
			out = append(out, f)
		}
	}
	return out.Sorted()
}
