package explain

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/okd-install/okd-install/pkg/report"
)

// UnknownError is a path that leads to no field.
type UnknownError struct {
	Path string // as typed
	Name string // the first part that is not known
	In   string // what was looked at for it
	Near string // the path that was probably meant, or empty
}

// Error says what is not known and what may have been meant.
func (e *UnknownError) Error() string {
	text := fmt.Sprintf("%s has no field %q", e.In, e.Name)
	if e.Near != "" {
		text += fmt.Sprintf("; did you mean %s?", e.Near)
	}
	return text
}

// index is how findings name the item of a list.
var index = regexp.MustCompile(`\[[0-9]*\]`)

// Find returns the field that a path names. Paths begin with the name of the
// resource, as in installconfig.platform.ovirt, and may be copied from a
// finding: compute[0].replicas is the same as installconfig.compute.replicas.
func (s *Schema) Find(path string) (*Schema, error) {
	names := strings.Split(strings.Trim(index.ReplaceAllString(path, ""), "."), ".")
	if !strings.EqualFold(names[0], Resource) {
		if _, known := s.Properties[names[0]]; !known && len(names) == 1 {
			near := report.Closest(names[0], append(s.Fields(), Resource))
			if near != "" && near != Resource {
				near = Resource + "." + near
			}
			return nil, &UnknownError{Path: path, Name: names[0], In: Resource, Near: near}
		}
		names = append([]string{Resource}, names...)
	}
	at, node := Resource, s
	for i, name := range names[1:] {
		next, known := node.Object().Properties[name]
		if !known {
			e := &UnknownError{Path: path, Name: name, In: at}
			if near := report.Closest(name, node.Fields()); near != "" {
				e.Near = at + "." + near
				if rest := names[i+2:]; len(rest) > 0 && s.has(e.Near+"."+strings.Join(rest, ".")) {
					e.Near += "." + strings.Join(rest, ".")
				}
			} else if below := Resource + ".platform." + name; i == 0 && s.has(below) {
				e.Near = below
			}
			return nil, e
		}
		at, node = at+"."+name, next
	}
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

// Complete lists the paths that a shell offers for what was typed so far, each
// with the first sentence of its description behind a tab.
func (s *Schema) Complete(typed string) []string {
	dot := strings.LastIndex(typed, ".")
	if dot < 0 {
		return []string{Resource + "\t" + sentence(s.Description)}
	}
	at := typed[:dot]
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

// sentence is the first one of a text.
func sentence(text string) string {
	text, _, _ = strings.Cut(text, "\n")
	if first, _, more := strings.Cut(text, ". "); more {
		return first
	}
	return strings.TrimSuffix(text, ".")
}
