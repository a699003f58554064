package explain_test

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/okd-install/okd-install/pkg/explain"
	"github.com/okd-install/okd-install/pkg/platforms"
	"github.com/okd-install/okd-install/pkg/testkit/golden"
)

// TestSchemaIsCurrent fails if the embedded schema differs from pkg/types, if a
// field has no description, and if comments or tags contradict types.Load.
func TestSchemaIsCurrent(t *testing.T) {
	s, err := deriveSchema("../..", platforms.All().Kinds())
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(s); err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "installconfig.schema.json", b.Bytes())
	golden.Compare(t, filepath.FromSlash("../../docs/user/reference-install-config.md"), writePage(s))
}

func load(t *testing.T) *explain.Schema {
	t.Helper()
	s, err := explain.Load()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestEveryFieldIsDescribed checks the embedded schema.
func TestEveryFieldIsDescribed(t *testing.T) {
	count := 0
	var walk func(path string, s *explain.Schema)
	walk = func(path string, s *explain.Schema) {
		for _, name := range s.Fields() {
			f := s.Object().Properties[name]
			if count++; len(f.Description) < 10 {
				t.Errorf("%s.%s is described as %q", path, name, f.Description)
			}
			walk(path+"."+name, f)
		}
	}
	walk(explain.Resource, load(t))
	if count < 100 {
		t.Errorf("only %d fields were found", count)
	}
}
