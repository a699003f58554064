package explain_test

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/okd-install/okd-install/pkg/explain"
	"github.com/okd-install/okd-install/pkg/platforms"
	"github.com/okd-install/okd-install/pkg/testkit/golden"
	"github.com/okd-install/okd-install/pkg/types"
	"github.com/okd-install/okd-install/pkg/types/virtualization"
)

// TestSchemaIsCurrent fails if the embedded schema differs from pkg/types, if a
// field has no description, and if comments or tags contradict types.Load.
func TestSchemaIsCurrent(t *testing.T) {
	for _, tt := range []struct {
		document explain.Document
		of       any
		kinds    []types.PlatformKind
		page     string
	}{
		{explain.InstallConfig(), types.InstallConfig{}, platforms.All().Kinds(), "reference-install-config.md"},
		{explain.Virtualization(), virtualization.Config{}, nil, "reference-virtualization.md"},
	} {
		s, err := deriveSchema("../..", tt.document, tt.of, tt.kinds)
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
		golden.Compare(t, tt.document.Resource+".schema.json", b.Bytes())
		golden.Compare(t, filepath.Join("../../docs/user", tt.page), writePage(tt.document, s))
	}
}

func load(t *testing.T) *explain.Schema {
	t.Helper()
	return loadOf(t, explain.InstallConfig())
}

func loadOf(t *testing.T, d explain.Document) *explain.Schema {
	t.Helper()
	s, err := d.Load()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestEveryFieldIsDescribed checks the embedded schemas.
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
	for _, d := range explain.Documents() {
		walk(d.Resource, loadOf(t, d))
	}
	if count < 250 {
		t.Errorf("only %d fields were found", count)
	}
}
