// Package plan describes infrastructure as data: which objects a cluster needs,
// under which names, in which order. Nothing here talks to anything.
package plan

import (
	"fmt"
	"slices"
)

// Stage is a part of the plan that is applied in one go.
type Stage string

// The stages, in the order in which they are applied.
const (
	StageImage          Stage = "image"          // the operating system is on the platform
	StageInfrastructure Stage = "infrastructure" // the cluster's own machines and what they need
	StageBootstrap      Stage = "bootstrap"      // the temporary control plane
)

// Stages lists all stages in the order in which they are applied.
func Stages() []Stage { return []Stage{StageImage, StageInfrastructure, StageBootstrap} }

// Kind says what an object is.
type Kind string

// The kinds of objects.
const (
	KindTag           Kind = "tag"
	KindDisk          Kind = "disk"
	KindVM            Kind = "vm"
	KindTemplate      Kind = "template"
	KindAffinityGroup Kind = "affinity-group"
	KindMedium        Kind = "medium"
	KindHost          Kind = "host"
)

// Key names an object within a plan and stays the same from run to run.
type Key string

// KeyOf makes the key of an object.
func KeyOf(kind Kind, name string) Key { return Key(string(kind) + "/" + name) }

// Object is one thing that has to exist.
type Object struct {
	Key   Key      `json:"key"`
	Kind  Kind     `json:"kind"`
	Name  string   `json:"name"`
	Stage Stage    `json:"stage"`
	Tags  []string `json:"tags,omitempty"`  // ownership
	Needs []Key    `json:"needs,omitempty"` // must exist before
	// Until names what this one is only needed to make: then it may be missing.
	Until Key `json:"until,omitempty"`
	// Existing marks an object that somebody else owns: it has to be there, and
	// it is never created, changed or destroyed.
	Existing bool `json:"existing,omitempty"`
	Spec     Spec `json:"spec"`
}

// Plan is everything that a cluster needs on its platform.
type Plan struct {
	Platform string
	InfraID  string
	Objects  []Object // after those that they need
	// Provide is what has to be there although nobody makes it but the user.
	Provide []Requirement
	// Steps are what the user does, in order, where the installer makes no machines.
	Steps []string
}

// Get returns the object with that key.
func (p Plan) Get(key Key) (Object, bool) {
	i := slices.IndexFunc(p.Objects, func(o Object) bool { return o.Key == key })
	if i < 0 {
		return Object{}, false
	}
	return p.Objects[i], true
}

// In returns the objects of one stage, in plan order.
func (p Plan) In(stage Stage) []Object {
	return only(p.Objects, func(o Object) bool { return o.Stage == stage })
}

// Of returns the objects of one kind, in plan order.
func (p Plan) Of(kind Kind) []Object {
	return only(p.Objects, func(o Object) bool { return o.Kind == kind })
}

// only returns the objects that fit.
func only(objects []Object, fits func(Object) bool) []Object {
	return slices.DeleteFunc(slices.Clone(objects), func(o Object) bool { return !fits(o) })
}

// Validate reports duplicate keys, and dependencies on objects that are not before
// the one that needs them, in the plan or by their stage.
func (p Plan) Validate() error {
	at := map[Key]int{}
	for i, o := range p.Objects {
		if _, dup := at[o.Key]; dup {
			return fmt.Errorf("plan: %s appears twice", o.Key)
		}
		at[o.Key] = i
	}
	for i, o := range p.Objects {
		for _, n := range o.Needs {
			j, ok := at[n]
			switch {
			case !ok:
				return fmt.Errorf("plan: %s needs %s, which is not in the plan", o.Key, n)
			case j >= i:
				return fmt.Errorf("plan: %s needs %s, which comes after it", o.Key, n)
			case slices.Index(Stages(), p.Objects[j].Stage) > slices.Index(Stages(), o.Stage):
				return fmt.Errorf("plan: %s (stage %s) needs %s of the later stage %s", o.Key, o.Stage, n,
					p.Objects[j].Stage)
			}
		}
		if _, ok := at[o.Until]; o.Until != "" && !ok {
			return fmt.Errorf("plan: %s is needed until %s, which is not in the plan", o.Key, o.Until)
		}
	}
	return nil
}
