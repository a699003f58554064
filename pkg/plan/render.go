package plan

import (
	"cmp"
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

// Render writes the diff. A graph shows the whole plan; colours say what happens.
func (d Diff) Render(w io.Writer, f Format) error {
	switch f {
	case Text, "":
		_, err := io.WriteString(w, d.text())
		return err
	case JSON:
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(d.listed())
	case DOT:
		_, err := io.WriteString(w, d.dot())
		return err
	}
	return fmt.Errorf("render plan: unknown format %q; use text, json or dot", f)
}

// listed has empty lists instead of null, for scripts.
func (d Diff) listed() Diff {
	d.Create, d.Match = append([]Object{}, d.Create...), append([]Object{}, d.Match...)
	d.Differ, d.Destroy = append([]Change{}, d.Differ...), append([]Ref{}, d.Destroy...)
	return d
}

func (d Diff) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Plan for cluster %s on %s: %s.\n", d.InfraID, d.Platform, d.summary())
	for _, n := range d.Notes {
		fmt.Fprintf(&b, "%s.\n", n)
	}
	section(&b, "Create", len(d.Create))
	for _, o := range d.Create {
		objectText(&b, o)
	}
	section(&b, "Missing, and not made any more", len(d.Missing))
	for _, o := range d.Missing {
		fmt.Fprintf(&b, "  ! %s %s\n", o.Kind, o.Name)
	}
	section(&b, "Differs", len(d.Differ))
	for _, c := range d.Differ {
		fmt.Fprintf(&b, "  ~ %s %s (%s)\n", c.Object.Kind, c.Object.Name, c.ID)
		for _, diff := range c.Differences {
			fmt.Fprintf(&b, "      %s: %s, planned %s\n", diff.Field, cmp.Or(diff.Have, "none"), cmp.Or(diff.Want, "none"))
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
		parts = append(parts, "create "+Count(only(d.Create, func(o Object) bool { return !o.Existing })))
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
		kind Kind
		name string
	}{
		{KindVM, "virtual machine"}, {KindTemplate, "template"}, {KindDisk, "disk"},
		{KindHost, "host"}, {KindAffinityGroup, "affinity group"}, {KindTag, "tag"}, {KindMachine, "machine"},
		{KindRecord, "DNS record"}, {KindLoadBalancer, "load balancer port"},
	}
	var parts []string
	for _, w := range words {
		switch n := len(only(objects, func(o Object) bool { return o.Kind == w.kind })); n {
		case 0:
		case 1:
			parts = append(parts, "1 "+w.name)
		default:
			parts = append(parts, fmt.Sprintf("%d %ss", n, w.name))
		}
	}
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, ", ")
}

func section(b *strings.Builder, title string, n int) {
	if n > 0 {
		fmt.Fprintf(b, "\n%s\n", title)
	}
}

func objectText(b *strings.Builder, o Object) {
	sign := "+"
	if o.Existing {
		sign = "="
	}
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

func (d Diff) dot() string {
	var differ, destroy []Object
	for _, c := range d.Differ {
		differ = append(differ, c.Object)
	}
	for _, r := range d.Destroy {
		destroy = append(destroy, Object{Key: KeyOf(r.Kind, r.Name), Kind: r.Kind, Name: r.Name})
	}
	var nodes, edges strings.Builder
	for _, set := range []struct {
		colour  string
		objects []Object
	}{
		{"palegreen", d.Create}, {"orange", d.Missing}, {"khaki", differ}, {"lightgrey", d.Match},
		{"lightsalmon", destroy}, {"lightblue", provided(d.Provide)},
	} {
		for _, o := range set.objects {
			fmt.Fprintf(&nodes, "  %q [label=%q, style=filled, fillcolor=%q];\n", o.Key,
				string(o.Kind)+"\n"+o.Name, set.colour)
			for _, n := range o.Needs {
				fmt.Fprintf(&edges, "  %q -> %q;\n", o.Key, n)
			}
		}
	}
	return fmt.Sprintf("digraph %q {\n  rankdir=LR;\n  node [shape=box];\n%s%s}\n", d.InfraID, &nodes, &edges)
}
