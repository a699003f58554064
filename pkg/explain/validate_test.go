package explain_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/okd-install/okd-install/pkg/explain"
	"github.com/okd-install/okd-install/pkg/platforms"
)

// compiled compiles the schema. The library validates it against the standard's
// own schema.
func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(explain.InstallConfig().JSONSchema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("installconfig.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("installconfig.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// fromYAML converts YAML to the types of JSON, which the validator expects.
func fromYAML(t *testing.T, text []byte) any {
	t.Helper()
	var v any
	if err := yaml.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// examples returns the example install-configs of the documentation.
func examples(t *testing.T) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob("../../docs/user/examples/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	out := map[string][]byte{}
	for _, p := range append(paths, "../../install-config.example.yaml") {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.Base(p)] = b
	}
	return out
}

func TestSchemaAcceptsExamples(t *testing.T) {
	schema := compiled(t)
	for name, text := range examples(t) {
		if err := schema.Validate(fromYAML(t, text)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, r := platforms.All().Load(name, text); r.Failed() {
			t.Errorf("%s: %v", name, r.Err())
		}
	}
}

// TestSchemaRejects changes an example in ways that both the schema and Load must
// reject.
func TestSchemaRejects(t *testing.T) {
	schema := compiled(t)
	good := string(examples(t)["ovirt.yaml"])
	for _, tt := range []struct{ name, old, new, at string }{
		{"misspelt key", "baseDomain:", "baseDomian:", "/"},
		{"misspelt key below", "ovirt_network_name:", "ovirt_netwrok_name:", "/platform/ovirt"},
		{"text for number", "replicas: 3", "replicas: three", "/controlPlane/replicas"},
		{"number for text", "example.com", "12", "/baseDomain"},
		{"mapping for list", "- name: worker\n", "  name: worker\n", "/compute"},
		{"not a UUID", "ovirt_cluster_id: ", "ovirt_cluster_id: Default #", "/platform/ovirt/ovirt_cluster_id"},
		{"two platforms", "platform:\n  ovirt:", "platform:\n  none: {}\n  ovirt:", "/platform"},
		{"no VIP", "    api_vips:\n    - 192.168.100.10\n", "", "/platform/ovirt"},
		{"not a network", "192.168.100.0/24", "192.168.100.0", "/networking/machineNetwork/0/cidr"},
		{"unknown version", "apiVersion: v1", "apiVersion: v9", "/apiVersion"},
		{"capital letters", "name: demo", "name: Demo", "/metadata/name"},
		{"not a choice", "apiVersion: v1", "apiVersion: v1\npublish: Inside", "/publish"},
		{"no master", "replicas: 3", "replicas: 0", "/controlPlane/replicas"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := strings.Replace(good, tt.old, tt.new, 1)
			if text == good {
				t.Fatalf("the example has no %q", tt.old)
			}
			if _, r := platforms.All().Load("bad.yaml", []byte(text)); !r.Failed() {
				t.Error("Load accepts it")
			}
			err := schema.Validate(fromYAML(t, []byte(text)))
			if err == nil {
				t.Fatal("the schema accepts it")
			}
			if !strings.Contains(err.Error(), "at '"+strings.TrimSuffix(tt.at, "/")+"'") {
				t.Errorf("the schema reports another place: %v", err)
			}
		})
	}
}
