package derive

import (
	"fmt"
	"go/ast"
	"go/doc/comment"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
)

// comments holds doc comments: of types under Type, of fields under Type.Field.
type comments map[string]string

// readComments parses the Go files of a directory.
func readComments(dir string) (comments, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(paths) == 0 {
		return nil, fmt.Errorf("no Go files in %s: %w", dir, err)
	}
	out := comments{}
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
				out.add(g)
			}
		}
	}
	return out, nil
}

func (c comments) add(g *ast.GenDecl) {
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
func (c comments) of(typeName, goName, yaml string) string {
	key := typeName
	if goName != "" {
		key += "." + goName
	}
	var p comment.Parser
	text := string((&comment.Printer{TextWidth: -1}).Text(p.Parse(c[key])))
	text = strings.TrimSpace(strings.ReplaceAll(text, "\n\n", "\n"))
	if first, rest, _ := strings.Cut(text, " "); goName != "" && first == goName {
		text = yaml + " " + rest
	}
	return text
}
