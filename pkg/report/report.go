// Package report collects everything that is wrong with an input file: findings
// with their position and what to do about them.
package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Type is the kind of a finding, in the words of the Kubernetes field package,
// which users and wrappers know.
type Type string

// The kinds of findings.
const (
	Required    Type = "Required value"
	Invalid     Type = "Invalid value"
	Unsupported Type = "Unsupported value"
	Forbidden   Type = "Forbidden"
	Duplicate   Type = "Duplicate value"
	NotFound    Type = "Not found"
	TooMany     Type = "Too many"
)

// Position is a position in a file, counted from 1; zero is unknown.
type Position struct{ Line, Column int }

// Finding is one thing that is wrong or, as a warning, probably wrong.
type Finding struct {
	Path    Path
	Type    Type
	Value   string // quoted; empty for types that show none
	Detail  string // what is expected and how to fix it
	Warning bool
	At      Position
	// Elsewhere is set if Path is not in the report's file, but for example an
	// environment variable.
	Elsewhere bool
	// File is set if the finding is about another file than the report's.
	File string
}

// Report is the findings about one file.
type Report struct {
	File string
	// Unread says that something in the file could not be read as what it should be, so
	// that not even all rules were applied.
	Unread   bool
	findings []Finding
	places   *places
	broken   map[string]bool // fields whose value could not be read
	partial  map[string]bool // fields that contain a broken one
}

// New starts an empty report about a file.
func New(file string) *Report {
	return &Report{
		File: file, places: newPlaces(),
		broken: map[string]bool{}, partial: map[string]bool{},
	}
}

// Again starts an empty report about the same file, for rules that are applied later. It
// knows the positions of the fields.
func (r *Report) Again() *Report {
	return &Report{File: r.File, places: r.places, broken: r.broken, partial: r.partial}
}

// Beside is an empty report about the same file that shares nothing but the positions of fields.
func (r *Report) Beside() *Report {
	out := New(r.File)
	out.places = r.places
	return out
}

// Include adds the findings of a report about another file.
func (r *Report) Include(other *Report) {
	for _, f := range other.findings {
		if f.File == "" && other.File != r.File {
			f.File = other.File
		}
		r.findings = append(r.findings, f)
	}
}

// Place records the position of a field.
func (r *Report) Place(at Path, line, column int) {
	r.places.set(at, Position{line, column})
}

// Where returns the position of a field or, if the file does not have it, of the
// nearest enclosing field.
func (r *Report) Where(at Path) Position {
	for {
		if p, ok := r.places.get(at); ok {
			return p
		}
		if at.IsRoot() {
			return Position{}
		}
		at = at.Parent()
	}
}

// Has reports whether the file has the field, if only as null.
func (r *Report) Has(at Path) bool {
	_, ok := r.places.get(at)
	return ok
}

// breakAt is Field.Break.
func (r *Report) breakAt(at Path) {
	r.broken[at.String()] = true
	for !at.IsRoot() {
		at = at.Parent()
		r.partial[at.String()] = true
	}
}

// Broken is Field.Broken.
func (r *Report) Broken(at Path) bool { return r.partial[at.String()] || r.withinBroken(at) }

// withinBroken reports whether a field or an enclosing one could not be read.
func (r *Report) withinBroken(at Path) bool {
	if len(r.broken) == 0 {
		return false
	}
	for {
		if r.broken[at.String()] {
			return true
		}
		if at.IsRoot() {
			return false
		}
		at = at.Parent()
	}
}

// Add adds a finding, unless its field is broken.
func (r *Report) Add(f Finding) {
	if r.withinBroken(f.Path) || f.Type == Required && r.partial[f.Path.String()] {
		return
	}
	if f.At == (Position{}) {
		f.At = r.Where(f.Path)
	}
	r.findings = append(r.findings, f)
}

// Findings returns all findings in the order of the file, those of other files behind them.
func (r *Report) Findings() []Finding {
	out := slices.Clone(r.findings)
	slices.SortStableFunc(out, func(a, b Finding) int {
		return cmp.Or(strings.Compare(a.File, b.File), a.At.Line-b.At.Line, a.At.Column-b.At.Column)
	})
	return out
}

// Failed reports whether anything is wrong; warnings do not count.
func (r *Report) Failed() bool {
	return slices.ContainsFunc(r.findings, func(f Finding) bool { return !f.Warning })
}

// Lines returns the findings that are errors, or those that are warnings, as
// `file:line:column: path: Type: value: detail`; a value that is allowed has no type.
func (r *Report) Lines(warnings bool) []string {
	var out []string
	for _, f := range r.Findings() {
		if f.Warning == warnings {
			out = append(out, r.line(f))
		}
	}
	return out
}

func (r *Report) line(f Finding) string {
	place := cmp.Or(f.File, r.File)
	switch {
	case f.Elsewhere:
		place = ""
	case f.At.Line > 0:
		place += fmt.Sprintf(":%d:%d", f.At.Line, f.At.Column)
	}
	kind := string(f.Type)
	if f.Warning && f.Type == Invalid { // it is allowed
		kind = ""
	}
	parts := []string{place, f.Path.String(), kind, f.Value, f.Detail}
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), ": ")
}

// Err returns the findings as one error, nil if nothing is wrong.
func (r *Report) Err() error {
	if !r.Failed() {
		return nil
	}
	return &Error{Report: r}
}

// Error is a report with at least one error.
type Error struct{ Report *Report }

// Error prints one finding per line.
func (e *Error) Error() string { return strings.Join(e.Report.Lines(false), "\n") }

// maxValue is the length at which values are cut, in case a file was pasted into a field.
const maxValue = 200

// QuoteAll lists values for a message.
func QuoteAll(list []string) string {
	quoted := make([]string, len(list))
	for i, s := range list {
		quoted[i] = quote(s)
	}
	return strings.Join(quoted, ", ")
}

func quote(value any) string {
	text := ""
	switch v := value.(type) {
	case nil:
		return "null"
	case string:
		text = v
	case fmt.Stringer:
		text = v.String()
	default:
		return fmt.Sprint(value)
	}
	if len(text) > maxValue {
		text = strings.ToValidUTF8(text[:maxValue], "") + "..."
	}
	return strconv.Quote(text)
}
