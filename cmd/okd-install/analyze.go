package main

import (
	"context"
	"errors"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/install/diagnose"
)

func analyzeCommand(r *root) *cobra.Command {
	var o diagnose.AnalyzeOptions
	c := &cobra.Command{Use: "analyze", Short: "Find out why an installation failed",
		Long: `Says in one line why an installation failed and what to do about it, and shows a timeline.
Reads a log bundle of this installer or of openshift-install: the one that --file names,
or the only one in the directory. Without a bundle it looks at the installation itself:
the journal of the directory, the API and the bootstrap host. That takes a few seconds
and changes nothing.`,
		Example: `  okd-install analyze --dir mycluster
  okd-install analyze --file log-bundle-20261121093000.tar.gz --html report.html`,
	}
	open := func() (*install.Env, error) {
		if o.File != "" && o.Live {
			return nil, misused(c, errors.New("--file and --live exclude each other"))
		}
		return r.look()
	}
	r.run(c, open, func(ctx context.Context, env *install.Env) error {
		o.Width = r.width()
		return diagnose.Analyze(ctx, env, o)
	})
	c.Flags().StringVar(&o.File, "file", "", "log bundle to read (default: the only log-bundle-*.tar.gz in the "+
		"directory)")
	c.Flags().BoolVar(&o.Live, "live", false, "look at the installation as it is now, even if there is a log bundle")
	c.Flags().StringVar(&o.HTML, "html", "", "file to write a page with findings and timeline to")
	outputFlag(c, "answer", &o.Output, "text", "json")
	return c
}

// plainWidth is the width of text outside of a terminal.
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
