package asset

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"strings"
	"time"

	"github.com/okd-install/okd-install/pkg/seal"
	"github.com/okd-install/okd-install/pkg/workdir"
)

// StateName is the file with the state of every asset, and thus every secret.
const StateName = ".openshift_install_state.json"

// stateVersion is raised when older installers must no longer read a state. Added fields
// do not need that.
const stateVersion = 1

// state is the content of the state file.
type state struct {
	Version int    `json:"okdInstallState"`
	Writer  string `json:"writer,omitempty"` // version of the installer
	// Started is when machines were first started from these assets.
	Started *time.Time `json:"started,omitempty"`
	// Marks is what happened to the cluster since, and when.
	Marks map[string]time.Time `json:"marks,omitempty"`
	// Assets are those of the last successful run, from which the files on disk are made.
	Assets map[string]*record `json:"assets"`
	// Drafts are random values of runs that did not finish. The next run takes them
	// if their inputs are the same.
	Drafts map[string]*record `json:"drafts,omitempty"`
}

// record is the state of one asset. It is never changed but replaced.
type record struct {
	Digest string            `json:"digest"`           // of the value
	Inputs map[string]string `json:"inputs,omitempty"` // digest of every input when the value was computed
	Value  json.RawMessage   `json:"value,omitempty"`
	// Withheld: the value has secrets, and Value is stored without them, or not at all.
	Withheld bool `json:"withheld,omitempty"`
	// Files are the files on disk as the last run left or accepted them.
	Files map[string]written `json:"files,omitempty"`
	// Edited is how the user changed files.
	Edited map[string]edit `json:"edited,omitempty"`
	// Bases are the digests of the generated content of modified or removed files.
	Bases map[string]string `json:"bases,omitempty"`

	public  json.RawMessage // what is stored if Withheld; Value is nil unless this process has made it
	encoded []byte          // as in the state file, for the saver; nil until it was saved
}

// written is the content of a file on disk.
type written struct {
	SHA256 string `json:"sha256,omitempty"` // empty: the file is to be removed
	// Previous is the digest of the old content, until the new one is surely on disk.
	Previous string `json:"previous,omitempty"`
}

// is reports whether a digest is that of the old or the new content.
func (w written) is(digest string) bool { return digest == w.SHA256 || digest == w.Previous }

// absent is the digest of a file that does not exist.
const absent = "none"

// clone returns a copy that can be changed, without the encoded form.
func (r *record) clone() *record {
	return &record{
		Digest: r.Digest, Inputs: r.Inputs, Value: r.Value, Withheld: r.Withheld, public: r.public,
		Files: maps.Clone(r.Files), Edited: maps.Clone(r.Edited), Bases: maps.Clone(r.Bases),
	}
}

// base is the digest of the content that the user edited, empty if it is not known.
func (r *record) base(p string) string {
	if r.Edited[p] != "" {
		return r.Bases[p]
	}
	if w := r.Files[p]; w.Previous == "" {
		return w.SHA256
	}
	return ""
}

// largeRecord is the size in bytes from which records are encoded every time: files, which are
// saved once or twice. What is drawn is small, and saved again with every draft.
const largeRecord = 64 << 10

// MarshalJSON encodes a small record once: a run saves often, and most records stay the same.
func (r *record) MarshalJSON() ([]byte, error) {
	if r.encoded != nil {
		return r.encoded, nil
	}
	type plain record
	out := plain(*r)
	out.Value = r.stored()
	raw, err := json.Marshal(&out)
	if len(raw) < largeRecord {
		r.encoded = raw
	}
	return raw, err
}

// readState reads the state of the last run. The box is nil unless it was encrypted.
func readState(d *workdir.Dir, key *seal.Key) (*state, *seal.Box, error) {
	raw, err := d.Read(StateName)
	if errors.Is(err, fs.ErrNotExist) {
		return &state{Assets: map[string]*record{}, Drafts: map[string]*record{}}, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	var box *seal.Box
	if seal.Sealed(raw) {
		if box, raw, err = unseal(d.Full(StateName), key, raw); err != nil {
			return nil, nil, err
		}
	}
	st, err := parseState(d.Full(StateName), raw)
	return st, box, err
}

func unseal(path string, key *seal.Key, raw []byte) (*seal.Box, []byte, error) {
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
	err := json.Unmarshal(raw, st)
	switch {
	case err == nil && st.Version == stateVersion:
	case err == nil && st.Version > stateVersion:
		return nil, &StateError{Path: path, next: "use that version again",
			Why: fmt.Sprintf("it was written by a newer okd-install (%s), in a format that this one does not know", st.Writer)}
	case err == nil && st.Version == 0:
		return nil, &StateError{Path: path, Why: "it was written by " + writer(raw) + ", and cannot be used",
			next: "use another directory: copy install-config.yaml there, and the manifests that you added"}
	default:
		if err == nil {
			err = fmt.Errorf("version %d", st.Version)
		}
		return nil, &StateError{Path: path, Why: "it is damaged: " + err.Error(), next: restore, err: err}
	}
	st.Assets, st.Drafts = whole(st.Assets), whole(st.Drafts)
	return st, nil
}

// whole returns a map that can be used, whatever was in the file.
func whole(records map[string]*record) map[string]*record {
	if records == nil {
		return map[string]*record{}
	}
	maps.DeleteFunc(records, func(_ string, r *record) bool { return r == nil })
	for _, r := range records {
		if r.Withheld {
			r.public, r.Value = r.Value, nil
		}
	}
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
