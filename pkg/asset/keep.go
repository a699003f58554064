package asset

import (
	"encoding/json"
	"fmt"
)

// Remember keeps the value of a parameter, on disk when it returns, whatever
// becomes of the runs to come. It is for decisions that must not be made twice.
func Remember[T any](s *Store, p Asset[T], value T) error {
	raw, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encode %s: %w", p.n.name, err)
	}
	return s.saver.commit(func(st *state) { st.Assets[p.n.name] = &record{Digest: sha(raw), Value: raw} })
}

// Recall is the value that an earlier run left of an asset; false if there is
// none.
func Recall[T any](s *Store, a Asset[T]) (value T, ok bool, err error) {
	var raw json.RawMessage
	s.saver.view(func(st *state) {
		if rec := st.Assets[a.n.name]; rec != nil {
			raw = rec.Value
		}
	})
	if raw == nil {
		return value, false, nil
	}
	v, err := a.n.decode(raw)
	if err != nil {
		return value, false, err
	}
	return v.(T), true, nil
}
