package main

import (
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/okd-install/okd-install/pkg/phases"
)

// completionCommand prints scripts that make shells complete our commands, flags and values. They are for the name that
// the program was called by, so that a link named openshift-install is completed as well.
func completionCommand(r *root) *cobra.Command {
	c := group("completion", "Print a script that completes commands in a shell")
	for _, shell := range []struct {
		name, load, keep string
		write            func(*cobra.Command, io.Writer) error
	}{
		{"bash", "source <(%[1]s completion bash)", "%[1]s completion bash >/etc/bash_completion.d/%[1]s",
			func(root *cobra.Command, w io.Writer) error { return root.GenBashCompletionV2(w, true) }},
		{"zsh", "source <(%[1]s completion zsh)", `%[1]s completion zsh >"${fpath[1]}/_%[1]s"`,
			func(root *cobra.Command, w io.Writer) error { return root.GenZshCompletion(w) }},
		{"fish", "%[1]s completion fish | source", "%[1]s completion fish >~/.config/fish/completions/%[1]s.fish",
			func(root *cobra.Command, w io.Writer) error { return root.GenFishCompletion(w, true) }},
		{"powershell", "%[1]s completion powershell | Out-String | Invoke-Expression",
			"%[1]s completion powershell >>$PROFILE",
			func(root *cobra.Command, w io.Writer) error { return root.GenPowerShellCompletionWithDesc(w) }},
	} {
		name := r.name()
		c.AddCommand(&cobra.Command{Use: shell.name, Short: "Print the script for " + shell.name,
			Example: fmt.Sprintf("  "+shell.load+"    # in this shell\n  "+shell.keep+"    # in new ones", name),
			RunE:    func(c *cobra.Command, _ []string) error { return shell.write(c.Root(), r.streams.out) }})
	}
	return c
}

// values are what shells offer for flags whose help does not list the values, as in "form of the answer (text, json)".
// Files are offered for all others.
var values = map[string]cobra.CompletionFunc{
	"dir":        directories,
	"output-dir": directories,
	"skip":       listOf(phases.Names),
	"timeout":    oneOf("10m", "30m", "1h", "2h"),
	"bootstrap":  oneOf(),
	"master":     oneOf(),
	"infra-id":   oneOf(),
}

// choices finds the values in the help of a flag.
var choices = regexp.MustCompile(`\(([\w-]+(?:, [\w-]+)+)\)$`)

func directories(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveFilterDirs
}

// oneOf offers values and no files.
func oneOf(list ...string) cobra.CompletionFunc {
	return cobra.FixedCompletions(list, cobra.ShellCompDirectiveNoFileComp)
}

// listOf offers the next value of a list with commas.
func listOf(names func() []string) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		chosen := ""
		if i := strings.LastIndex(typed, ","); i >= 0 {
			chosen = typed[:i+1]
		}
		var out []cobra.Completion
		for _, name := range names() {
			if !strings.Contains(","+chosen, ","+name+",") {
				out = append(out, chosen+name)
			}
		}
		return out, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	}
}

// completeFlags tells cobra about the values of flags.
func completeFlags(c *cobra.Command) {
	c.LocalFlags().VisitAll(func(f *pflag.Flag) {
		do := values[f.Name]
		if m := choices.FindStringSubmatch(f.Usage); do == nil && m != nil {
			do = oneOf(strings.Split(m[1], ", ")...)
		}
		if do != nil {
			// It fails only for flags that are not there or known already.
			_ = c.RegisterFlagCompletionFunc(f.Name, do)
		}
	})
}
