package report

import "fmt"

// Field is a field of the file that a report is about. Findings are added
// through it, so that whoever checks a value need not know where it is.
type Field struct {
	report *Report
	path   Path
	place  Path // where in the file findings point to, usually path
}

// Field returns the field with that path.
func (r *Report) Field(at Path) Field { return Field{r, at, at} }

// Root returns a field by its path from the top of the file.
func (f Field) Root(names ...string) Field { return f.report.Field(NewPath(names...)) }

// Child returns a field inside this one.
func (f Field) Child(names ...string) Field { return f.report.Field(f.path.Child(names...)) }

// Index returns an item of this list.
func (f Field) Index(i int) Field { return f.report.Field(f.path.Index(i)) }

// At returns the same field with findings that point to the place of another
// one. Nothing is added if that one is broken.
func (f Field) At(other Field) Field {
	f.place = other.path
	return f
}

// Item is about the list as a whole, as in the reference, and points to one of
// its items.
func (f Field) Item(i int) Field { return f.At(f.Index(i)) }

// Path is the path of the field.
func (f Field) Path() Path { return f.path }

// Where is the place of the field in the file or, if the file does not have it,
// of the nearest field around it.
func (f Field) Where() Position { return f.report.Where(f.path) }

// MovedFrom makes findings about the field point to where the file has its old
// form.
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

// Break says that the value of the field could not be read. From then on nothing
// is added about the field or anything in it, nor that something around it is
// missing: one cause gives one finding.
func (f Field) Break() { f.report.breakAt(f.path) }

// Broken reports whether the value of the field is not to be relied on, because
// it, something in it or something around it could not be read.
func (f Field) Broken() bool { return f.report.Broken(f.path) }

// Required adds that the field is missing.
func (f Field) Required(format string, args ...any) { f.add(Required, "", format, args...) }

// Invalid adds that the value cannot be right.
func (f Field) Invalid(value any, format string, args ...any) {
	f.add(Invalid, quote(value), format, args...)
}

// Unsupported adds that the value is none of those allowed.
func (f Field) Unsupported(value any, allowed ...string) {
	f.add(Unsupported, quote(value), "supported values: %s", QuoteAll(allowed))
}

// Forbidden adds that the field must not be set here.
func (f Field) Forbidden(format string, args ...any) { f.add(Forbidden, "", format, args...) }

// Duplicate adds that a value which must be unique is not.
func (f Field) Duplicate(value any, format string, args ...any) {
	f.add(Duplicate, quote(value), format, args...)
}

// NotFound adds that the value names something that does not exist.
func (f Field) NotFound(value any, format string, args ...any) {
	f.add(NotFound, quote(value), format, args...)
}

// TooMany adds that a list has more items than it may have.
func (f Field) TooMany(count, most int) {
	f.add(TooMany, fmt.Sprint(count), "must have at most %d items", most)
}

// Warn adds that something is allowed but probably not meant.
func (f Field) Warn(value any, format string, args ...any) {
	f.report.Add(Finding{
		Path: f.path, Type: Invalid, Value: quote(value), Detail: fmt.Sprintf(format, args...), Warning: true,
	})
}

func (f Field) add(kind Type, value, format string, args ...any) {
	if f.report.within(f.place) {
		return
	}
	f.report.Add(Finding{
		Path: f.path, Type: kind, Value: value, Detail: fmt.Sprintf(format, args...), At: f.report.Where(f.place),
	})
}
