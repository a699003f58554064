package asset

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
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

// onDisk reads the given files, and all manifests in the given directories, as
// far as they exist.
func onDisk(root string, paths, dirs []string) (map[string][]byte, error) {
	for _, dir := range dirs {
		entries, err := os.ReadDir(filepath.Join(root, dir))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("list %s: %w", dir, err)
		}
		for _, e := range entries {
			if !e.IsDir() && e.Name()[0] != '.' && slices.Contains(manifestSuffixes, path.Ext(e.Name())) {
				paths = append(paths, path.Join(dir, e.Name()))
			}
		}
	}
	out := map[string][]byte{}
	for _, p := range paths {
		data, err := os.ReadFile(filepath.Join(root, p))
		switch {
		case err == nil:
			out[p] = data
		case !errors.Is(err, fs.ErrNotExist):
			return nil, fmt.Errorf("read generated file: %w", err)
		}
	}
	return out, nil
}

// changes are the differences between what is on disk and what was generated.
type changes struct {
	all   map[string]edit // with those that earlier runs accepted
	fresh []string        // paths of those that this run found
	// withdrawn says that an edited file is gone, so that what was generated in
	// its place is wanted back.
	withdrawn bool
}

// findEdits compares what is on disk with what the last run left there. A file
// that is gone is an edit only in an owned directory of which the rest is still
// there; any other is written again.
func findEdits(rec *record, disk map[string][]byte, ownsDir bool) changes {
	var fresh []string
	withdrawn := false
	all := maps.Clone(rec.Edited)
	if all == nil {
		all = map[string]edit{}
	}
	note := func(p string, e edit) {
		if all[p] == added && e == modified {
			e = added
		}
		if all[p] == added && e == removed {
			delete(all, p)
		} else {
			all[p] = e
		}
		fresh = append(fresh, p)
	}
	anyLeft := false
	for p := range rec.Files {
		if _, ok := disk[p]; ok {
			anyLeft = true
		}
	}
	for p, was := range rec.Files {
		data, exists := disk[p]
		switch {
		case !exists && ownsDir && anyLeft && was.Previous == "":
			note(p, removed)
		case !exists && all[p] != "":
			delete(all, p)
			withdrawn = true
		case exists && sha(data) != was.SHA256 && sha(data) != was.Previous:
			note(p, modified)
		}
	}
	for p := range disk {
		if _, known := rec.Files[p]; known {
			continue
		}
		if all[p] == removed {
			note(p, modified) // it is back
		} else {
			note(p, added)
		}
	}
	slices.Sort(fresh)
	return changes{all, fresh, withdrawn}
}

// apply returns files as edited: versions from disk where there is one, else
// those of the accepted value.
func apply(files Files, edits map[string]edit, disk map[string][]byte, accepted Files) Files {
	var out Files
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
		} else if f, ok := accepted.Get(p); ok {
			out = append(out, f)
		}
	}
	return out.Sorted()
}
