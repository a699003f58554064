package asset

import (
	"encoding/json"
	"fmt"
)

// Withholding keeps secrets of a source, or of a parameter with its content, out of a state that is not encrypted.
type Withholding struct {
	// Blank is the content without its secrets, and whether it has any.
	Blank func(content []byte) (public []byte, any bool)
	// Fill puts the secrets back into what Blank has left. It is called only if the content is needed and not to be had
	// otherwise.
	Fill func(public []byte) ([]byte, error)
}

// Withhold withholds the secrets of a source or parameter. Files that are Confidential because of it are not stored
// while it has any, but generated again.
func Withhold(s *Store, a Asset[[]byte], w Withholding) {
	if s.withholdings == nil {
		s.withholdings = map[string]Withholding{}
	}
	s.withholdings[a.n.name] = w
}

// Confidential says that files have the secrets that are withheld of a source.
func Confidential(source Asset[[]byte]) Option { return func(n *node) { n.secretOf = source.n } }

// withhold returns a record, which it replaces if its value must not be stored as it is.
func (r *run) withhold(n *node, f *future, next *record) (*record, error) {
	if r.store.saver.box != nil || next.Value == nil || next.Withheld {
		return next, nil
	}
	switch w, is := r.store.withholdings[n.name]; {
	case is && (n.kind == kindSource || n.kind == kindParam):
		content, _ := f.value.([]byte)
		public, any := w.Blank(content)
		if !any {
			return next, nil
		}
		raw, err := json.Marshal(public)
		if err != nil {
			return nil, fmt.Errorf("encode %s: %w", n.name, err)
		}
		next = next.clone()
		next.Withheld, next.public = true, raw
	case n.kind == kindFiles && n.secretOf != nil:
		if of := r.futures[n.secretOf]; of != nil && of.next.Withheld {
			next = next.clone()
			next.Withheld = true
		}
	}
	return next, nil
}

// refill takes the content of a source or parameter whose secrets were withheld from the state, and puts them back.
func (r *run) refill(n *node, f *future, rec *record) error {
	var public []byte
	if err := json.Unmarshal(rec.public, &public); err != nil {
		return fmt.Errorf("read %s from the state: %w", n.name, err)
	}
	if w, is := r.store.withholdings[n.name]; is {
		var err error
		if public, err = w.Fill(public); err != nil {
			return err
		}
	}
	f.value, f.refilled = public, true
	return nil
}

// regenerate is what the files of a record were whose value was withheld, with the user's edits.
func (r *run) regenerate(n *node, rec *record) (Files, error) {
	v, err := r.compute(n)
	if err != nil {
		return nil, err
	}
	files := v.(Files)
	disk, err := readFiles(r.store.disk, files.Paths(), n.dirs)
	if err != nil {
		return nil, err
	}
	return apply(files, rec.Edited, disk, nil), nil
}

// missing reports whether a record has its value elsewhere.
func (r *record) missing() bool { return r.Withheld && r.Value == nil }

// stored is the value as it is in the state, nil if there is none.
func (r *record) stored() json.RawMessage {
	if r.Withheld {
		return r.public
	}
	return r.Value
}
