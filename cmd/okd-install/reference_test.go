package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/okd-install/okd-install/pkg/phase"
	"github.com/okd-install/okd-install/pkg/phases"
	"github.com/okd-install/okd-install/pkg/testkit/golden"
)

// TestReferenceIsCurrent compares docs/user/reference-commands.md with the commands;
// make docs updates the page.
func TestReferenceIsCurrent(t *testing.T) {
	path := filepath.FromSlash("../../docs/user/reference-commands.md")
	want := referencePage((&root{args: []string{"okd-install"}}).command())
	golden.Compare(t, path, want)
}

// referencePage returns the page about all commands that are not hidden.
func referencePage(root *cobra.Command) string {
	var b strings.Builder
	b.WriteString(`# Commands of okd-install

<!-- Made from the code by "make docs"; change the commands in cmd/okd-install. -->

`)
	var list []*cobra.Command
	var collect func(c *cobra.Command)
	collect = func(c *cobra.Command) {
		if c.Hidden {
			return
		}
		list = append(list, c)
		for _, sub := range c.Commands() {
			collect(sub)
		}
	}
	collect(root)
	b.WriteString("| Command | Does |\n|---|---|\n")
	for _, c := range list[1:] {
		if c.HasAvailableSubCommands() {
			continue
		}
		fmt.Fprintf(&b, "| [%s](#%s) | %s |\n", c.CommandPath(), strings.ReplaceAll(c.CommandPath(), " ", "-"), c.Short)
	}
	b.WriteString("\nData goes to standard output, everything else to standard error and, in full, to " +
		"`.openshift_install.log` in the directory of the installation. Nothing is asked unless standard input and " +
		"standard error are a terminal.\n\n## Flags of every command\n\n")
	flagTable(&b, root.PersistentFlags())
	for _, c := range list[1:] {
		if c.HasAvailableSubCommands() {
			continue
		}
		fmt.Fprintf(&b, "## %s\n\n%s.\n\n", c.CommandPath(), strings.TrimSuffix(c.Short, "."))
		if c.Long != "" {
			fmt.Fprintf(&b, "%s\n\n", joined(c.Long))
		}
		flagTable(&b, c.LocalNonPersistentFlags())
		if c.Example != "" {
			b.WriteString("```sh\n")
			for line := range strings.Lines(c.Example) {
				b.WriteString(strings.TrimPrefix(line, "  "))
			}
			b.WriteString("\n```\n\n")
		}
	}
	b.WriteString("## Exit codes\n\n| Code | Meaning |\n|---|---|\n")
	for _, e := range exitCodes {
		fmt.Fprintf(&b, "| %d | %s |\n", e.code, e.means)
	}
	phaseTable(&b)
	b.WriteString("\n## Environment variables\n\n| Variable | Meaning |\n|---|---|\n")
	for _, v := range environment {
		fmt.Fprintf(&b, "| `%s` | %s |\n", v.name, v.use)
	}
	return b.String()
}

// phaseTable writes the table of the phases of create cluster.
func phaseTable(b *strings.Builder) {
	b.WriteString("\n## Phases of create cluster\n\n" +
		"A phase gives up when it has made no progress for its budget, which --timeout replaces, and after three\n" +
		"budgets in all.\n\n" +
		"| Phase | Does | Budget | Exit code | After a failure | Undone by |\n|---|---|---|---|---|---|\n")
	remedies := map[phase.Remedy]string{
		phase.Bundle:   "gathers a log bundle and analyzes it",
		phase.Diagnose: "says what keeps the cluster from being complete",
	}
	for _, p := range phases.All() {
		budget := ""
		if p.Budget > 0 {
			budget = fmt.Sprintf("%.0f min", p.Budget.Minutes())
		}
		undo := ""
		if p.Undo != "" {
			undo = "`" + p.Undo + "`"
		}
		fmt.Fprintf(b, "| %s | %s | %s | %d | %s | %s |\n", p.Name, p.Help, budget, p.ExitCode, remedies[p.OnFailure],
			undo)
	}
}

