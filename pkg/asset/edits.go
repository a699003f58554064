package asset

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
)

// edit is how a user changed a generated file.
type edit string

const (
	modified edit = "modified"
	added    edit = "added"
	removed  edit = "removed"
)

// Policy decides when a file was edited and its inputs changed as well.
type Policy int

const (
	// Refuse reports the conflict.
	Refuse Policy = iota
	// Keep keeps the edited file.
	Keep
	// Overwrite generates it anew.
	Overwrite
)

func sha(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// manifestSuffixes are the files in an owned directory that count; editors'
// backups and READMEs do not.
var manifestSuffixes = []string{".yaml", ".yml", ".json"}

// files reads the given files, and all manifests in the given directories, as
// far as they exist.
func (d *disk) files(paths, dirs []string) (map[string][]byte, error) {
	paths = slices.Clone(paths)
	for _, dir := range dirs {
		entries, err := os.ReadDir(d.full(dir))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fileError("list", d.full(dir), err)
		}
		for _, e := range entries {
			if !e.IsDir() && e.Name()[0] != '.' && slices.Contains(manifestSuffixes, path.Ext(e.Name())) {
				paths = append(paths, path.Join(dir, e.Name()))
			}
		}
	}
	out := map[string][]byte{}
	for _, p := range paths {
		if _, known := out[p]; known {
			continue
		}
		data, err := d.read(p)
		switch {
		case err == nil:
			out[p] = data
		case !errors.Is(err, fs.ErrNotExist):
			return nil, err
		}
	}
	return out, nil
}

// changes are the differences between what is on disk and what was generated.
type changes struct {
	all   map[string]edit // with those that earlier runs accepted
	fresh []string        // paths of those that this run found
	// withdrawn are edited files that are gone, so that what was generated in
	// their place is wanted back; undone those that are as generated again.
	withdrawn, undone []string
	// loose are fresh edits of files that an interrupted run was about to
	// replace: whether the user saw the old content or the new one is not known.
	loose []string
}

// findEdits compares what is on disk with what the last run left there. A file
// that is gone is an edit only in an owned directory of which the rest is still
// there; any other is written again.
func findEdits(rec *record, disk map[string][]byte, ownsDir bool, generated map[string]File) changes {
	c := changes{all: maps.Clone(rec.Edited)}
	if c.all == nil {
		c.all = map[string]edit{}
	}
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
		case digest == was.SHA256, digest == was.Previous:
		case exists && was.SHA256 == "": // was to be removed, but is not any more what it was
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

// dropUndone drops edits after which a file is as it would be generated.
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

// apply returns files as edited: versions from disk where there is one, else
// those of the accepted value.
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
