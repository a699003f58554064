// Package plan describes infrastructure as data: which objects a cluster
// needs, under which names, in which order. It is pure: the same input gives
// the same plan, and nothing here talks to anything.
package plan

import (
	"fmt"
	"slices"
	"strings"
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
	// Until names the object that this one is only needed to make. Once that
	// exists, this one may be missing.
	Until Key `json:"until,omitempty"`
	// Existing marks an object that somebody else owns: it has to be there, and
	// it is never created, changed or destroyed.
	Existing bool `json:"existing,omitempty"`
	Spec     Spec `json:"spec"`
}

// Plan is everything that a cluster needs on its platform.
type Plan struct {
	Platform string   `json:"platform"`
	InfraID  string   `json:"infraID"`
	Objects  []Object `json:"objects"`
	// Provide is what has to be there although nobody makes it but the user.
	Provide []Requirement `json:"provide,omitempty"`
	// Steps are what the user does, in order, where the installer makes no machines.
	Steps []string `json:"steps,omitempty"`
}

// Get returns the object with that key.
func (p Plan) Get(key Key) (Object, bool) {
	for _, o := range p.Objects {
		if o.Key == key {
			return o, true
		}
	}
	return Object{}, false
}

// In returns the objects of one stage, in plan order.
func (p Plan) In(stage Stage) []Object {
	var out []Object
	for _, o := range p.Objects {
		if o.Stage == stage {
			out = append(out, o)
		}
	}
	return out
}

// Only returns the plan with nothing but these stages in it, and without
// dependencies on others.
func (p Plan) Only(stages ...Stage) Plan {
	out := Plan{Platform: p.Platform, InfraID: p.InfraID}
	kept := map[Key]bool{}
	for _, o := range p.Objects {
		kept[o.Key] = slices.Contains(stages, o.Stage)
	}
	for _, o := range p.Objects {
		if kept[o.Key] {
			o.Needs = slices.DeleteFunc(slices.Clone(o.Needs), func(k Key) bool { return !kept[k] })
			out.Objects = append(out.Objects, o)
		}
	}
	return out
}

// Of returns the objects of one kind, in plan order.
func (p Plan) Of(kind Kind) []Object {
	var out []Object
	for _, o := range p.Objects {
		if o.Kind == kind {
			out = append(out, o)
		}
	}
	return out
}

// Validate reports duplicate keys, dependencies on objects that are not in the
// plan or belong to a later stage, and cycles.
func (p Plan) Validate() error {
	at := map[Key]Object{}
	for _, o := range p.Objects {
		if _, dup := at[o.Key]; dup {
			return fmt.Errorf("plan: %s appears twice", o.Key)
		}
		at[o.Key] = o
	}
	for _, o := range p.Objects {
		for _, n := range o.Needs {
			need, ok := at[n]
			if !ok {
				return fmt.Errorf("plan: %s needs %s, which is not in the plan", o.Key, n)
			}
			if slices.Index(Stages(), need.Stage) > slices.Index(Stages(), o.Stage) {
				return fmt.Errorf("plan: %s (stage %s) needs %s of the later stage %s", o.Key, o.Stage, n, need.Stage)
			}
		}
		if _, ok := at[o.Until]; o.Until != "" && !ok {
			return fmt.Errorf("plan: %s is needed until %s, which is not in the plan", o.Key, o.Until)
		}
	}
	_, err := p.Levels()
	return err
}

// Levels groups the objects by dependency: everything in a level depends only
// on earlier levels. Within a level the plan's own order is kept.
func (p Plan) Levels() ([][]Object, error) {
	level := map[Key]int{}
	rest := slices.Clone(p.Objects)
	var out [][]Object
	for len(rest) > 0 {
		var now, later []Object
		for _, o := range rest {
			if ready(o, level) {
				now = append(now, o)
			} else {
				later = append(later, o)
			}
		}
		if len(now) == 0 {
			return nil, fmt.Errorf("plan: dependency cycle among %s", strings.Join(keys(later), ", "))
		}
		for _, o := range now {
			level[o.Key] = len(out)
		}
		out = append(out, now)
		rest = later
	}
	return out, nil
}

func ready(o Object, done map[Key]int) bool {
	for _, n := range o.Needs {
		if _, ok := done[n]; !ok {
			return false
		}
	}
	return true
}

func keys(objects []Object) []string {
	out := make([]string, 0, len(objects))
	for _, o := range objects {
		out = append(out, string(o.Key))
	}
	return out
}
