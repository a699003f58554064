package derive

import (
	"fmt"
	"go/ast"
	"go/doc/comment"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strings"
)

// comments reads doc comments out of the source of the program.
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
		if strings.HasSuffix(p, "_test.go") {
			continue
		}
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

func addTypes(c map[string]string, g *ast.GenDecl) {
	for _, spec := range g.Specs {
		t := spec.(*ast.TypeSpec)
		doc := t.Doc
		if doc == nil {
			doc = g.Doc
		}
		c[t.Name.Name] = doc.Text()
		s, ok := t.Type.(*ast.StructType)
		if !ok {
			continue
		}
		for _, f := range s.Fields.List {
			text := f.Doc.Text()
			if text == "" {
				text = f.Comment.Text()
			}
			for _, name := range f.Names {
				c[t.Name.Name+"."+name.Name] = text
			}
		}
	}
}

// of returns what a doc comment tells users: paragraphs, one a line. Without
// goName it is that of the type. The Go name with which a comment begins becomes
// the name in YAML.
func (c comments) of(t reflect.Type, goName, yaml string) (string, error) {
	texts, err := c.in(t.PkgPath())
	if err != nil {
		return "", err
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
	return text, nil
}
