package decode

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/okd-install/okd-install/pkg/report"
)

// maxGuesses is how many unknown keys are compared with the known ones. With more
// the file is of something else altogether.
const maxGuesses = 100

// unknown adds a finding about a key that the schema does not have. Known are
// those that it has, and present those that the file has.
func (d *decoder) unknown(p pair, in reflect.Type, known []string, present map[string]bool, at report.Path) {
	place := report.Position{Line: p.key.Line, Column: p.key.Column}
	key := printable(p.key.Value)
	if d.Elsewhere != nil && d.Elsewhere(in, key, at, place) {
		return
	}
	f := report.Finding{
		Path: at.Child(key), Type: report.Invalid, Value: strconv.Quote(key), Detail: "unknown key", At: place,
	}
	if d.AllowUnknown {
		f.Warning, f.Detail = true, "unknown key, which is ignored"
	}
	guess := ""
	if d.guesses++; d.guesses <= maxGuesses {
		guess = report.Closest(key, known)
	}
	if guess != "" {
		f.Detail += fmt.Sprintf("; did you mean %q?", guess)
	}
	d.report.Add(f)
	if guess != "" && !d.AllowUnknown && !present[guess] {
		d.report.Field(at.Child(guess)).Break() // that it is missing is the same mistake
	}
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
