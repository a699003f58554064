package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/install/create"
	"github.com/okd-install/okd-install/pkg/install/releases"
	"github.com/okd-install/okd-install/pkg/install/status"
	"github.com/okd-install/okd-install/pkg/plan"
	"github.com/okd-install/okd-install/pkg/version"
)

func planCommand(r *root) *cobra.Command {
	var o create.Options
	var output string
	c := &cobra.Command{Use: "plan", Short: "Show what create cluster would create or change", Args: noArguments,
		Long: "Compares what the cluster needs with what there is on the platform. Changes nothing\n" +
			"there; keys that the Ignition configs need are made and kept in the directory.",
		Example: `  okd-install plan --dir mycluster
  okd-install plan --dir mycluster -o dot | dot -Tsvg >plan.svg`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !slices.Contains(plan.Formats(), plan.Format(output)) {
				return misused(cmd, fmt.Errorf("invalid --output %q: choose text, json or dot", output))
			}
			if err := checkRelease(cmd, o.Release); err != nil {
				return err
			}
			env, err := r.start()
			if err != nil {
				return err
			}
			return create.Plan(cmd.Context(), env, o, output)
		}}
	editedFlags(c, &o.Opening)
	handedOverFlag(c, &o.HandedOver)
	releaseFlags(c, &o.Release)
	c.Flags().StringVarP(&output, "output", "o", "text", "form of the plan (text, json, dot)")
	return c
}

func statusCommand(r *root) *cobra.Command {
	var output string
	var quiet, phases bool
	c := &cobra.Command{Use: "status", Short: "Show how far an installation is", Args: noArguments,
		Long: "Shows what the directory remembers and what the cluster says of itself. Changes\n" +
			"nothing, and can be used while another command runs.",
		Example: `  okd-install status --dir mycluster
  until okd-install status --dir mycluster --quiet; do sleep 10; done`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if output != "json" && output != "text" {
				return misused(cmd, fmt.Errorf("invalid --output %q: choose text or json", output))
			}
			env, err := r.look()
			if err != nil {
				return err
			}
			s, err := status.Look(cmd.Context(), env)
			if err != nil {
				return err
			}
			switch {
			case quiet && !s.Complete:
				return errors.New("the cluster is not complete")
			case quiet:
				return nil
			case phases:
				return s.PrintPhases(r.streams.out)
			case output == "json":
				enc := json.NewEncoder(r.streams.out)
				enc.SetIndent("", "  ")
				return enc.Encode(s)
			}
			return s.Print(r.streams.out)
		}}
	c.Flags().StringVarP(&output, "output", "o", "text", "form of the answer (text, json)")
	c.Flags().BoolVar(&quiet, "quiet", false, "print nothing; exit 0 only if the cluster is complete")
	c.Flags().BoolVar(&phases, "phases", false, "print the time that each phase took, and nothing else")
	return c
}

func graphCommand(r *root) *cobra.Command {
	var file string
	c := &cobra.Command{Use: "graph", Short: "Draw the graph of assets in DOT", Args: noArguments,
		Example: "  okd-install graph | dot -Tsvg >assets.svg",
		RunE: func(*cobra.Command, []string) error {
			if file == "" {
				_, err := io.WriteString(r.streams.out, assets.Graph())
				return err
			}
			f, err := os.Create(file)
			if err != nil {
				return err
			}
			_, err = f.WriteString(assets.Graph())
			return errors.Join(err, f.Close())
		}}
	c.Flags().StringVar(&file, "output-file", "", "file to write to instead of standard output")
	return c
}

func versionCommand(r *root) *cobra.Command {
	return &cobra.Command{Use: "version", Short: "Print version information", Args: noArguments,
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

func coreosCommand(r *root) *cobra.Command {
	c := &cobra.Command{Use: "coreos", Short: "Work with CoreOS boot images", Args: noArguments, RunE: help}
	c.AddCommand(&cobra.Command{Use: "print-stream-json", Short: "Print the CoreOS stream metadata of the release",
		Args: noArguments,
		Long: "Prints as JSON where the boot images of the release are: for machines that you boot\n" +
			"yourself. It is read from the release image (its login comes from install-config.yaml\n" +
			"in the directory, or from the files that podman and docker have), and kept, so that\n" +
			"it is there without a network the next time.",
		Example: "  okd-install coreos print-stream-json |" +
			" jq -r '.architectures.x86_64.artifacts.metal.formats.iso.disk.location'",
		RunE: func(cmd *cobra.Command, _ []string) error {
			env, err := r.look()
			if err != nil {
				return err
			}
			return releases.PrintStream(cmd.Context(), env)
		}})
	return c
}
