package types_test

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/okd-install/okd-install/pkg/platforms"
	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/types"
	"github.com/okd-install/okd-install/pkg/types/decode"
)

// eachField visits every field of the schema, with its path for the first item
// of every list.
func eachField(typ reflect.Type, path string, visit func(path string, f reflect.StructField)) {
	switch typ {
	case reflect.TypeFor[types.Platform]():
		for _, kind := range platforms.All().Kinds() {
			eachField(reflect.TypeOf(kind.New()), path+"."+kind.Name, visit)
		}
		return
	case reflect.TypeFor[types.MachinePoolPlatform]():
		for _, kind := range platforms.All().Kinds() {
			if kind.NewPool != nil {
				eachField(reflect.TypeOf(kind.NewPool()), path+"."+kind.Name, visit)
			}
		}
		return
	}
	switch typ.Kind() {
	case reflect.Pointer:
		eachField(typ.Elem(), path, visit)
	case reflect.Slice:
		eachField(typ.Elem(), path+"[0]", visit)
	case reflect.Struct:
		for i := range typ.NumField() {
			f := typ.Field(i)
			if !f.IsExported() {
				continue
			}
			child := strings.TrimPrefix(path+"."+types.FieldFacts(f).Name, ".")
			visit(child, f)
			eachField(f.Type, child, visit)
		}
	}
}

// baseFor is the base in which a field makes sense, and its edits.
func baseFor(path string) row {
	for _, kind := range platforms.All().Kinds() {
		if strings.Contains(path, "platform."+kind.Name) {
			return row{base: kind.Name, edits: map[string]string{baremetal: managed}[kind.Name]}
		}
	}
	return row{base: none}
}

// What the schema says about a field has to be what Load does with it.
func TestSchemaIsObeyed(t *testing.T) {
	enums, defaults, required := 0, 0, 0
	eachField(reflect.TypeFor[types.InstallConfig](), "", func(path string, f reflect.StructField) {
		facts := types.FieldFacts(f)
		r := baseFor(path)
		if facts.Enum != nil {
			enums++
			checkEnum(t, r, path, f, facts)
		}
		if facts.Default != "" {
			defaults += checkDefault(t, r, path, facts)
		}
		if facts.Required {
			required += checkRequired(t, r, path)
		}
	})
	t.Logf("%d choices, %d defaults, %d required fields", enums, defaults, required)
	if enums < 25 || defaults < 15 || required < 10 {
		t.Error("too few fields were checked")
	}
}

func checkEnum(t *testing.T, r row, path string, f reflect.StructField, facts decode.Facts) {
	t.Helper()
	try := func(value string) bool {
		at, set := path, value
		if f.Type.Kind() == reflect.Slice {
			at, set = path+"[0]", "["+value+"]"
		}
		_, found := platforms.All().Load("c.yaml", []byte(row{base: r.base, edits: r.edits + "\n" + path + " = " + set}.text(t)))
		want := report.Unsupported
		if f.Tag.Get("refuse") == "Invalid" {
			want = report.Invalid
		}
		return slices.ContainsFunc(found.Findings(), func(f report.Finding) bool { return f.Path.String() == at && f.Type == want })
	}
	wrong := "no-such-value"
	if f.Type.Kind() == reflect.Int32 {
		wrong = "77"
	}
	if !try(wrong) {
		t.Errorf("%s: %s is not refused", path, wrong)
	}
	for _, v := range facts.Enum {
		if try(v) {
			t.Errorf("%s: %s is refused", path, v)
		}
	}
}

func checkDefault(t *testing.T, r row, path string, facts decode.Facts) int {
	t.Helper()
	c, found := platforms.All().Load("c.yaml", []byte(r.text(t)))
	if c == nil {
		t.Fatal(found.Err())
	}
	tree := plainTree(t, c)
	parent := steps(path)
	if _, there := lookup(tree, parent[:len(parent)-1]); !there {
		return 0 // tried in the tables
	}
	v, there := lookup(tree, parent)
	if !there && facts.Default == "false" { // which is left out
		return 1
	}
	if got := fmt.Sprint(v); got != facts.Default {
		t.Errorf("%s is %s, the schema says %s", path, got, facts.Default)
	}
	return 1
}

func checkRequired(t *testing.T, r row, path string) int {
	t.Helper()
	var doc any
	if err := yaml.Unmarshal([]byte(r.text(t)), &doc); err != nil {
		t.Fatal(err)
	}
	if _, there := lookup(doc, steps(path)); !there {
		return 0 // in something optional; tried in the tables
	}
	_, found := platforms.All().Load("c.yaml", []byte(row{base: r.base, edits: r.edits + "\ndrop " + path}.text(t)))
	if !slices.ContainsFunc(found.Findings(), func(f report.Finding) bool {
		return f.Type == report.Required && strings.HasPrefix(f.Path.String(), path)
	}) {
		t.Errorf("%s is not required: %v", path, found.Err())
	}
	return 1
}

// Every exported field has a comment that begins with its name and, for the
// first sentence, says something; a default that the tag names is in it.
func TestFieldsAreDescribed(t *testing.T) {
	comments := fieldComments(t)
	eachField(reflect.TypeFor[types.InstallConfig](), "", func(path string, f reflect.StructField) {
		text := comments[f.Name+" `"+string(f.Tag)+"`"]
		facts := types.FieldFacts(f)
		if !strings.HasPrefix(text, f.Name+" ") || len(text) < len(f.Name)+12 {
			t.Errorf("%s has no description", path)
		}
		if facts.Default != "" && !strings.Contains(text, "Default: "+facts.Default) && facts.Default != "3" {
			t.Errorf("%s: the description does not name the default %s", path, facts.Default)
		}
		for _, v := range facts.Enum {
			if !strings.HasPrefix(f.Tag.Get("enum"), "@") && !strings.Contains(text, v) {
				t.Errorf("%s: the description does not name %s", path, v)
			}
		}
	})
}

var fieldLine = regexp.MustCompile("^\t([A-Z][A-Za-z0-9]*) +[^ ]+ +`(.*)`$")

// fieldComments are the comments above fields, by name and tag.
func fieldComments(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, file := range []string{
		"installconfig.go", "networking.go", "machinepool.go", "vips/loadbalancer.go",
		"../platforms/ovirt/config/fields.go", "../platforms/baremetal/config/fields.go", "../platforms/external/external.go",
	} {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var comment []string
		for _, l := range strings.Split(string(source), "\n") {
			if text, ok := strings.CutPrefix(l, "\t// "); ok {
				comment = append(comment, text)
				continue
			}
			if m := fieldLine.FindStringSubmatch(l); m != nil {
				out[m[1]+" `"+m[2]+"`"] = strings.Join(comment, " ")
			}
			comment = nil
		}
	}
	return out
}
