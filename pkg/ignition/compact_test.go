package ignition

import (
	"bytes"
	"encoding/json"
	"testing"
)

// pruned is what Compact does, with a tree of the whole config.
func pruned(v any) (empty bool) {
	switch v := v.(type) {
	case map[string]any:
		for key, child := range v {
			if pruned(child) {
				delete(v, key)
			}
		}
		return len(v) == 0
	case []any:
		for _, item := range v {
			pruned(item)
		}
		return len(v) == 0
	}
	return v == nil
}

func FuzzCompact(f *testing.F) {
	for _, text := range []string{
		`{}`, `{"b":[],"a":{"z":null,"y":1,"x":{}},"":false}`, `[{},[],null,[{}],"<é\u2028>",1e300,0]`,
		`{"storage":{"files":[{"path":"/a","contents":{"source":"data:,"},"user":{}},{"mode":420,"group":{"id":null}}]}}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var tree any
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		if d.Decode(&tree) != nil || d.More() {
			return
		}
		got, err := Compact(tree)
		if err != nil {
			t.Fatal(err)
		}
		pruned(tree)
		if want, err := json.Marshal(tree); err != nil || !bytes.Equal(got, want) {
			t.Errorf("got %s, want %s, %v", got, want, err)
		}
	})
}
