package bootstrap

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestStages checks the table that ships with the installer.
func TestStages(t *testing.T) {
	table, err := Stages()
	if err != nil {
		t.Fatal(err)
	}
	if err := check(table); err != nil {
		t.Error(err)
	}
}

func TestMistakesInStages(t *testing.T) {
	tests := []struct{ name, yaml, saying string }{
		{"a name for the shell", "stages: [{name: 'a; rm -rf'}]", "a name is"},
		{"a name twice", "stages: [{name: a}, {name: a}]", "two of it"},
		{"a need that comes later", "stages: [{name: a, needs: [b]}, {name: b}]", "needs b, which is not before it"},
		{"image and host", "stages: [{name: a, image: etcd, host: [oc]}]", "either"},
		{"arguments for nothing", "stages: [{name: a, args: [x]}]", "no image"},
		{"a relative target", "stages: [{name: a, copies: [{from: a, to: b}]}]", "absolute path"},
		{"a source with a separator", "stages: [{name: a, copies: [{from: 'a|b', to: /b}]}]", "relative path"},
		{"an unknown field", "stages: [{name: a, imagee: etcd}]", "imagee"},
		{"an argument that is none", "stages: [{name: a, image: e, args: [[x]]}]", "neither"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			table, err := parseStages([]byte(tt.yaml))
			if err == nil {
				err = check(table)
			}
			if err == nil || !strings.Contains(err.Error(), tt.saying) {
				t.Errorf("error %v, should say %q", err, tt.saying)
			}
		})
	}
}

func TestStarNeedsEveryFatalStage(t *testing.T) {
	table, err := parseStages([]byte("stages: [{name: a}, {name: b, fatal: false}, {name: c, needs: ['*']}]"))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(table.Stages[2].Needs, " "); got != "a" {
		t.Errorf("needs %q, want a", got)
	}
}

func FuzzParseStages(f *testing.F) {
	f.Add([]byte("stages: [{name: a, image: release, args: [{arg: x, if: y}]}]"))
	f.Fuzz(func(_ *testing.T, raw []byte) { _, _ = parseStages(raw) })
}

// check finds mistakes in a table that the runner would not survive.
func check(t Table) error {
	var before []string
	for _, s := range t.Stages {
		if err := s.check(before); err != nil {
			return fmt.Errorf("stage %q: %w", s.Name, err)
		}
		before = append(before, s.Name)
	}
	return nil
}

var (
	stageName = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)
	// What the runner's tables separate fields with, or what a shell would split.
	plainPath = regexp.MustCompile(`^[A-Za-z0-9_./{}-]+$`)
)

func (s *Stage) check(before []string) error {
	switch {
	case !stageName.MatchString(s.Name):
		return fmt.Errorf("a name is lower case letters, digits and dashes")
	case slices.Contains(before, s.Name):
		return fmt.Errorf("there are two of it")
	case !isKind(s.When) || !allKinds(s.Args) || !allKinds(s.Host):
		return fmt.Errorf("when is %s, %s or %s", whenHandOver, whenInPlace, whenAgent)
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

func isKind(when string) bool {
	return slices.Contains([]string{"", whenHandOver, whenInPlace, whenAgent}, when)
}

func allKinds(args []Arg) bool {
	return !slices.ContainsFunc(args, func(a Arg) bool { return !isKind(a.When) })
}
