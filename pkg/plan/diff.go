package plan

import (
	"cmp"
	"slices"
)

// Found is one object that exists on the platform.
type Found struct {
	Kind Kind
	Name string
	ID   string
	// Differences from the plan's object of the same key, if it has one.
	Differences []Difference
}

// Key returns the key that a planned object of this kind and name has.
func (f Found) Key() Key { return KeyOf(f.Kind, f.Name) }

// Difference is a setting that is not as planned.
type Difference struct {
	Field string `json:"field"`
	Want  string `json:"want"`
	Have  string `json:"have"`
}

// Change is an object that exists but not as planned.
type Change struct {
	Object      Object       `json:"object"`
	ID          string       `json:"id"`
	Differences []Difference `json:"differences"`
}

// Ref names an existing object.
type Ref struct {
	Kind Kind   `json:"kind"`
	Name string `json:"name"`
	ID   string `json:"id,omitempty"`
}

// Diff compares a plan with what exists.
type Diff struct {
	Platform string   `json:"platform"`
	InfraID  string   `json:"infraID"`
	Create   []Object `json:"create"`
	Match    []Object `json:"match"`
	Differ   []Change `json:"differ"`
	// Destroy lists what carries the cluster's ownership but is not planned.
	Destroy []Ref `json:"destroy"`
	// Missing lists what is planned and not there, but is not made any more.
	Missing []Object `json:"missing,omitempty"`
	// Notes are what else there is to know.
	Notes []string `json:"notes,omitempty"`
	// Provide and Steps are the plan's.
	Provide []Requirement `json:"provide,omitempty"`
	Steps   []string      `json:"steps,omitempty"`
}

// Empty reports whether everything is as planned.
func (d Diff) Empty() bool {
	return len(d.Create) == 0 && len(d.Missing) == 0 && len(d.Differ) == 0 && len(d.Destroy) == 0
}

// NoMore is the diff of a cluster for which nothing is made any more. What is
// missing of the given stages has served its purpose; the rest is named.
func (d Diff) NoMore(why string, served ...Stage) Diff {
	for _, o := range d.Create {
		if !slices.Contains(served, o.Stage) {
			d.Missing = append(d.Missing, o)
		}
	}
	d.Create, d.Notes = nil, append(d.Notes, why)
	return d
}

// Compare says what is to be created, what is there, what differs, and what is
// there without being planned. Found objects of an unknown key go to Destroy.
func Compare(p Plan, found []Found) Diff {
	d := Diff{Platform: p.Platform, InfraID: p.InfraID, Provide: p.Provide, Steps: p.Steps}
	have := map[Key]Found{}
	for _, f := range found {
		have[f.Key()] = f
	}
	for _, o := range p.Objects {
		f, ok := have[o.Key]
		_, served := have[o.Until] // what it is needed for is there
		switch {
		case ok && len(f.Differences) > 0:
			d.Differ = append(d.Differ, Change{Object: o, ID: f.ID, Differences: f.Differences})
		case ok, served:
			d.Match = append(d.Match, o)
		default:
			d.Create = append(d.Create, o)
		}
	}
	for _, f := range found {
		if _, planned := p.Get(f.Key()); !planned {
			d.Destroy = append(d.Destroy, Ref{Kind: f.Kind, Name: f.Name, ID: f.ID})
		}
	}
	slices.SortStableFunc(d.Destroy, func(a, b Ref) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	return d
}
