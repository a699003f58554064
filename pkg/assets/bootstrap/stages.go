package bootstrap

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"regexp"
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
	Text string
	If   string
	When string
	// Optional is for the bootstrap host to decide: not every release's command
	// takes the flag. Needs are further stages that the flag makes necessary.
	Optional bool
	Needs    []string
}

// longArg is an argument with conditions.
type longArg struct {
	Arg      string   `json:"arg"`
	If       string   `json:"if,omitempty"`
	When     string   `json:"when,omitempty"`
	Optional bool     `json:"optional,omitempty"`
	Needs    []string `json:"needs,omitempty"`
}

// UnmarshalJSON takes a text or {arg: text, if: file, when: kind, optional: true}.
func (a *Arg) UnmarshalJSON(raw []byte) error {
	if json.Unmarshal(raw, &a.Text) == nil {
		return nil
	}
	var long longArg
	if err := json.Unmarshal(raw, &long); err != nil {
		return fmt.Errorf("argument %s is neither text nor {arg, if, when, optional, needs}", raw)
	}
	a.Text, a.If, a.When, a.Optional, a.Needs = long.Arg, long.If, long.When, long.Optional, long.Needs
	return nil
}

// MarshalJSON writes the text, and what only the bootstrap host can decide; the
// other conditions were decided before.
func (a Arg) MarshalJSON() ([]byte, error) {
	if a.Optional {
		return json.Marshal(longArg{Arg: a.Text, Optional: true, Needs: a.Needs})
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
)

// Stages reads the table that ships with the installer.
func Stages() (Table, error) {
	raw, err := fs.ReadFile(data.Bootstrap(), "stages.yaml")
	if err != nil {
		return Table{}, fmt.Errorf("read stages: %w", err)
	}
	return parseStages(raw)
}

var (
	stageName = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)
	// What the runner's tables separate fields with, or what a shell would split.
	plainPath = regexp.MustCompile(`^[A-Za-z0-9_./{}-]+$`)
)

func parseStages(raw []byte) (Table, error) {
	var t Table
	if err := yaml.UnmarshalStrict(raw, &t); err != nil {
		return Table{}, fmt.Errorf("parse stages: %w", err)
	}
	var before, fatal []string
	for i := range t.Stages {
		s := &t.Stages[i]
		if err := s.check(before); err != nil {
			return Table{}, fmt.Errorf("stage %q: %w", s.Name, err)
		}
		if slices.Equal(s.Needs, []string{"*"}) {
			s.Needs = slices.Clone(fatal)
		}
		before = append(before, s.Name)
		if s.Fatal == nil || *s.Fatal {
			fatal = append(fatal, s.Name)
		}
	}
	return t, nil
}

func (s *Stage) check(before []string) error {
	switch {
	case !stageName.MatchString(s.Name):
		return fmt.Errorf("a name is lower case letters, digits and dashes")
	case slices.Contains(before, s.Name):
		return fmt.Errorf("there are two of it")
	case !isKind(s.When) || !allKinds(s.Args) || !allKinds(s.Host):
		return fmt.Errorf("when is %s or %s", whenHandOver, whenInPlace)
	case s.Image != "" && len(s.Host) > 0:
		return fmt.Errorf("runs either an image or a command of the host")
	case s.Image == "" && (len(s.Args) > 0 || s.Entrypoint != "" || len(s.Mounts) > 0 || len(s.Podman) > 0):
		return fmt.Errorf("has arguments but no image")
	}
	if err := checkOptional(s.Args, s.Host); err != nil {
		return err
	}
	needs := slices.Clone(s.Needs)
	for _, a := range s.Args {
		needs = append(needs, a.Needs...)
	}
	for _, need := range needs {
		if need != "*" && !slices.Contains(before, need) {
			return fmt.Errorf("needs %s, which is not before it", need)
		}
	}
	paths := slices.Clone(s.Remove)
	for _, c := range s.Copies {
		paths = append(paths, c.To)
		if !plainPath.MatchString(c.From) || strings.HasPrefix(c.From, "/") {
			return fmt.Errorf("copies from %q: not a plain relative path", c.From)
		}
	}
	for _, c := range s.Clean {
		paths = append(paths, c.Path)
	}
	for _, p := range paths {
		if !plainPath.MatchString(p) || !strings.HasPrefix(p, "/") {
			return fmt.Errorf("path %q: not a plain absolute path", p)
		}
	}
	return nil
}

// optionalFlag is what the help text of a command can be asked for.
var optionalFlag = regexp.MustCompile(`^--[a-z][a-z0-9-]*=`)

// checkOptional wants of optional arguments that a help text can decide on them.
func checkOptional(args, host []Arg) error {
	for _, a := range host {
		if a.Optional || len(a.Needs) > 0 {
			return fmt.Errorf("argument %q: commands of the host are the same for all releases", a.Text)
		}
	}
	for _, a := range args {
		switch {
		case a.Optional && !optionalFlag.MatchString(a.Text):
			return fmt.Errorf("argument %q: only --flag=value can be optional", a.Text)
		case !a.Optional && len(a.Needs) > 0:
			return fmt.Errorf("argument %q: has needs, but is not optional", a.Text)
		}
	}
	return nil
}

func isKind(when string) bool { return when == "" || when == whenHandOver || when == whenInPlace }

func allKinds(args []Arg) bool {
	return !slices.ContainsFunc(args, func(a Arg) bool { return !isKind(a.When) })
}

// For completes the table with what is known when Ignition is made: stages and
// arguments of other kinds of installation are left out, names are filled in.
func (t Table) For(in Inputs) Table {
	fill := strings.NewReplacer(
		"{api}", in.Config.APIHost(), "{api-int}", in.Config.APIIntHost(),
		"{profile}", in.Profile, "{platform}", in.Platform,
	)
	out := Table{}
	gone := map[string]bool{}
	for _, s := range t.Stages {
		if !in.is(s.When) {
			gone[s.Name] = true
			continue
		}
		s.When = ""
		s.Needs = slices.DeleteFunc(slices.Clone(s.Needs), func(name string) bool { return gone[name] })
		s.Args, s.Host = in.fillArgs(s.Args, fill), in.fillArgs(s.Host, fill)
		s.Env = fillAll(s.Env, fill)
		copies := slices.Clone(s.Copies)
		for i := range copies {
			copies[i].From = fill.Replace(copies[i].From)
		}
		s.Copies = copies
		out.Stages = append(out.Stages, s)
	}
	return out
}

// is reports whether a stage or an argument belongs to this kind of installation.
func (in Inputs) is(when string) bool { return when == "" || (when == whenInPlace) == in.InPlace }

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

func fillAll(list []string, fill *strings.Replacer) []string {
	var out []string
	for _, text := range list {
		out = append(out, fill.Replace(text))
	}
	return out
}
