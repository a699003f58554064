package report

import "fmt"

// Field is a field of the report's file, to which checks add findings.
type Field struct {
	report *Report
	path   Path
	place  Path // the field whose position findings have, usually path
}

// Field returns the field with that path.
func (r *Report) Field(at Path) Field { return Field{r, at, at} }

// Root returns a field by its path from the top of the file.
func (f Field) Root(names ...string) Field { return f.report.Field(NewPath(names...)) }

// Child returns a field inside this one.
func (f Field) Child(names ...string) Field { return f.report.Field(f.path.Child(names...)) }

// Index returns an item of this list.
func (f Field) Index(i int) Field { return f.report.Field(f.path.Index(i)) }

// At returns the same field, with the position of another one in its findings.
// Nothing is added if the other one is broken.
func (f Field) At(other Field) Field {
	f.place = other.path
	return f
}

// Item returns the list with the position of an item, as the reference names the list.
func (f Field) Item(i int) Field { return f.At(f.Index(i)) }

// Path is the path of the field.
func (f Field) Path() Path { return f.path }

// Where is Report.Where for the field.
func (f Field) Where() Position { return f.report.Where(f.path) }

// Present is Report.Has for the field.
func (f Field) Present() bool { return f.report.Has(f.path) }

// MovedFrom gives the field the position of its old form.
func (f Field) MovedFrom(old Field) {
	if at := old.Where(); at.Line > 0 {
		f.report.Place(f.path, at.Line, at.Column)
	}
}

// ListMovedFrom is MovedFrom for a list with one item, or one network.
func (f Field) ListMovedFrom(old Field) {
	f.MovedFrom(old)
	f.Index(0).MovedFrom(old)
	f.Index(0).Child("cidr").MovedFrom(old)
}

// Break marks a field whose value could not be read. From then on nothing is added
// about the field or anything in it, nor that an enclosing field is missing: one
// cause gives one finding.
func (f Field) Break() { f.report.breakAt(f.path) }

// Broken reports whether the field, a part of it or an enclosing field could not be read.
func (f Field) Broken() bool { return f.report.Broken(f.path) }

// Required adds a finding that the field is missing.
func (f Field) Required(format string, args ...any) { f.add(Required, "", format, args...) }

// Invalid adds a finding that the value is wrong.
func (f Field) Invalid(value any, format string, args ...any) {
	f.add(Invalid, quote(value), format, args...)
}

// Unsupported adds a finding that the value is not an allowed one.
func (f Field) Unsupported(value any, allowed ...string) {
	f.add(Unsupported, quote(value), "supported values: %s", QuoteAll(allowed))
}

// Forbidden adds a finding that the field must not be set.
func (f Field) Forbidden(format string, args ...any) { f.add(Forbidden, "", format, args...) }

// Duplicate adds a finding that the value is not unique.
func (f Field) Duplicate(value any, format string, args ...any) {
	f.add(Duplicate, quote(value), format, args...)
}

// NotFound adds a finding that the value names something that does not exist.
func (f Field) NotFound(value any, format string, args ...any) {
	f.add(NotFound, quote(value), format, args...)
}

// TooMany adds a finding that the list has too many items.
func (f Field) TooMany(count, most int) {
	f.add(TooMany, fmt.Sprint(count), "must have at most %d items", most)
}

// Warn adds a warning: the value is allowed but probably not intended.
func (f Field) Warn(value any, format string, args ...any) {
	f.report.Add(Finding{
		Path: f.path, Type: Invalid, Value: quote(value), Detail: fmt.Sprintf(format, args...), Warning: true,
	})
}

func (f Field) add(kind Type, value, format string, args ...any) {
	if f.report.withinBroken(f.place) {
		return
	}
	f.report.Add(Finding{
		Path: f.path, Type: kind, Value: value, Detail: fmt.Sprintf(format, args...), At: f.report.Where(f.place),
	})
}
