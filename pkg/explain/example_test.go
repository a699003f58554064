package explain_test

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/okd-install/okd-install/pkg/explain"
	"github.com/okd-install/okd-install/pkg/platforms"
)

const example = "../../install-config.example.yaml"

// Fields that are commented out in the example: the first line, and the lines that
// belong to it. Prose has a space after its "#".
var (
	commented     = regexp.MustCompile(`^ *#[A-Za-z]`)
	commentedMore = regexp.MustCompile(`^ *#(-|  )`)
)

// uncommented returns an example, its text with each group of commented fields
// enabled, and its text with all of them enabled.
func uncommented(t *testing.T, example string) (text string, groups []string, all string) {
	t.Helper()
	b, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(b), "\n")
	enabled := slices.Clone(lines)
	for i := 0; i < len(lines); i++ {
		if !commented.MatchString(lines[i]) {
			continue
		}
		group := slices.Clone(lines)
		for ; i < len(lines) && (commented.MatchString(lines[i]) || commentedMore.MatchString(lines[i])); i++ {
			group[i] = strings.Replace(lines[i], "#", "", 1)
			enabled[i] = group[i]
		}
		groups = append(groups, strings.Join(group, "\n"))
	}
	return string(b), groups, strings.Join(enabled, "\n")
}

// TestExampleIsGood loads the example, and the example with each group of
// commented fields enabled.
func TestExampleIsGood(t *testing.T) {
	text, groups, _ := uncommented(t, example)
	if len(groups) < 10 {
		t.Errorf("only %d groups are commented out", len(groups))
	}
	for _, config := range append(groups, text) {
		if _, r := platforms.All().Load("install-config.example.yaml", []byte(config)); r.Failed() {
			t.Errorf("%v", r.Err())
		}
	}
}

// TestExampleIsComplete looks in the example for every field that a cluster on
// oVirt can have.
func TestExampleIsComplete(t *testing.T) {
	_, _, all := uncommented(t, example)
	var doc map[string]any
	if err := yaml.Unmarshal([]byte(all), &doc); err != nil {
		t.Fatal(err)
	}
	shown := map[string]bool{}
	var note func(path string, v any)
	note = func(path string, v any) {
		shown[path] = true
		switch v := v.(type) {
		case map[string]any:
			for k, e := range v {
				note(strings.TrimPrefix(path+"."+k, "."), e)
			}
		case []any:
			for _, e := range v {
				note(path, e)
			}
		}
	}
	note("", doc)
	// Both pools have the same fields.
	for path := range maps.Clone(shown) {
		if rest, ok := strings.CutPrefix(path, "compute."); ok {
			shown["controlPlane."+rest] = true
		}
	}
	// Fields of other platforms, and fields that people do not write.
	elsewhere := regexp.MustCompile(`^(arbiter|bootstrapInPlace|controlPlane\.fencing|controlPlane\.platform\.baremetal|` +
		`kind|imageContentSources|metadata\.\w+|platform\.(baremetal|none|external)|` +
		`(compute|platform\.ovirt\.defaultMachinePlatform)\..*)$`)
	count := 0
	var walk func(path string, s *explain.Schema)
	walk = func(path string, s *explain.Schema) {
		for _, name := range s.Fields() {
			p, at := s.Object().Properties[name], strings.TrimPrefix(path+"."+name, ".")
			if p.Deprecated || p.Not != nil || at != "metadata.name" && elsewhere.MatchString(at) {
				continue
			}
			if count++; !shown[at] {
				t.Errorf("the example does not show %s", at)
			}
			walk(at, p)
		}
	}
	walk("", load(t))
	if count < 50 {
		t.Errorf("only %d fields were looked for", count)
	}
}

// TestExampleTellsDefaults compares the values of commented fields in the example
// with the defaults in the schema.
func TestExampleTellsDefaults(t *testing.T) {
	s, compared := load(t), 0
	for at, want := range map[string]string{
		"platform.ovirt.ovirt_network_name":  "#ovirt_network_name: %s",
		"controlPlane.platform.ovirt.vmType": "#vmType: %s",
		"compute.platform.ovirt.vmType":      "#vmType: %s",
		"networking.networkType":             "#networkType: %s",
		"publish":                            "#publish: %s",
		"cpuPartitioningMode":                "#cpuPartitioningMode: %s",
		"controlPlane.hyperthreading":        "#hyperthreading: %s",
		"capabilities.baselineCapabilitySet": "#  baselineCapabilitySet: %s",
		"imageDigestSources.sourcePolicy":    "#  sourcePolicy: %s",
	} {
		f, err := s.Find(at)
		if err != nil {
			t.Fatal(err)
		}
		if f.Default == nil {
			continue
		}
		compared++
		if text, _, _ := uncommented(t, example); !strings.Contains(text, fmt.Sprintf(want, f.Default)+"\n") {
			t.Errorf("%s: the example does not show the default %v", at, f.Default)
		}
	}
	if compared < 6 {
		t.Errorf("only %d defaults were compared", compared)
	}
}