// joined joins the lines of each paragraph.
func joined(text string) string {
	var out []string
	for _, p := range strings.Split(text, "\n\n") {
		if !strings.HasPrefix(p, " ") {
			p = strings.ReplaceAll(p, "\n", " ")
		}
		out = append(out, strings.NewReplacer("<", "&lt;", ">", "&gt;").Replace(p))
	}
	return strings.Join(out, "\n\n")
}

func flagTable(b *strings.Builder, flags *pflag.FlagSet) {
	rows := ""
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		name := "`--" + f.Name + "`"
		if f.Shorthand != "" {
			name = "`-" + f.Shorthand + "`, " + name
		}
		value, usage := pflag.UnquoteUsage(f)
		def := ""
		if d := f.DefValue; d != "" && d != "false" && d != "[]" && d != "0s" && d != "0" {
			def = "`" + d + "`"
		}
		rows += fmt.Sprintf("| %s | %s | %s | %s |\n", name, value, def, strings.ReplaceAll(usage, "|", `\|`))
	})
	if rows != "" {
		b.WriteString("| Flag | Value | Default | Meaning |\n|---|---|---|---|\n" + rows + "\n")
	}
}

// TestEnvironmentIsComplete compares environment.go with the variables in the source.
func TestEnvironmentIsComplete(t *testing.T) {
	found := map[string]bool{}
	sources(t, func(_ string, file *ast.File) {
		ast.Inspect(file, func(n ast.Node) bool {
			if text, ok := literal(n); ok && isVariable.MatchString(text) {
				found[text] = true
			}
			return true
		})
	})
	for _, v := range environment {
		if !found[v.name] {
			t.Errorf("%s is described, but nothing reads it", v.name)
		}
		delete(found, v.name)
		if !strings.HasSuffix(v.use, ".") {
			t.Errorf("%s: %q is not a sentence", v.name, v.use)
		}
	}
	for name := range found {
		t.Errorf("%s is read, but environment.go does not describe it", name)
	}
}

// isVariable matches the variables that are meant for this program.
var isVariable = regexp.MustCompile(
	`^(OPENSHIFT_INSTALL|OKD_INSTALL|OKD|OVIRT)_[A-Z0-9_]+$|^SSH_AUTH_SOCK$|^SOURCE_DATE_EPOCH$`)

// TestExitCodesAreComplete compares the table with the constants of pkg/exit.
func TestExitCodesAreComplete(t *testing.T) {
	var declared []string
	sources(t, func(path string, file *ast.File) {
		if filepath.Base(filepath.Dir(path)) != "exit" {
			return
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if v, ok := n.(*ast.ValueSpec); ok && len(v.Values) == 1 {
				if l, ok := v.Values[0].(*ast.BasicLit); ok {
					declared = append(declared, l.Value)
				}
			}
			return true
		})
	})
	var described []string
	for _, e := range exitCodes {
		described = append(described, strconv.Itoa(e.code))
	}
	slices.Sort(declared)
	if len(declared) < 8 || !slices.Equal(declared, described) {
		t.Errorf("declared are %v, described %v", declared, described)
	}
}

func literal(n ast.Node) (string, bool) {
	l, ok := n.(*ast.BasicLit)
	if !ok || l.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(l.Value)
	return text, err == nil
}

// sources calls do for every Go file that the program is made of, except
// environment.go.
func sources(t *testing.T, do func(path string, file *ast.File)) {
	t.Helper()
	for _, dir := range []string{".", "../../pkg"} {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && path == filepath.FromSlash("../../pkg/lab"):
				return filepath.SkipDir
			case d.IsDir(), filepath.Ext(path) != ".go", strings.HasSuffix(path, "_test.go"), path == "environment.go":
				return nil
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err == nil {
				do(path, file)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
