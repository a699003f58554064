package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/okd-install/okd-install/pkg/version"
)

// manCommand writes the manual pages. It is hidden because only packagers need it.
func manCommand(r *root) *cobra.Command {
	var dir string
	c := &cobra.Command{Use: "man", Short: "Write the manual pages", Hidden: true,
		Long: "Writes a manual page (section 1) for every command. The environment variable\nSOURCE_DATE_EPOCH " +
			"sets the date in them.",
		Example: "  okd-install man --output-dir /usr/local/share/man/man1",
		RunE: func(c *cobra.Command, _ []string) error {
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return fmt.Errorf("make directory for manual pages: %w", err)
			}
			root := (&root{streams: r.streams, getenv: r.getenv, args: r.args}).command()
			forManual(root)
			root.Long += "\n" + manualSections()
			header := &doc.GenManHeader{Section: "1", Source: "okd-install " + version.Version, Manual: "okd-install"}
			if err := doc.GenManTree(root, header, dir); err != nil {
				return fmt.Errorf("write manual pages: %w", err)
			}
			return nil
		}}
	c.Flags().StringVar(&dir, "output-dir", ".", "directory to write them to, created if need be")
	return c
}

// forManual prepares help texts for the generator, which reads Markdown: it would lose names in angle brackets.
func forManual(c *cobra.Command) {
	c.DisableAutoGenTag = true
	c.Long = strings.NewReplacer("<", "&lt;", ">", "&gt;").Replace(c.Long)
	for _, sub := range c.Commands() {
		forManual(sub)
	}
}

// manualSections are what the page of the program has besides its commands.
func manualSections() string {
	var b strings.Builder
	b.WriteString("\n# EXIT STATUS\n")
	for _, e := range exitCodes {
		fmt.Fprintf(&b, "**%d**\n: %s\n\n", e.code, e.means)
	}
	b.WriteString("# ENVIRONMENT\n")
	for _, v := range environment {
		fmt.Fprintf(&b, "**%s**\n: %s\n\n", v.name, v.use)
	}
	return b.String()
}
