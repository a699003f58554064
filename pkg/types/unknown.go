package types

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/okd-install/okd-install/pkg/report"
)

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
			facts := FieldFacts(f)
			if f.Tag.Get("enumcheck") == "validate" { // its messages depend on other fields
				facts.Enum = nil
			}
			out[facts.Name] = field{i, facts.Enum, f.Tag.Get("refuse") == "Invalid", facts.Deprecated}
		}
	}
	d.fields[t] = out
	return out
}

// maxGuesses is how many unknown keys are compared with the known ones. With more
// the file is of something else altogether.
const maxGuesses = 100

// unknown adds a finding about a key that the schema does not have.
func (d *decoder) unknown(p pair, in reflect.Type, fields map[string]field, present map[string]bool, at report.Path) {
	place := report.Position{Line: p.key.Line, Column: p.key.Column}
	key := printable(p.key.Value)
	if slices.Contains(foreignPlatforms, key) {
		switch in {
		case reflect.TypeFor[Platform]():
			d.report.Add(finding{Path: at, Type: report.Unsupported, Value: strconv.Quote(key), At: place,
				Detail: "this installer installs on other platforms; supported values: " + quoteAll(PlatformNames())})
			d.report.Break(at.Child(key))
			d.elsewhere = true
			return
		case reflect.TypeFor[MachinePoolPlatform]():
			d.foreign = append(d.foreign, finding{Path: at.Child(key), Type: report.Invalid, Value: strconv.Quote(key), At: place,
				Detail: "is another platform than the cluster's; remove it"})
			return
		}
	}
	f := finding{Path: at.Child(key), Type: report.Invalid, Value: strconv.Quote(key), Detail: "unknown key", At: place}
	if d.allowUnknown {
		f.Warning, f.Detail = true, "unknown key, which is ignored"
	}
	guess := ""
	if d.guesses++; d.guesses <= maxGuesses {
		guess = closest(key, fields)
	}
	if guess != "" {
		f.Detail += fmt.Sprintf("; did you mean %q?", guess)
	}
	d.report.Add(f)
	if guess != "" && !d.allowUnknown && !present[guess] {
		d.report.Break(at.Child(guess)) // that it is missing is the same mistake
	}
}

func quoteAll(list []string) string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = strconv.Quote(s)
	}
	return strings.Join(out, ", ")
}

// printable makes a key of the file fit for a path in a message of one line.
func printable(key string) string {
	const most = 64
	cut := key
	if len(cut) > most {
		cut = strings.ToValidUTF8(cut[:most], "") + "..."
	}
	if quoted := strconv.Quote(cut); quoted != `"`+cut+`"` || cut == "" {
		return quoted
	}
	return cut
}

// closest is the known key that is closest to an unknown one, if any is close.
// Keys of old forms are not proposed.
func closest(key string, known map[string]field) string {
	var current []string
	for k, f := range known {
		if !f.deprecated {
			current = append(current, k)
		}
	}
	return report.Closest(key, current)
}
