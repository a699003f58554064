package explain

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/okd-install/okd-install/pkg/report"
)

// UnknownError is the error for a path without a field.
type UnknownError struct {
	Path string // as typed
	Name string // the first part that is unknown
	In   string // the path of the object without it
	Near string // the path that was probably meant, or empty
}

// Error names the unknown field and a similar one.
func (e *UnknownError) Error() string {
	text := fmt.Sprintf("%s has no field %q", e.In, e.Name)
	if e.Near != "" {
		text += fmt.Sprintf("; did you mean %s?", e.Near)
	}
	return text
}

// index matches the index of a list item in the paths of findings.
var index = regexp.MustCompile(`\[[0-9]*\]`)

// Find returns the field at a path in a whole file. Paths begin with the resource, as in
// installconfig.platform.ovirt. Those of findings are accepted as well:
// compute[0].replicas is the same as installconfig.compute.replicas.
func (s *Schema) Find(path string) (*Schema, error) {
	resource := s.document.Resource
	names := strings.Split(strings.Trim(index.ReplaceAllString(path, ""), "."), ".")
	if !strings.EqualFold(names[0], resource) {
		if _, known := s.Properties[names[0]]; !known && len(names) == 1 {
			near := report.Closest(names[0], append(s.Fields(), resource))
			if near != "" && near != resource {
				near = resource + "." + near
			}
			return nil, &UnknownError{Path: path, Name: names[0], In: resource, Near: near}
		}
		names = append([]string{resource}, names...)
	}
	at, node := resource, s
	for i, name := range names[1:] {
		next, known := node.Object().Properties[name]
		if !known {
			e := &UnknownError{Path: path, Name: name, In: at}
			if near := report.Closest(name, node.Fields()); near != "" {
				e.Near = at + "." + near
				if rest := names[i+2:]; len(rest) > 0 && s.has(e.Near+"."+strings.Join(rest, ".")) {
					e.Near += "." + strings.Join(rest, ".")
				}
			} else if below := resource + ".platform." + name; i == 0 && s.has(below) {
				e.Near = below
			}
			return nil, e
		}
		at, node = at+"."+name, next
	}
	node.document = s.document
	return node, nil
}

func (s *Schema) has(path string) bool {
	for _, name := range strings.Split(path, ".")[1:] {
		if s = s.Object().Properties[name]; s == nil {
			return false
		}
	}
	return true
}

// Complete lists the paths that complete what was typed, each followed by a tab
// and the first sentence of its description.
func Complete(typed string) []string {
	dot := strings.LastIndex(typed, ".")
	if dot < 0 {
		var out []string
		for _, d := range Documents() {
			if s, err := d.Load(); err == nil && strings.HasPrefix(d.Resource, typed) {
				out = append(out, d.Resource+"\t"+sentence(s.Description))
			}
		}
		return out
	}
	at := typed[:dot]
	s, err := Of(at).Load()
	if err != nil {
		return nil
	}
	node, err := s.Find(at)
	if err != nil {
		return nil
	}
	var out []string
	for _, name := range node.Fields() {
		if path := at + "." + name; strings.HasPrefix(path, typed) {
			out = append(out, path+"\t"+sentence(node.Object().Properties[name].Description))
		}
	}
	return out
}

// sentence returns the first sentence of a text.
func sentence(text string) string {
	text, _, _ = strings.Cut(text, "\n")
	if first, _, more := strings.Cut(text, ". "); more {
		return first
	}
	return strings.TrimSuffix(text, ".")
}
