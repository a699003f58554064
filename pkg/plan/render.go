package plan

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// Format is a way to show a plan or a diff.
type Format string

// The formats.
const (
	Text Format = "text"
	JSON Format = "json"
	DOT  Format = "dot"
)

// Formats lists all formats.
func Formats() []Format { return []Format{Text, JSON, DOT} }

// Render writes the plan.
func (p Plan) Render(w io.Writer, f Format) error {
	switch f {
	case Text, "":
		return write(w, p.text())
	case JSON:
		return encode(w, p)
	case DOT:
		return write(w, p.dot())
	}
	return fmt.Errorf("render plan: unknown format %q; use text, json or dot", f)
}

// Render writes the diff. As a graph, the whole plan is shown and colour says
// what happens to each object.
func (d Diff) Render(w io.Writer, f Format) error {
	switch f {
	case Text, "":
		return write(w, d.text())
	case JSON:
		return encode(w, d.listed())
	case DOT:
		return write(w, d.dot())
	}
	return fmt.Errorf("render plan: unknown format %q; use text, json or dot", f)
}

// listed has empty lists where there are none, so that scripts need not tell
// them from null.
func (d Diff) listed() Diff {
	d.Create, d.Match = append([]Object{}, d.Create...), append([]Object{}, d.Match...)
	d.Differ, d.Destroy = append([]Change{}, d.Differ...), append([]Ref{}, d.Destroy...)
	return d
}

func (p Plan) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Plan for cluster %s on %s: create %s.\n", p.InfraID, p.Platform, Count(created(p.Objects)))
	for _, stage := range Stages() {
		objects := p.In(stage)
		if len(objects) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\nStage %s\n", stage)
		for _, o := range objects {
			objectText(&b, sign(o, "+"), o)
		}
	}
	provideText(&b, p.Provide, p.Steps)
	return b.String()
}

func (d Diff) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Plan for cluster %s on %s: %s.\n", d.InfraID, d.Platform, d.summary())
	for _, n := range d.Notes {
		fmt.Fprintf(&b, "%s.\n", n)
	}
	section(&b, "Create", len(d.Create))
	for _, o := range d.Create {
		objectText(&b, sign(o, "+"), o)
	}
	section(&b, "Missing, and not made any more", len(d.Missing))
	for _, o := range d.Missing {
		fmt.Fprintf(&b, "  ! %s %s\n", o.Kind, o.Name)
	}
	section(&b, "Differs", len(d.Differ))
	for _, c := range d.Differ {
		fmt.Fprintf(&b, "  ~ %s %s (%s)\n", c.Object.Kind, c.Object.Name, c.ID)
		for _, diff := range c.Differences {
			fmt.Fprintf(&b, "      %s: %s, planned %s\n", diff.Field, orNone(diff.Have), orNone(diff.Want))
		}
	}
	section(&b, "Exists without being planned", len(d.Destroy))
	for _, r := range d.Destroy {
		fmt.Fprintf(&b, "  - %s %s (%s)\n", r.Kind, r.Name, r.ID)
	}
	section(&b, "As planned", len(d.Match))
	for _, o := range d.Match {
		fmt.Fprintf(&b, "  = %s %s\n", o.Kind, o.Name)
	}
	provideText(&b, d.Provide, d.Steps)
	return b.String()
}

func (d Diff) summary() string {
	if d.Empty() && len(d.Match) == 0 && len(d.Provide) > 0 {
		return "the installer makes nothing there; you provide " + Count(provided(d.Provide))
	}
	if d.Empty() {
		return "everything is as planned"
	}
	var parts []string
	if len(d.Create) > 0 {
		parts = append(parts, "create "+Count(created(d.Create)))
	}
	if len(d.Missing) > 0 {
		parts = append(parts, Count(d.Missing)+" missing")
	}
	if len(d.Differ) > 0 {
		parts = append(parts, fmt.Sprintf("%d differ", len(d.Differ)))
	}
	if len(d.Destroy) > 0 {
		parts = append(parts, fmt.Sprintf("%d not planned", len(d.Destroy)))
	}
	if len(d.Match) > 0 {
		parts = append(parts, fmt.Sprintf("%d as planned", len(d.Match)))
	}
	return strings.Join(parts, "; ")
}

