package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/phases"
)

// TestFlagsAreCompleted compares the values in the help of a flag with those that
// shells offer.
func TestFlagsAreCompleted(t *testing.T) {
	seen := 0
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			m := choices.FindStringSubmatch(f.Usage)
			if m == nil {
				return
			}
			seen++
			do, known := c.GetFlagCompletionFunc(f.Name)
			if !known {
				t.Errorf("%s --%s: shells do not offer %s", c.CommandPath(), f.Name, m[1])
				return
			}
			if got, _ := do(c, nil, ""); !slices.Equal(got, strings.Split(m[1], ", ")) {
				t.Errorf("%s --%s: shells offer %q, the help says %s", c.CommandPath(), f.Name, got, m[1])
			}
		})
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk((&root{args: []string{"okd-install"}}).command())
	if seen < 5 {
		t.Errorf("only %d flags have choices", seen)
	}
}

func TestCompletionOfLists(t *testing.T) {
	names := phases.Names()
	code, out, _ := call(t.Context(), "__complete", "create", "cluster", "--skip", names[0]+",")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if code != 0 || lines[0] != names[0]+","+names[1] || len(lines) != len(names) { // the last line is a directive
		t.Errorf("exit code %d, offered %q", code, lines)
	}
}

// TestCompletionInShells loads the scripts under the name of a link, and lets bash
// complete with its script. The other shells, if installed, only check theirs.
func TestCompletionInShells(t *testing.T) {
	dir := t.TempDir()
	script := func(shell string) string {
		_, out, err := callAs(t.Context(), "openshift-install", "completion", shell)
		path := filepath.Join(dir, "completion."+shell)
		if err != "" || !strings.Contains(out, "openshift-install") || strings.Contains(out, "okd-install") {
			t.Errorf("%s: stderr %q, or the script is for another name", shell, err)
		}
		if err := os.WriteFile(path, []byte(out), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for shell, check := range map[string][]string{
		"zsh": {"zsh", "-n"}, "fish": {"fish", "--no-execute"}, "powershell": nil,
	} {
		path := script(shell)
		if len(check) == 0 {
			continue
		}
		if _, err := exec.LookPath(check[0]); err != nil {
			continue
		}
		out, err := exec.CommandContext(t.Context(), check[0], append(check[1:], path)...).CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", shell, err, out)
		}
	}
	// The program that bash calls is replaced by one with the same answers.
	_, answer, _ := callAs(t.Context(), "openshift-install", "__complete", "create", "ig")
	stand := filepath.Join(dir, "openshift-install")
	if err := os.WriteFile(stand,
		[]byte("#!/bin/sh\ntest \"$*\" = '__complete create ig' && cat <<'END'\n"+answer+"END\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	// The two functions are bash's own, while it completes on a terminal, and of
	// the package bash-completion.
	const use = `
set -e
. "$1"
compopt() { :; }
eval "_get_comp_words_by_ref() { cur=ig; prev=create; words=('$2' create ig); cword=2; }"
COMP_WORDS=("$2" create ig) COMP_CWORD=2 COMP_LINE="$2 create ig" COMP_POINT=999 COMP_TYPE=9
__start_openshift-install
printf '%s\n' "${COMPREPLY[@]}"
`
	out, err := exec.CommandContext(t.Context(), "bash", "-c", use, "bash", script("bash"), stand).CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "ignition-configs" {
		t.Errorf("bash completes to %q, %v", out, err)
	}
}

// callAs runs the program under another name.
func callAs(ctx context.Context, name string, args ...string) (code int, out, err string) {
	var o, e strings.Builder
	code = run(ctx, append([]string{"/usr/local/bin/" + name}, args...), streams{out: &o, err: &e}, nothing)
	return code, o.String(), e.String()
}

func TestManualPages(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "1770000000")
	dir := filepath.Join(t.TempDir(), "man1")
	if code, out, err := call(t.Context(), "man", "--output-dir", dir); code != 0 || out+err != "" {
		t.Fatalf("exit code %d, said %q", code, out+err)
	}
	commands := 0
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		if c.Hidden {
			return
		}
		commands++
		name := strings.ReplaceAll(c.CommandPath(), " ", "-") + ".1"
		page, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{".TH \"" + strings.ToUpper(strings.TrimSuffix(name, ".1")), "Feb 2026",
			".SH SYNOPSIS", c.Short} {
			if !strings.Contains(strings.ReplaceAll(string(page), `\-`, "-"), want) {
				t.Errorf("%s lacks %q", name, want)
			}
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk((&root{args: []string{"okd-install"}}).command())
	pages, err := os.ReadDir(dir)
	if err != nil || len(pages) != commands {
		t.Errorf("%d pages for %d commands, %v", len(pages), commands, err)
	}
	page, err := os.ReadFile(filepath.Join(dir, "okd-install.1"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{".SH EXIT STATUS", ".SH ENVIRONMENT", "OVIRT_CONFIG", "Interrupted by SIGINT"} {
		if !strings.Contains(strings.ReplaceAll(string(page), `\_`, "_"), want) {
			t.Errorf("the page of the program lacks %q", want)
		}
	}
	file := filepath.Join(dir, "okd-install.1")
	if code, _, err := call(t.Context(), "man", "--output-dir", file); code != exit.Other ||
		!strings.Contains(err, "make directory for manual pages") {
		t.Errorf("a file for a directory: exit code %d, %s", code, err)
	}
}
