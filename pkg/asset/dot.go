package asset

import (
	"fmt"
	"strings"
)

// Dot draws the graph that ends in the given assets, for Graphviz.
func Dot(targets ...Ref) string {
	shapes := map[kind]string{
		kindValue: "ellipse", kindTransient: "ellipse", kindParam: "cds", kindSource: "note", kindFiles: "folder",
		kindBuiltin: "component",
	}
	var b strings.Builder
	b.WriteString("digraph okd_install {\n  rankdir=LR;\n")
	walk(nodes(targets), func(n *node) {
		style := ""
		if n.kind == kindTransient {
			style = ", style=dashed"
		}
		fmt.Fprintf(&b, "  %q [shape=%s%s];\n", n.name, shapes[n.kind], style)
		for _, d := range n.deps {
			fmt.Fprintf(&b, "  %q -> %q;\n", d.name, n.name)
		}
	})
	b.WriteString("}\n")
	return b.String()
}

func nodes(refs []Ref) []*node {
	out := make([]*node, len(refs))
	for i, r := range refs {
		out[i] = r.ref()
	}
	return out
}
