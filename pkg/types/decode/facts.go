package decode

import (
	"reflect"
	"strconv"
	"strings"

	"github.com/okd-install/okd-install/pkg/secret"
)

// Facts are the properties of a field that come from its struct tags.
type Facts struct {
	// Name is the key in YAML.
	Name string
	// Required says that a file without it is refused.
	Required bool
	// Refused says that no file may have it.
	Refused bool
	// Default is the value of an absent field, empty if it is not always the same.
	Default string
	// Enum is the allowed values, nil if it is not a choice. For a list they are
	// those of its items. With OrEmpty an empty text is allowed, too.
	Enum    []string
	OrEmpty bool
	// Pattern names the form of a text, or of the items of a list.
	Pattern string
	// Bounds of a number, a text or a list; nil for none.
	Min, Max, MaxLength, MaxItems *int64
	// Nullable says that programs which generate the file write null for nothing.
	Nullable bool
	// Secret says that the value must not be shown.
	Secret bool
	// Deprecated says that the key is of an old form of the file.
	Deprecated bool
	// RenamedTo is the key that took its place. A deprecated key without it means
	// nothing any more.
	RenamedTo string
}

// FieldFacts reads the tags of a field.
func FieldFacts(f reflect.StructField) Facts {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	renamed, deprecated := f.Tag.Lookup("renamed")
	is := func(tag string) bool { return f.Tag.Get(tag) == "true" }
	facts := Facts{
		Name: name, Default: f.Tag.Get("default"), Pattern: f.Tag.Get("pattern"),
		Required: is("required"), Refused: is("refused"), OrEmpty: is("orempty"), Nullable: is("nullable"),
		Min: bound(f, "min"), Max: bound(f, "max"), MaxLength: bound(f, "maxlength"), MaxItems: bound(f, "maxitems"),
		Secret: f.Type == reflect.TypeFor[secret.String](), Deprecated: deprecated, RenamedTo: renamed,
	}
	if tag := f.Tag.Get("enum"); tag != "" {
		facts.Enum = strings.Split(tag, ",")
	}
	return facts
}

func bound(f reflect.StructField, tag string) *int64 {
	text, ok := f.Tag.Lookup(tag)
	if !ok {
		return nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		panic("decode: tag " + tag + " of " + f.Name + ": " + err.Error())
	}
	return &n
}

// field is a field of a struct, as the decoder needs it.
type field struct {
	index           int
	enum            []string
	refuseAsInvalid bool // the reference says Invalid rather than Unsupported
	deprecated      bool
}

// fieldsOf maps the keys of a struct in YAML to its fields.
func (d *decoder) fieldsOf(t reflect.Type) map[string]field {
	if known, ok := d.fields[t]; ok {
		return known
	}
	out := map[string]field{}
	for i := range t.NumField() {
		if f := t.Field(i); f.IsExported() {
			facts := d.Facts(f)
			if f.Tag.Get("enumcheck") == "validate" { // its messages depend on other fields
				facts.Enum = nil
			}
			out[facts.Name] = field{i, facts.Enum, f.Tag.Get("refuse") == "Invalid", facts.Deprecated}
		}
	}
	d.fields[t] = out
	return out
}
