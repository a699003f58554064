package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/install/create"
	"github.com/okd-install/okd-install/pkg/install/status"
	"github.com/okd-install/okd-install/pkg/plan"
	"github.com/okd-install/okd-install/pkg/version"
)

func planCommand(r *root) *cobra.Command {
	var o create.Options
	var output plan.Format
	c := &cobra.Command{Use: "plan", Short: "Show what create cluster would create or change",
		Long: "Compares what the cluster needs with what exists on the platform, and changes nothing\n" +
			"there. Keys that the Ignition configs need are generated and kept in the directory.",
		Example: `  okd-install plan --dir mycluster
  okd-install plan --dir mycluster -o dot | dot -Tsvg >plan.svg`,
	}
	open := func() (*install.Env, error) {
		if err := checkRelease(c, o.Release); err != nil {
			return nil, err
		}
		return r.start()
	}
	r.run(c, open, func(ctx context.Context, env *install.Env) error { return create.Plan(ctx, env, o, output) })
	editedFlags(c, &o.Opening)
	handedOverFlag(c, &o.HandedOver)
	releaseFlags(c, &o.Release)
	outputFlag(c, "plan", &output, plan.Formats()...)
	return c
}

func statusCommand(r *root) *cobra.Command {
	var output string
	var quiet, phases bool
	c := &cobra.Command{Use: "status", Short: "Show how far an installation is",
		Long: "Shows the history in the directory and the state of the cluster. Changes nothing, and\n" +
			"can be used while another command runs.",
		Example: `  okd-install status --dir mycluster
  until okd-install status --dir mycluster --quiet; do sleep 10; done`,
	}
	r.run(c, r.look, func(ctx context.Context, env *install.Env) error {
		s, err := status.Look(ctx, env)
		switch {
		case err != nil:
			return err
		case quiet && !s.Complete:
			return errors.New("the cluster is not complete")
		case quiet:
			return nil
		case phases:
			return s.PrintPhases(env.Stdout)
		case output == "json":
			return install.WriteJSON(env.Stdout, s)
		}
		return s.Print(env.Stdout)
	})
	outputFlag(c, "answer", &output, "text", "json")
	c.Flags().BoolVar(&quiet, "quiet", false, "print nothing; exit 0 only if the cluster is complete")
	c.Flags().BoolVar(&phases, "phases", false, "print the time that each phase took, and nothing else")
	return c
}

func graphCommand(r *root) *cobra.Command {
	return drawing("okd-install graph | dot -Tsvg >assets.svg", r, assets.Graph)
}

// drawing is a command that draws a graph of assets.
func drawing(example string, r *root, draw func() string) *cobra.Command {
	var file string
	c := &cobra.Command{Use: "graph", Short: "Draw the graph of assets in DOT",
		Example: "  " + example,
		RunE: func(*cobra.Command, []string) error {
			if file == "" {
				_, err := io.WriteString(r.streams.out, draw())
				return err
			}
			f, err := os.Create(file)
			if err != nil {
				return err
			}
			_, err = f.WriteString(draw())
			return errors.Join(err, f.Close())
		}}
	c.Flags().StringVar(&file, "output-file", "", "file to write to instead of standard output")
	return c
}

func versionCommand(r *root) *cobra.Command {
	return &cobra.Command{Use: "version", Short: "Print version information",
		RunE: func(*cobra.Command, []string) error {
			release := version.Release()
			if override := install.ReleaseOverride(r.getenv); override != "" {
				release = override
			}
			if release == "" {
				release = "none built in"
			}
			_, err := fmt.Fprintf(r.streams.out, "%s %s\nbuilt from commit %s\nrelease image %s\n"+
				"release architecture %s\n",
				r.args[0], version.String(), version.Commit, release, version.ReleaseArchitecture())
			return err
		}}
}
