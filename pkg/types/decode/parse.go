package decode

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/okd-install/okd-install/pkg/report"
)

// MaxSize is the maximal size of a file in bytes. An install-config of 10,000 hosts with
// network configuration and a trust bundle is smaller.
const MaxSize = 16 << 20

// Document is a file that was parsed.
type Document struct {
	top  *yaml.Node
	data []byte
}

// Parse parses a file that holds one YAML document. It returns nil if there is nothing to check.
func Parse(data []byte, r *report.Report) *Document {
	root := r.Field(report.Path{})
	dec := open(data, root)
	if dec == nil {
		return nil
	}
	var doc yaml.Node
	if err := decodeNode(dec, &doc); err != nil {
		if errors.Is(err, io.EOF) {
			root.Required("the file is empty")
			return nil
		}
		r.Add(syntaxFinding(err, data))
		return nil
	}
	top := content(&doc)
	if isNull(top) {
		root.Required("the file is empty")
		return nil
	}
	checkRest(dec, data, r)
	if !isMapping(top, r) {
		return nil
	}
	return &Document{top, data}
}

// EachItem decodes the items of a list at the top of a document one after the other, and hands over
// each with its index. What is decoded may be taken later.
func EachItem[T any](doc *Document, list string, o Options, r *report.Report, use func(i int, item *T)) {
	d := newDecoder(doc.data, o, r)
	d.once = false
	at := report.NewPath(list)
	for _, p := range d.pairs(doc.top, report.Path{}, 0) {
		items := p.value
		for items.Kind == yaml.AliasNode {
			items = items.Alias
		}
		if p.key.Value != list || items.Kind != yaml.SequenceNode {
			continue
		}
		for i, n := range items.Content {
			d.report.Place(at.Index(i), n.Line, n.Column)
			item := new(T)
			d.decode(n, reflect.ValueOf(item).Elem(), at.Index(i), 1)
			use(i, item)
		}
	}
}

// Take decodes the document into a struct. It lets go of what was decoded, which takes several times
// the memory of what is made of it.
func (doc *Document) Take(into any, o Options, r *report.Report) {
	newDecoder(doc.data, o, r).decode(doc.top, reflect.ValueOf(into).Elem(), report.Path{}, 0)
	doc.top = nil
}

// Into decodes a file into a struct. It returns false if there is nothing to check.
func Into(into any, data []byte, o Options, r *report.Report) bool {
	doc := Parse(data, r)
	if doc == nil {
		return false
	}
	doc.Take(into, o, r)
	return true
}

// Each decodes the YAML documents of a file one after the other, and hands over each with its
// index, which is its path. It returns false if there is nothing to check.
func Each[T any](data []byte, o Options, r *report.Report, use func(i int, document *T)) bool {
	root := r.Field(report.Path{})
	dec := open(data, root)
	if dec == nil {
		return false
	}
	n, d := 0, newDecoder(data, o, r)
	for {
		var doc yaml.Node
		err := decodeNode(dec, &doc)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			r.Add(syntaxFinding(err, data))
			return false
		}
		top := content(&doc)
		if isNull(top) {
			continue
		}
		if !isMapping(top, r) {
			return false
		}
		at := root.Path().Index(n)
		r.Place(at, top.Line, top.Column)
		into := new(T)
		d.decode(top, reflect.ValueOf(into).Elem(), at, 0)
		use(n, into)
		n++
	}
	if n == 0 {
		root.Required("the file is empty")
	}
	return n > 0
}

// open returns nil if the file is too large.
func open(data []byte, root report.Field) *yaml.Decoder {
	if len(data) > MaxSize {
		root.Invalid(fmt.Sprintf("%d bytes", len(data)), "must be at most %d bytes", MaxSize)
		return nil
	}
	return yaml.NewDecoder(bytes.NewReader(data))
}

func newDecoder(data []byte, o Options, r *report.Report) *decoder {
	if o.Facts == nil {
		o.Facts = FieldFacts
	}
	return &decoder{
		Options: o, report: r, left: maxValues(len(data)), fields: map[reflect.Type]map[string]field{},
		once: !bytes.Contains(data, []byte("*")), // that begins an alias
	}
}

// isMapping reports whether a document is a mapping, which all our files hold.
func isMapping(top *yaml.Node, r *report.Report) bool {
	if top.Kind == yaml.MappingNode {
		return true
	}
	r.Add(report.Finding{Type: report.Invalid, Detail: "the file must hold a mapping of keys to values",
		At: report.Position{Line: top.Line, Column: top.Column}})
	return false
}

// checkRest refuses whatever follows the first document.
func checkRest(dec *yaml.Decoder, data []byte, r *report.Report) {
	var more yaml.Node
	err := decodeNode(dec, &more)
	switch {
	case errors.Is(err, io.EOF):
	case err != nil:
		r.Add(syntaxFinding(err, data))
	case !isNull(content(&more)):
		r.Add(report.Finding{Type: report.TooMany, Detail: "the file must hold one YAML document",
			At: report.Position{Line: more.Line, Column: more.Column}})
	}
}

func content(doc *yaml.Node) *yaml.Node {
	if doc.Kind == yaml.DocumentNode && len(doc.Content) > 0 {
		return doc.Content[0]
	}
	return doc
}

// decodeNode turns panics of the library, which broken input has caused, into errors.
func decodeNode(dec *yaml.Decoder, n *yaml.Node) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = errors.New("not YAML")
		}
	}()
	return dec.Decode(n)
}

var (
	yamlLine = regexp.MustCompile(`^line (\d+): `)
	// unknownAnchor is what the library says, without the place, about an unquoted
	// value that begins with *. Passwords do.
	unknownAnchor = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)
)

// syntaxFinding takes the line number out of the library's text, and omits what may be a
// secret.
func syntaxFinding(err error, data []byte) report.Finding {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	f := report.Finding{Type: report.Invalid}
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		f.At.Line, _ = strconv.Atoi(m[1])
		f.At.Column = 1
		text = text[len(m[0]):]
	}
	if m := unknownAnchor.FindStringSubmatch(text); m != nil {
		text = "an alias to an anchor that does not exist; put a value that begins with * in quotes"
		if before, _, ok := bytes.Cut(data, []byte("*"+m[1])); ok {
			f.At.Line = bytes.Count(before, []byte("\n")) + 1
			f.At.Column = len(before) - bytes.LastIndexByte(before, '\n')
		}
	}
	text = strings.Join(strings.Fields(text), " ")
	f.Detail = "not YAML: " + strings.TrimPrefix(text, "not YAML")
	return f
}
