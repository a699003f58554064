package bootstrap

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/data"
)

// Stage is one step of the bootstrap host; data/bootstrap/stages.yaml says
// what the fields mean.
type Stage struct {
	Name       string   `json:"name"`
	When       string   `json:"when,omitempty"`
	Image      string   `json:"image,omitempty"`
	Required   bool     `json:"required,omitempty"`
	Entrypoint string   `json:"entrypoint,omitempty"`
	User       string   `json:"user,omitempty"`
	Env        []string `json:"env,omitempty"`
	Mounts     []string `json:"mounts,omitempty"`
	Podman     []string `json:"podman,omitempty"`
	Args       []Arg    `json:"args,omitempty"`
	Host       []Arg    `json:"host,omitempty"`
	Output     string   `json:"output,omitempty"`
	Marker     string   `json:"marker,omitempty"`
	Fatal      *bool    `json:"fatal,omitempty"`
	Needs      []string `json:"needs,omitempty"`
	Copies     []Copy   `json:"copies,omitempty"`
	Clean      []Clean  `json:"clean,omitempty"`
	Remove     []string `json:"remove,omitempty"`
}

// Copy brings a rendered file or the content of a directory to its place.
type Copy struct {
	From     string `json:"from"`
	To       string `json:"to"`
	Required bool   `json:"required,omitempty"`
}

// Clean removes a path, or those files in it that another directory lists.
type Clean struct {
	Path     string `json:"path"`
	ListedIn string `json:"listedIn,omitempty"`
}

// Arg is an argument, possibly one that depends on a file of the installer, on
// the kind of installation, or on the release.
type Arg struct {
	Text string `json:"arg"`
	If   string `json:"if,omitempty"`
	When string `json:"when,omitempty"`
	// Optional arguments are decided on the bootstrap host, because not every
	// release's command has the flag. Needs are further stages that the flag requires.
	Optional bool     `json:"optional,omitempty"`
	Needs    []string `json:"needs,omitempty"`
}

type longArg Arg

// UnmarshalJSON reads a text or {arg: text, if: file, when: kind, optional: true}.
func (a *Arg) UnmarshalJSON(raw []byte) error {
	if json.Unmarshal(raw, &a.Text) == nil {
		return nil
	}
	if json.Unmarshal(raw, (*longArg)(a)) != nil {
		return fmt.Errorf("argument %s is neither text nor {arg, if, when, optional, needs}", raw)
	}
	return nil
}

// MarshalJSON writes only what the bootstrap host has to decide: For has evaluated
// the other conditions.
func (a Arg) MarshalJSON() ([]byte, error) {
	if a.Optional {
		return json.Marshal(longArg{Text: a.Text, Optional: true, Needs: a.Needs})
	}
	return json.Marshal(a.Text)
}

// Table is all stages in their order.
type Table struct {
	Stages []Stage `json:"stages"`
}

// The kinds of installation that a stage may be limited to.
const (
	whenHandOver = "hand-over"
	whenInPlace  = "in-place"
	whenAgent    = "agent"
)

// Stages reads the table that ships with the installer. The tests check it.
func Stages() (Table, error) {
	raw, err := fs.ReadFile(data.Bootstrap(), "stages.yaml")
	if err != nil {
		return Table{}, fmt.Errorf("read stages: %w", err)
	}
	return parseStages(raw)
}

func parseStages(raw []byte) (Table, error) {
	var t Table
	if err := yaml.UnmarshalStrict(raw, &t); err != nil {
		return Table{}, fmt.Errorf("parse stages: %w", err)
	}
	var fatal []string
	for i := range t.Stages {
		s := &t.Stages[i]
		if slices.Equal(s.Needs, []string{"*"}) {
			s.Needs = slices.Clone(fatal)
		}
		if s.Fatal == nil || *s.Fatal {
			fatal = append(fatal, s.Name)
		}
	}
	return t, nil
}

// For completes the table with what is known when Ignition is made: stages and
// arguments of other kinds of installation are left out, names are filled in.
func (t Table) For(in Inputs) Table {
	fill := strings.NewReplacer(
		"{api}", in.Config.APIHost(), "{api-int}", in.Config.APIIntHost(),
		"{profile}", in.Profile, "{platform}", in.Platform,
	)
	out := Table{}
	dropped := map[string]bool{}
	for _, s := range t.Stages {
		if !in.is(s.When) {
			dropped[s.Name] = true
			continue
		}
		s.When = ""
		s.Needs = slices.DeleteFunc(slices.Clone(s.Needs), func(name string) bool { return dropped[name] })
		s.Args, s.Host = in.fillArgs(s.Args, fill), in.fillArgs(s.Host, fill)
		s.Env, s.Copies = slices.Clone(s.Env), slices.Clone(s.Copies)
		for i := range s.Env {
			s.Env[i] = fill.Replace(s.Env[i])
		}
		for i := range s.Copies {
			s.Copies[i].From = fill.Replace(s.Copies[i].From)
		}
		out.Stages = append(out.Stages, s)
	}
	return out
}

// is reports whether a stage or an argument belongs to this kind of installation.
func (in Inputs) is(when string) bool {
	switch when {
	case whenInPlace:
		return in.InPlace
	case whenHandOver:
		return !in.InPlace
	case whenAgent:
		return in.Agent && !in.InPlace
	}
	return true
}

func (in Inputs) fillArgs(args []Arg, fill *strings.Replacer) []Arg {
	var out []Arg
	for _, a := range args {
		if !in.is(a.When) {
			continue
		}
		if a.If != "" {
			if _, ok := in.Files.Get(a.If); !ok {
				continue
			}
		}
		out = append(out, Arg{Text: fill.Replace(a.Text), Optional: a.Optional, Needs: a.Needs})
	}
	return out
}
