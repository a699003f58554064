package types_test

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

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

// The decoder refuses values that the tag does not allow. What else the schema says
// of fields is held against Load in pkg/explain.
func TestChoices(t *testing.T) {
	n := 0
	eachField(reflect.TypeFor[types.InstallConfig](), "", func(path string, f reflect.StructField) {
		if facts := types.FieldFacts(f); facts.Enum != nil && f.Tag.Get("enumcheck") == "" {
			n++
			checkEnum(t, baseFor(path), path, f, facts)
		}
	})
	if n < 25 {
		t.Errorf("only %d choices were checked", n)
	}
}

func checkEnum(t *testing.T, r row, path string, f reflect.StructField, facts decode.Facts) {
	t.Helper()
	try := func(value string) bool {
		at, set := path, value
		if f.Type.Kind() == reflect.Slice {
			at, set = path+"[0]", "["+value+"]"
		}
		_, found := platforms.All().Load("c.yaml",
			[]byte(row{base: r.base, edits: r.edits + "\n" + path + " = " + set}.text(t)))
		want := report.Unsupported
		if f.Tag.Get("refuse") == "Invalid" {
			want = report.Invalid
		}
		return slices.ContainsFunc(found.Findings(),
			func(f report.Finding) bool { return f.Path.String() == at && f.Type == want })
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

var fieldLine = regexp.MustCompile("^\t([A-Z][A-Za-z0-9]*) +[^ ]+ +`([^`]*)`")

// fieldComments are the comments above fields, by name and tag.
func fieldComments(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, file := range []string{
		"installconfig.go", "networking.go", "machinepool.go", "host.go", "vips/vips.go",
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
