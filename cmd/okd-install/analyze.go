package main

import (
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/okd-install/okd-install/pkg/install/diagnose"
)

func analyzeCommand(r *root) *cobra.Command {
	var o diagnose.AnalyzeOptions
	c := &cobra.Command{Use: "analyze", Short: "Find out why an installation failed", Args: noArguments,
		Long: `Says in one line why an installation failed and what to do about it, and shows what
happened when. Reads a log bundle, of this installer or of openshift-install: the one
that --file names, or the only one in the directory. Without a bundle it looks at the
installation itself: the journal of the directory, the API and the bootstrap host, for a
few seconds and without changing anything.`,
		Example: `  okd-install analyze --dir mycluster
  okd-install analyze --file log-bundle-20261121093000.tar.gz --html report.html`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !slices.Contains([]string{"text", "json"}, o.Output) {
				return misused(cmd, fmt.Errorf("invalid --output %q: choose text or json", o.Output))
			}
			if o.File != "" && o.Live {
				return misused(cmd, fmt.Errorf("--file and --live exclude each other"))
			}
			env, err := r.look()
			if err != nil {
				return err
			}
			o.Width = r.width()
			return diagnose.Analyze(cmd.Context(), env, o)
		}}
	c.Flags().StringVar(&o.File, "file", "", "log bundle to read (default: the only log-bundle-*.tar.gz in the "+
		"directory)")
	c.Flags().BoolVar(&o.Live, "live", false, "look at the installation as it is now, even if there is a log bundle")
	c.Flags().StringVar(&o.HTML, "html", "", "file to write a page with findings and timeline to")
	c.Flags().StringVarP(&o.Output, "output", "o", "text", "form of the answer (text, json)")
	return c
}

// plainWidth is the width of text for whoever reads it in no terminal.
const plainWidth = 120

// width is how many characters fit into a line of standard output.
func (r *root) width() int {
	if f, ok := r.streams.out.(*os.File); ok {
		if w, _, err := term.GetSize(int(f.Fd())); err == nil {
			return w
		}
	}
	return plainWidth
}
