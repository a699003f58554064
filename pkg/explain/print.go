package explain

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// width is the column at which descriptions are wrapped.
const width = 80

// Print writes the description of a field and of the fields in it, in the layout
// of the reference and kubectl.
func (s *Schema) Print(w io.Writer) error {
	b := s.head()
	for i, name := range s.Fields() {
		b.WriteString("\n")
		if i == 0 {
			b.WriteString("FIELDS:\n")
		}
		s.field(b, name, 4).details(b, 6)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// PrintTree writes the names and types of all fields below s.
func (s *Schema) PrintTree(w io.Writer) error {
	b := s.head()
	b.WriteString("\nFIELDS:\n")
	s.tree(b, 4)
	_, err := io.WriteString(w, b.String())
	return err
}

func (s *Schema) head() *strings.Builder {
	b := &strings.Builder{}
	fmt.Fprintf(b, "KIND:     %s\nVERSION:  %s\n\nRESOURCE: <%s>\n", s.document.Kind, s.document.Version, s.TypeName())
	s.details(b, 2)
	return b
}

func (s *Schema) tree(b *strings.Builder, indent int) {
	for _, name := range s.Fields() {
		s.field(b, name, indent).tree(b, indent+3)
	}
}

// field writes the name and type of a field, and returns the field.
func (s *Schema) field(b *strings.Builder, name string, indent int) *Schema {
	f := s.Object().Properties[name]
	fmt.Fprintf(b, "%*s%s <%s>", indent, "", name, f.TypeName())
	if s.Requires(name) {
		b.WriteString(" -required-")
	}
	b.WriteString("\n")
	return f
}

// details writes the lines below the name of a field.
func (s *Schema) details(b *strings.Builder, indent int) {
	line := func(label, text string) {
		if text != "" {
			fmt.Fprintf(b, "%*s%s: %s\n", indent, "", label, text)
		}
	}
	line("Default", s.DefaultText())
	line("Format", s.Object().Format)
	line("Valid Values", strings.Join(s.EnumTexts(), ","))
	line("Range", s.RangeText())
	if s.Not != nil {
		line("Not supported", "leave it out")
	}
	if s.WriteOnly {
		line("Secret", "no command shows it")
	}
	for _, paragraph := range strings.Split(s.Description, "\n") {
		wrap(b, paragraph, indent)
	}
}

// DefaultText returns the default as JSON, or empty.
func (s *Schema) DefaultText() string {
	if s.Default == nil {
		return ""
	}
	return text(s.Default)
}

// EnumTexts returns the allowed values as JSON; none if they are not a fixed set.
func (s *Schema) EnumTexts() []string {
	var out []string
	for _, v := range s.Object().Enum {
		out = append(out, text(v))
	}
	return out
}

// RangeText describes the limits of a number, a length or the number of items.
func (s *Schema) RangeText() string {
	between := func(least, most *int64, what string) string {
		if most != nil && *most == 1 {
			what = strings.TrimSuffix(what, "s")
		}
		switch {
		case least != nil && most != nil && *least == *most:
			return fmt.Sprintf("%d%s", *least, what)
		case least != nil && most != nil:
			return fmt.Sprintf("%d to %d%s", *least, *most, what)
		case least != nil:
			return fmt.Sprintf("at least %d%s", *least, what)
		case most != nil:
			return fmt.Sprintf("at most %d%s", *most, what)
		}
		return ""
	}
	var out []string
	o := s.Object()
	for _, part := range []string{
		between(o.Minimum, o.Maximum, ""), between(nil, o.MaxLength, " characters"),
		between(s.MinItems, s.MaxItems, " items"),
	} {
		if part != "" {
			out = append(out, part)
		}
	}
	return strings.Join(out, ", ")
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic("explain: encode a value of the schema: " + err.Error()) // it was decoded from JSON
	}
	return string(b)
}

// wrap writes a paragraph in lines of at most width columns.
func wrap(b *strings.Builder, paragraph string, indent int) {
	column := 0
	for _, word := range strings.Fields(paragraph) {
		if column > 0 && column+1+len(word) > width {
			b.WriteString("\n")
			column = 0
		}
		if column == 0 {
			fmt.Fprintf(b, "%*s", indent-1, "")
			column = indent - 1
		}
		b.WriteString(" " + word)
		column += 1 + len(word)
	}
	b.WriteString("\n")
}
