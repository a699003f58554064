// Package report collects everything that is wrong with an input, each finding
// with the place it is at and what to do about it.
package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Type is the kind of a finding. The words are those that the Kubernetes field
// package uses, because users and wrappers know them.
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

// Position is a place in a file; both count from 1, zero is unknown.
type Position struct{ Line, Column int }

// Finding is one thing that is wrong, or, as a warning, dubious.
type Finding struct {
	Path    Path
	Type    Type
	Value   string // quoted already; empty where a type shows none
	Detail  string // what is expected and how to mend it
	Warning bool
	At      Position
	// Elsewhere says that Path is not in the report's file: it names, say, a
	// variable of the environment.
	Elsewhere bool
}

// Report is the findings about one file.
type Report struct {
	File     string
	findings []Finding
	places   map[string]Position
	broken   map[string]bool // fields whose value could not be read
	cracked  map[string]bool // fields that a broken one is in
}

// New starts an empty report about a file.
func New(file string) *Report {
	return &Report{
		File: file, places: map[string]Position{},
		broken: map[string]bool{}, cracked: map[string]bool{},
	}
}

// Place remembers where in the file a field is.
func (r *Report) Place(at Path, line, column int) {
	r.places[at.String()] = Position{line, column}
}

// Where returns the place of a field or, if the file does not have it, of the
// nearest field around it.
func (r *Report) Where(at Path) Position {
	for {
		if p, ok := r.places[at.String()]; ok {
			return p
		}
		if at.IsRoot() {
			return Position{}
		}
		at = at.Parent()
	}
}

// Break says that the value of a field could not be read. From then on nothing
// is added about the field or anything in it, nor that something around it is
// missing: one cause gives one finding.
func (r *Report) Break(at Path) {
	r.broken[at.String()] = true
	for !at.IsRoot() {
		at = at.Parent()
		r.cracked[at.String()] = true
	}
}

// Broken says whether the value of a field is not to be relied on, because it,
// something in it or something around it could not be read.
func (r *Report) Broken(at Path) bool { return r.cracked[at.String()] || r.within(at) }

// within says whether a field or one around it could not be read.
func (r *Report) within(at Path) bool {
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

// Add puts a finding into the report, unless the field is known to be broken.
func (r *Report) Add(f Finding) {
	if r.within(f.Path) || f.Type == Required && r.cracked[f.Path.String()] {
		return
	}
	if f.At == (Position{}) {
		f.At = r.Where(f.Path)
	}
	r.findings = append(r.findings, f)
}

// Required says that a field is missing.
func (r *Report) Required(at Path, format string, args ...any) {
	r.Add(Finding{Path: at, Type: Required, Detail: fmt.Sprintf(format, args...)})
}

// Invalid says that a value cannot be right.
func (r *Report) Invalid(at Path, value any, format string, args ...any) {
	r.Add(Finding{Path: at, Type: Invalid, Value: quote(value), Detail: fmt.Sprintf(format, args...)})
}

// InvalidItem says that an item of a list cannot be right. The finding has the
// path of the list, as in the reference, and the place of the item.
func (r *Report) InvalidItem(list Path, i int, value any, format string, args ...any) {
	if r.within(list.Index(i)) {
		return
	}
	r.Add(Finding{Path: list, Type: Invalid, Value: quote(value), Detail: fmt.Sprintf(format, args...), At: r.Where(list.Index(i))})
}

// Unsupported says that a value is none of those allowed.
func (r *Report) Unsupported(at Path, value any, allowed ...string) {
	quoted := make([]string, len(allowed))
	for i, a := range allowed {
		quoted[i] = quote(a)
	}
	r.Add(Finding{Path: at, Type: Unsupported, Value: quote(value), Detail: "supported values: " + strings.Join(quoted, ", ")})
}

// Forbidden says that a field must not be set here.
func (r *Report) Forbidden(at Path, format string, args ...any) {
	r.Add(Finding{Path: at, Type: Forbidden, Detail: fmt.Sprintf(format, args...)})
}

// Duplicate says that a value which must be unique is not.
func (r *Report) Duplicate(at Path, value any, format string, args ...any) {
	r.Add(Finding{Path: at, Type: Duplicate, Value: quote(value), Detail: fmt.Sprintf(format, args...)})
}

// NotFound says that a value names something that does not exist.
func (r *Report) NotFound(at Path, value any, format string, args ...any) {
	r.Add(Finding{Path: at, Type: NotFound, Value: quote(value), Detail: fmt.Sprintf(format, args...)})
}

// TooMany says that a list has more items than it may have.
func (r *Report) TooMany(at Path, count, most int) {
	r.Add(Finding{Path: at, Type: TooMany, Value: fmt.Sprint(count), Detail: fmt.Sprintf("must have at most %d items", most)})
}

// Warn notes something that is allowed but probably not meant.
func (r *Report) Warn(at Path, value any, format string, args ...any) {
	r.Add(Finding{Path: at, Type: Invalid, Value: quote(value), Detail: fmt.Sprintf(format, args...), Warning: true})
}

// Findings returns all findings in the order of the file.
func (r *Report) Findings() []Finding {
	out := slices.Clone(r.findings)
	slices.SortStableFunc(out, func(a, b Finding) int {
		if a.At.Line != b.At.Line {
			return a.At.Line - b.At.Line
		}
		return a.At.Column - b.At.Column
	})
	return out
}

// Failed says whether anything is wrong; warnings do not count.
func (r *Report) Failed() bool {
	return slices.ContainsFunc(r.findings, func(f Finding) bool { return !f.Warning })
}

// Lines returns the findings that are errors, or those that are warnings, as
// `file:line:column: path: Type: value: detail`.
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
	var parts []string
	place := r.File
	switch {
	case f.Elsewhere:
		place = ""
	case f.At.Line > 0:
		place += fmt.Sprintf(":%d:%d", f.At.Line, f.At.Column)
	}
	for _, p := range []string{place, f.Path.String(), string(f.Type), f.Value, f.Detail} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	return strings.Join(parts, ": ")
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

// longest is the length from which values are cut, so that a file pasted into
// the wrong field does not bury the message.
const longest = 200

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
	if len(text) > longest {
		text = strings.ToValidUTF8(text[:longest], "") + "..."
	}
	return strconv.Quote(text)
}
