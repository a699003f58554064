package report

import (
	"strconv"
	"strings"
)

// Path is the path of a field, like platform.ovirt.api_vips[0]. The zero value
// is the whole document.
type Path struct{ s string }

// NewPath makes a path of nested fields.
func NewPath(names ...string) Path { return Path{}.Child(names...) }

// Child is the path of a nested field.
func (p Path) Child(names ...string) Path {
	for _, name := range names {
		if p.s != "" {
			p.s += "."
		}
		p.s += name
	}
	return p
}

// Index is the path of an item of a list.
func (p Path) Index(i int) Path { return Path{p.s + "[" + strconv.Itoa(i) + "]"} }

// Parent is the path of the enclosing field or list.
func (p Path) Parent() Path {
	return Path{p.s[:max(strings.LastIndexAny(p.s, ".["), 0)]}
}

// IsRoot reports whether the path is the whole document.
func (p Path) IsRoot() bool { return p.s == "" }

// String is the path as users write it.
func (p Path) String() string { return p.s }
