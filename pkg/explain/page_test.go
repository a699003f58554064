package explain_test

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/okd-install/okd-install/pkg/explain"
)

type writer struct {
	strings.Builder
	resource string
	sections []section
}

// section is an object that has a section on the page.
type section struct {
	path  string
	shape string // its fields without defaults; objects of the same shape share a section
	node  *explain.Schema
}

// heads are the beginnings of the pages, by the resource.
var heads = map[string]string{
	"installconfig": `# Fields of install-config.yaml

<!-- Made from pkg/types by "make docs"; change the comments and tags there. -->

Every field of ` + "`install-config.yaml`" + ` on the platforms of this installer. The program has the same texts: ` +
		"`okd-install explain installconfig.platform`" + ` describes a field, ` +
		"`okd-install explain --schema`" + ` prints a JSON Schema for editors, which complete and check the file with it.

A field marked **required** must be set if the object that contains it is. ` +
		"`[]`" + ` stands for each item of a list. Old forms and names still work; ` +
		`a file must not have both the old and the new one. A key that is not on this page is an error.

`,
	"virtualization": `# Fields of virtualization.yaml

<!-- Made from pkg/types/virtualization by "make docs"; change the comments and tags there. -->

Every field of ` + "`virtualization.yaml`" + `. Without the file, a cluster gets the defaults that fit it; ` +
		`[an example](examples/virtualization/virtualization.yaml) shows every field. The program has the same texts: ` +
		"`okd-install explain virtualization.storage`" + ` describes a field, ` +
		"`okd-install explain virtualization --schema`" + ` prints a JSON Schema for editors.

A field marked **required** must be set if the object that contains it is. ` +
		"`[]`" + ` stands for each item of a list. A key that is not on this page is an error.

`,
}

// writePage returns the reference page of a file as Markdown.
func writePage(d explain.Document, s *explain.Schema) string {
	w := &writer{resource: d.Resource}
	w.WriteString(heads[d.Resource])
	w.section(d.Resource, s)
	return w.String()
}

func (w *writer) section(path string, s *explain.Schema) {
	fmt.Fprintf(w, "## %s\n\n", w.title(path))
	if path != w.resource {
		fmt.Fprintf(w, "%s\n\n", prose(s.Description))
	}
	shape := shapeOf(s.Object())
	for _, p := range w.sections {
		if p.shape == shape {
			fmt.Fprintf(w, "The same fields as in [%s](#%s)%s.\n\n",
				w.title(p.path), w.anchor(p.path), differences(p.node.Object(), s.Object()))
			return
		}
	}
	w.sections = append(w.sections, section{path, shape, s})
	w.WriteString("| Field | Type | Meaning |\n|---|---|---|\n")
	for _, name := range s.Fields() {
		f := s.Object().Properties[name]
		shown := "`" + name + "`"
		if len(f.Fields()) > 0 {
			shown = fmt.Sprintf("[%s](#%s)", shown, w.anchor(below(path, s, name)))
		}
		fmt.Fprintf(w, "| %s | %s | %s |\n", shown, f.TypeName(), meaning(s, name, f))
	}
	w.WriteString("\n")
	for _, name := range s.Fields() {
		if f := s.Object().Properties[name]; len(f.Fields()) > 0 {
			w.section(below(path, s, name), f)
		}
	}
}

// below is the path of a field of s.
func below(path string, s *explain.Schema, name string) string {
	if s.Items != nil {
		path += "[]"
	}
	return path + "." + name
}

func (w *writer) title(path string) string {
	if path == w.resource {
		return "The file"
	}
	return strings.TrimPrefix(path, w.resource+".")
}

// anchor is the fragment that Markdown gives to the heading of a section.
func (w *writer) anchor(path string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '.' || r == '[' || r == ']':
			return -1
		}
		return r
	}, strings.ToLower(w.title(path)))
}

func meaning(in *explain.Schema, name string, f *explain.Schema) string {
	var parts []string
	if in.Requires(name) {
		parts = append(parts, "**Required.**")
	}
	if f.Not != nil {
		parts = append(parts, "**Not supported;** leave it out.")
	}
	parts = append(parts, prose(f.Description))
	if values := f.EnumTexts(); len(values) > 0 {
		parts = append(parts, "Values: "+code(values...)+".")
	}
	if bounds := f.RangeText(); bounds != "" {
		parts = append(parts, strings.ToUpper(bounds[:1])+bounds[1:]+".")
	}
	if d := f.DefaultText(); d != "" {
		parts = append(parts, "Default: "+code(d)+".")
	}
	if f.WriteOnly {
		parts = append(parts, "Secret.")
	}
	return strings.Join(parts, " ")
}

// prose escapes text for a cell of a table.
func prose(text string) string {
	return strings.NewReplacer("\n", "<br>", "|", `\|`, "<", "&lt;", ">", "&gt;", "*", `\*`, "_", `\_`).Replace(text)
}

func code(values ...string) string {
	for i, v := range values {
		values[i] = "`" + strings.ReplaceAll(v, "|", `\|`) + "`"
	}
	return strings.Join(values, ", ")
}

// shapeOf encodes the fields of an object: names, types, texts and rules.
func shapeOf(s *explain.Schema) string {
	plain := *s
	plain.Description, plain.Properties = "", map[string]*explain.Schema{}
	for name, p := range s.Properties {
		plain.Properties[name] = withoutDefaults(p)
	}
	b, err := json.Marshal(plain)
	if err != nil {
		panic("page: encode the schema: " + err.Error()) // it was decoded from JSON
	}
	return string(b)
}

// withoutDefaults is s without what may differ between uses of the same fields.
func withoutDefaults(s *explain.Schema) *explain.Schema {
	c := *s
	c.Default, c.Minimum, c.Maximum = nil, nil, nil
	if c.Items != nil {
		c.Items = withoutDefaults(c.Items)
	}
	c.Properties = map[string]*explain.Schema{}
	for name, p := range s.Properties {
		c.Properties[name] = withoutDefaults(p)
	}
	return &c
}

// differences lists the fields of b with another default than in a.
func differences(a, b *explain.Schema) string {
	list := differing("", a, b)
	if len(list) == 0 {
		return ""
	}
	return ", with other defaults: " + strings.Join(list, ", ")
}

func differing(path string, a, b *explain.Schema) (out []string) {
	for _, name := range b.Fields() {
		pa, pb := a.Object().Properties[name], b.Object().Properties[name]
		if d := pb.DefaultText(); d != "" && d != pa.DefaultText() {
			out = append(out, fmt.Sprintf("`%s%s` is %s", path, name, code(d)))
		}
		out = append(out, differing(path+name+".", pa, pb)...)
	}
	return out
}
