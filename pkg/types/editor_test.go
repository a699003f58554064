package types_test

import (
	"bytes"
	"encoding/json"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/okd-install/okd-install/pkg/explain"
)

// editorAccepts checks that an editor with the JSON Schema finds no fault with an
// install-config that Load accepts. The schema is stricter in two things, which
// docs/user names: keys without a value, and yes or no for true or false.
func editorAccepts(t *testing.T, text string) {
	t.Helper()
	schema, err := editorSchema()
	if err != nil {
		t.Fatal(err)
	}
	var doc any
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(modern(doc))
	if err != nil {
		return // keys that are no text, as in networkConfig, which JSON cannot say
	}
	plain, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(plain); err != nil {
		t.Errorf("the JSON Schema refuses what Load accepts: %v\nof:\n%s", err, text)
	}
}

var editorSchema = sync.OnceValues(func() (*jsonschema.Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(explain.InstallConfig().JSONSchema()))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("s.json", doc); err != nil {
		return nil, err
	}
	return c.Compile("s.json")
})

// modern leaves out keys without a value and reads the booleans of old YAML.
func modern(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			if e == nil {
				delete(v, k)
			} else {
				v[k] = modern(e)
			}
		}
	case []any:
		for i, e := range v {
			v[i] = modern(e)
		}
	case string:
		switch v {
		case "yes", "Yes", "YES", "on", "On", "ON":
			return true
		case "no", "No", "NO", "off", "Off", "OFF":
			return false
		}
	}
	return v
}
