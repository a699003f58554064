package asset

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/okd-install/okd-install/pkg/seal"
)

// StateName is the file that remembers every asset. It holds every secret.
const StateName = ".openshift_install_state.json"

// stateVersion is raised when an older installer must not read a state any
// more. What is merely added needs no new version.
const stateVersion = 1

// state is the content of the state file.
type state struct {
	stateHead
	// Assets are those of the last run that went well: the files on disk are
	// made from them.
	Assets map[string]*record
	// Drafts are values that were drawn by runs that did not get that far. The
	// next one takes them where their inputs are the same.
	Drafts map[string]*record
}

type stateHead struct {
	Version int    `json:"okdInstallState"`
	Writer  string `json:"writer,omitempty"` // version of the installer
	// Started is when machines were first started from these assets.
	Started *time.Time `json:"started,omitempty"`
	// Marks are what happened to the cluster since, and when.
	Marks map[string]time.Time `json:"marks,omitempty"`
}

// record is what is remembered of one asset. It does not change once it is part
// of a state; a new one takes its place.
type record struct {
	Digest string            `json:"digest"`           // of the value
	Inputs map[string]string `json:"inputs,omitempty"` // digest of every input when the value was computed
	Value  json.RawMessage   `json:"value,omitempty"`
	// Files are the files on disk as the last run left or accepted them.
	Files map[string]written `json:"files,omitempty"`
	// Edited says how files differ from what was generated, because the user
	// wanted so.
	Edited map[string]edit `json:"edited,omitempty"`
	// Bases are the digests of what had been generated where files are modified
	// or removed now.
	Bases map[string]string `json:"bases,omitempty"`

	encoded []byte // as in the file, once it was written; for the saver alone
}

// written is what a file on disk holds.
type written struct {
	SHA256 string `json:"sha256,omitempty"` // empty: the file is to be removed
	// Previous is the digest that the file had before, while it is not yet
	// certain that the new content reached the disk.
	Previous string `json:"previous,omitempty"`
}

// absent is the digest of a file that does not exist.
const absent = "none"

// clone returns a copy that may be changed. It leaves out what was encoded,
// which is the saver's.
func (r *record) clone() *record {
	return &record{
		Digest: r.Digest, Inputs: r.Inputs, Value: r.Value,
		Files: maps.Clone(r.Files), Edited: maps.Clone(r.Edited), Bases: maps.Clone(r.Bases),
	}
}

// base is the digest of what was generated when the user edited a file, empty
// if that is not known.
func (r *record) base(p string) string {
	if r.Edited[p] != "" {
		return r.Bases[p]
	}
	if w := r.Files[p]; w.Previous == "" {
		return w.SHA256
	}
	return ""
}

// encode writes the state. Values that were written before are not encoded
// again: a run saves often, and most of the state stays.
func (st *state) encode() ([]byte, error) {
	head, err := json.Marshal(st.stateHead)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	out.Write(bytes.TrimSuffix(head, []byte("}")))
	for _, list := range []struct {
		name    string
		records map[string]*record
	}{{"assets", st.Assets}, {"drafts", st.Drafts}} {
		if list.name == "drafts" && len(list.records) == 0 {
			continue
		}
		fmt.Fprintf(&out, ",\n%q:{", list.name)
		for i, name := range slices.Sorted(maps.Keys(list.records)) {
			if i > 0 {
				out.WriteByte(',')
			}
			rec := list.records[name]
			if rec.encoded == nil {
				if rec.encoded, err = json.Marshal(rec); err != nil {
					return nil, fmt.Errorf("encode %s: %w", name, err)
				}
			}
			key, err := json.Marshal(name)
			if err != nil {
				return nil, err
			}
			out.WriteByte('\n')
			out.Write(key)
			out.WriteByte(':')
			out.Write(rec.encoded)
		}
		out.WriteString("}")
	}
	out.WriteString("}\n")
	return out.Bytes(), nil
}

// readState reads what the last run left, and the box that it was encrypted in,
// if it was.
func readState(d *disk, key *seal.Key) (*state, *seal.Box, error) {
	raw, err := d.read(StateName)
	if errors.Is(err, fs.ErrNotExist) {
		return &state{Assets: map[string]*record{}, Drafts: map[string]*record{}}, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	var box *seal.Box
	if seal.Sealed(raw) {
		if box, raw, err = unseal(d, key, raw); err != nil {
			return nil, nil, err
		}
	}
	st, err := parseState(d.full(StateName), raw)
	return st, box, err
}

func unseal(d *disk, key *seal.Key, raw []byte) (*seal.Box, []byte, error) {
	path := d.full(StateName)
	const give = "give its passphrase or age identity with --state-passphrase-file, OKD_INSTALL_STATE_PASSPHRASE_FILE " +
		"or OKD_INSTALL_STATE_PASSPHRASE"
	if key == nil {
		return nil, nil, &StateError{Path: path, Why: "it is encrypted, and no key was given", next: give, err: ErrSealed}
	}
	box, plain, err := key.Open(raw)
	switch {
	case errors.Is(err, seal.ErrWrongKey):
		return nil, nil, &StateError{Path: path, Why: "it is encrypted with another key than the one given", next: give,
			err: errors.Join(ErrSealed, err)}
	case err != nil:
		return nil, nil, &StateError{Path: path, Why: err.Error(), next: restore, err: err}
	}
	return box, plain, nil
}

const restore = "restore the file from a backup, or use another directory"

func parseState(path string, raw []byte) (*state, error) {
	st := &state{}
	var content struct {
		*stateHead
		Assets, Drafts map[string]*record
	}
	content.stateHead = &st.stateHead
	err := json.Unmarshal(raw, &content)
	switch {
	case err == nil && st.Version == stateVersion:
	case err == nil && st.Version > stateVersion:
		return nil, &StateError{Path: path, next: "use that version again",
			Why: fmt.Sprintf("it was written by a newer okd-install (%s), in a form that this one does not know", st.Writer)}
	case err == nil && st.Version == 0:
		return nil, &StateError{Path: path, Why: "it was written by " + writer(raw) + ", and cannot be gone on with",
			next: "use a directory of its own: copy install-config.yaml there, and the manifests that you added"}
	default:
		if err == nil {
			err = fmt.Errorf("version %d", st.Version)
		}
		return nil, &StateError{Path: path, Why: "it is damaged: " + err.Error(), next: restore, err: err}
	}
	st.Assets, st.Drafts = whole(content.Assets), whole(content.Drafts)
	return st, nil
}

// whole is a map that can be used, whatever stood in the file.
func whole(records map[string]*record) map[string]*record {
	if records == nil {
		return map[string]*record{}
	}
	maps.DeleteFunc(records, func(_ string, r *record) bool { return r == nil })
	return records
}

// writer guesses who wrote a state that is not ours.
func writer(raw []byte) string {
	var keys map[string]json.RawMessage
	if json.Unmarshal(raw, &keys) == nil {
		for name := range keys {
			if strings.HasPrefix(name, "*") { // its keys are the names of Go types
				return "openshift-install"
			}
		}
	}
	return "something else"
}
