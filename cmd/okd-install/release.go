package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/install/releases"
)

func releaseCommand(r *root) *cobra.Command {
	var all bool
	var o releases.Options
	var output string
	list := &cobra.Command{Use: "list", Short: "List the existing releases, the newest first",
		Long: `Lists the stable releases of OKD that the update service knows, or those of one channel.
Needs no install-config; if the directory has one, its pull secret, authorities, mirrors
and proxy are used.`,
		Example: `  okd-install release list
  okd-install release list --channel candidate-5.0 -o json | jq -r '.[0].version'`}
	r.run(list, r.look, func(ctx context.Context, env *install.Env) error {
		return releases.List(ctx, env, o, all, output)
	})
	list.Flags().BoolVar(&all, "all", false, "also candidates, and what only the release repository has")
	info := &cobra.Command{Use: "info [VERSION|PULLSPEC]", Short: "Show what is in a release",
		Args: cobra.MaximumNArgs(1),
		Long: `Shows digest, Kubernetes version, OS images and number of components of a release: of the
one named (as --release names it), else of the one that a command in the directory would
install, else of the newest stable one. With a key its signature is checked, too.`,
		Example: `  okd-install release info 5.0
  okd-install release info quay.io/okd/scos-release:5.0.0-okd-scos.1 --release-key okd.asc -o json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			env, err := r.look()
			if err != nil {
				return err
			}
			name := ""
			if len(args) > 0 {
				name = args[0]
			}
			return releases.Info(cmd.Context(), env, o, name, output)
		}}
	for _, sub := range []*cobra.Command{list, info} {
		outputFlag(sub, "answer", &output, "text", "json")
		sourceFlags(sub, &o)
	}
	keyFlags(info, &o)
	return group("release", "Look at the OKD releases that can be installed", list, info)
}