// Count says how many objects of each kind there are, in words.
func Count(objects []Object) string {
	words := []struct {
		kind      Kind
		one, many string
	}{
		{KindVM, "virtual machine", "virtual machines"},
		{KindTemplate, "template", "templates"},
		{KindDisk, "disk", "disks"},
		{KindAffinityGroup, "affinity group", "affinity groups"},
		{KindTag, "tag", "tags"},
		{KindMachine, "machine", "machines"},
		{KindRecord, "DNS record", "DNS records"},
		{KindLoadBalancer, "load balancer port", "load balancer ports"},
	}
	n := map[Kind]int{}
	for _, o := range objects {
		n[o.Kind]++
	}
	var parts []string
	for _, w := range words {
		switch n[w.kind] {
		case 0:
		case 1:
			parts = append(parts, "1 "+w.one)
		default:
			parts = append(parts, fmt.Sprintf("%d %s", n[w.kind], w.many))
		}
	}
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, ", ")
}

func created(in []Object) []Object {
	var out []Object
	for _, o := range in {
		if !o.Existing {
			out = append(out, o)
		}
	}
	return out
}

func section(b *strings.Builder, title string, n int) {
	if n > 0 {
		fmt.Fprintf(b, "\n%s\n", title)
	}
}

func sign(o Object, s string) string {
	if o.Existing {
		return "="
	}
	return s
}

func objectText(b *strings.Builder, sign string, o Object) {
	fmt.Fprintf(b, "  %s %s %s\n", sign, o.Kind, o.Name)
	if o.Spec != nil {
		for _, f := range o.Spec.Fields() {
			fmt.Fprintf(b, "      %s: %s\n", f.Name, f.Value)
		}
	}
	if len(o.Tags) > 0 {
		fmt.Fprintf(b, "      tags: %s\n", strings.Join(o.Tags, ", "))
	}
	if o.Existing {
		b.WriteString("      exists already and stays\n")
	}
}

func (p Plan) dot() string {
	return graph(p.InfraID, append(p.Objects[:len(p.Objects):len(p.Objects)], provided(p.Provide)...),
		func(Object) string { return "" })
}

func (d Diff) dot() string {
	state := map[Key]string{}
	var all []Object
	for _, o := range d.Create {
		state[o.Key] = "palegreen"
		all = append(all, o)
	}
	for _, o := range d.Missing {
		state[o.Key] = "orange"
		all = append(all, o)
	}
	for _, c := range d.Differ {
		state[c.Object.Key] = "khaki"
		all = append(all, c.Object)
	}
	for _, o := range d.Match {
		state[o.Key] = "lightgrey"
		all = append(all, o)
	}
	for _, r := range d.Destroy {
		o := Object{Key: KeyOf(r.Kind, r.Name), Kind: r.Kind, Name: r.Name}
		state[o.Key] = "lightsalmon"
		all = append(all, o)
	}
	for _, o := range provided(d.Provide) {
		state[o.Key] = "lightblue"
		all = append(all, o)
	}
	return graph(d.InfraID, all, func(o Object) string { return state[o.Key] })
}

func graph(name string, objects []Object, colour func(Object) string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "digraph %q {\n  rankdir=LR;\n  node [shape=box];\n", name)
	for _, o := range objects {
		style := ""
		if c := colour(o); c != "" {
			style = fmt.Sprintf(", style=filled, fillcolor=%q", c)
		}
		fmt.Fprintf(&b, "  %q [label=%q%s];\n", o.Key, string(o.Kind)+"\n"+o.Name, style)
	}
	for _, o := range objects {
		for _, n := range o.Needs {
			fmt.Fprintf(&b, "  %q -> %q;\n", o.Key, n)
		}
	}
	b.WriteString("}\n")
	return b.String()
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

func write(w io.Writer, s string) error {
	_, err := io.WriteString(w, s)
	return err
}

func encode(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
