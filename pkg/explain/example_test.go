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

// off matches a field of the example that is switched off, and the lines that
// belong to it. Prose has a space behind its "#".
var (
	off     = regexp.MustCompile(`^ *#[A-Za-z]`)
	offMore = regexp.MustCompile(`^ *#(-|  )`)
)

// switched returns the example once for every group of fields that is switched
// off, with that group on, and as the last one with all of them on.
func switched(t *testing.T) (text string, groups []string, all string) {
	t.Helper()
	b, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(b), "\n")
	on := slices.Clone(lines)
	for i := 0; i < len(lines); i++ {
		if !off.MatchString(lines[i]) {
			continue
		}
		group := slices.Clone(lines)
		for ; i < len(lines) && (off.MatchString(lines[i]) || offMore.MatchString(lines[i])); i++ {
			group[i] = strings.Replace(lines[i], "#", "", 1)
			on[i] = group[i]
		}
		groups = append(groups, strings.Join(group, "\n"))
	}
	return string(b), groups, strings.Join(on, "\n")
}

// TestExampleIsGood loads the example as it is, and with each group of fields
// that it shows switched off.
func TestExampleIsGood(t *testing.T) {
	text, groups, _ := switched(t)
	if len(groups) < 10 {
		t.Errorf("only %d groups are switched off", len(groups))
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
	_, _, all := switched(t)
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
	// What is for other platforms or of no use to a person who writes a file.
	elsewhere := regexp.MustCompile(`^(arbiter|bootstrapInPlace|controlPlane\.fencing|controlPlane\.platform\.baremetal|kind|imageContentSources|metadata\.\w+|platform\.(baremetal|none|external)|(compute|platform\.ovirt\.defaultMachinePlatform)\..*)$`)
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

// TestExampleTellsDefaults compares what the example calls a default with the
// schema, for the fields that are switched off and have one.
func TestExampleTellsDefaults(t *testing.T) {
	s, compared := load(t), 0
	for at, want := range map[string]string{
		"platform.ovirt.ovirt_network_name": "#ovirt_network_name: %s", "controlPlane.platform.ovirt.vmType": "#vmType: %s",
		"compute.platform.ovirt.vmType": "#vmType: %s", "networking.networkType": "#networkType: %s", "publish": "#publish: %s",
		"cpuPartitioningMode": "#cpuPartitioningMode: %s", "controlPlane.hyperthreading": "#hyperthreading: %s",
		"capabilities.baselineCapabilitySet": "#  baselineCapabilitySet: %s", "imageDigestSources.sourcePolicy": "#  sourcePolicy: %s",
	} {
		f, err := s.Find(at)
		if err != nil {
			t.Fatal(err)
		}
		if f.Default == nil {
			continue
		}
		compared++
		if text, _, _ := switched(t); !strings.Contains(text, fmt.Sprintf(want, f.Default)+"\n") {
			t.Errorf("%s: the example does not show the default %v", at, f.Default)
		}
	}
	if compared < 6 {
		t.Errorf("only %d defaults were compared", compared)
	}
}
