package explain_test

import (
	"fmt"
	"go/ast"
	"go/doc/comment"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/explain"
)

// comments reads doc comments from the source of the program.
type comments struct {
	root  string                       // of the module
	texts map[string]map[string]string // by package; of types under Type, of fields under Type.Field
}

const module = "github.com/okd-install/okd-install/"

// in returns the comments of a package.
func (c comments) in(pkg string) (map[string]string, error) {
	if known, ok := c.texts[pkg]; ok {
		return known, nil
	}
	dir := filepath.Join(c.root, strings.TrimPrefix(pkg, module))
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(paths) == 0 {
		return nil, fmt.Errorf("no Go files in %s: %w", dir, err)
	}
	out := map[string]string{}
	for _, p := range paths {
		file, err := parser.ParseFile(token.NewFileSet(), p, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		for _, d := range file.Decls {
			if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.TYPE {
				addTypes(out, g)
			}
		}
	}
	c.texts[pkg] = out
	return out, nil
}

func addTypes(texts map[string]string, g *ast.GenDecl) {
	for _, spec := range g.Specs {
		t := spec.(*ast.TypeSpec)
		doc := t.Doc
		if doc == nil {
			doc = g.Doc
		}
		texts[t.Name.Name] = doc.Text()
		if s, ok := t.Type.(*ast.StructType); ok {
			for _, f := range s.Fields.List {
				for _, name := range f.Names {
					texts[t.Name.Name+"."+name.Name] = f.Doc.Text()
				}
			}
		}
	}
}

// comment returns the doc comment of a field, or without goName of its type, as
// text for users: one paragraph per line, with the YAML name instead of the Go name
// at the beginning.
func (w *walker) comment(t reflect.Type, goName, yaml string) string {
	texts, err := w.docs.in(t.PkgPath())
	if err != nil {
		w.errs = append(w.errs, err)
		return ""
	}
	key := t.Name()
	if goName != "" {
		key += "." + goName
	}
	var p comment.Parser
	text := string((&comment.Printer{TextWidth: -1}).Text(p.Parse(texts[key])))
	text = strings.TrimSpace(strings.ReplaceAll(text, "\n\n", "\n"))
	if first, rest, _ := strings.Cut(text, " "); goName != "" && first == goName {
		text = yaml + " " + rest
	}
	if text == "" {
		w.errs = append(w.errs, fmt.Errorf("%s.%s has no doc comment", t, goName))
	}
	return text
}

// defaultSentence matches the default in a comment.
var defaultSentence = regexp.MustCompile(`Default: (.*?)\.(?: |$)`)

// shorten removes sentences that repeat the schema from a description. A default in
// the comment must agree with the tag.
func (w *walker) shorten(s *explain.Schema, at path) {
	if said := defaultSentence.FindStringSubmatch(s.Description); said != nil {
		if s.Default != nil && !mentions(said[1], s.Default) {
			w.errs = append(w.errs, fmt.Errorf("%s: the comment says %q, the tag %s", at, said[0], s.DefaultText()))
		}
		if s.Default != nil || said[1] == "none" || said[1] == "false" {
			s.Description = cut(s.Description, said[0])
		}
	}
	var values []string
	for _, v := range s.Object().Enum {
		values = append(values, fmt.Sprint(v))
	}
	s.Description = cut(s.Description, "One of "+strings.Join(values, ", ")+".")
}

// cut removes a sentence from a text.
func cut(text, sentence string) string {
	if !strings.Contains(text, sentence) {
		return text
	}
	return strings.TrimSpace(strings.Replace(strings.Replace(text, sentence, "", 1), "  ", " ", 1))
}

// mentions reports whether a sentence contains any value of a default.
func mentions(sentence string, value any) bool {
	switch v := value.(type) {
	case map[string]any:
		for _, e := range v {
			if mentions(sentence, e) {
				return true
			}
		}
		return false
	case []any:
		return slices.ContainsFunc(v, func(e any) bool { return mentions(sentence, e) })
	}
	return strings.Contains(sentence, fmt.Sprint(value))
}
