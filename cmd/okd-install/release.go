package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/install/releases"
)

func releaseCommand(r *root) *cobra.Command {
	c := &cobra.Command{Use: "release", Short: "Look at the OKD releases that can be installed", Args: noArguments,
		RunE: help}
	var all bool
	var o releases.Options
	var output string
	list := &cobra.Command{Use: "list", Short: "List the releases that there are, the newest first", Args: noArguments,
		Long: `Lists the stable releases of OKD that the update service knows, or those of one channel.
Needs no install-config; one in the directory lends its pull secret, authorities, mirrors
and proxy.`,
		Example: `  okd-install release list
  okd-install release list --channel candidate-5.0 -o json | jq -r '.[0].version'`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			env, err := r.lookAs(cmd, output)
			if err != nil {
				return err
			}
			return releases.List(cmd.Context(), env, o, all, output)
		}}
	list.Flags().BoolVar(&all, "all", false, "also candidates, and what only the release repository has")
	info := &cobra.Command{Use: "info [VERSION|PULLSPEC]", Short: "Show what is in a release",
		Args: cobra.MaximumNArgs(1),
		Long: `Shows digest, Kubernetes version, OS images and number of components of a release: of the
one named (as --release names it), else of that which a command in the directory would
install, else of the newest stable one. With a key its signature is checked, too.`,
		Example: `  okd-install release info 5.0
  okd-install release info quay.io/okd/scos-release:5.0.0-okd-scos.1 --release-key okd.asc -o json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			env, err := r.lookAs(cmd, output)
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
		sub.Flags().StringVarP(&output, "output", "o", "text", "form of the answer (text, json)")
		sourceFlags(sub, &o)
		c.AddCommand(sub)
	}
	keyFlags(info, &o)
	return c
}

// lookAs is look for an answer in text or JSON.
func (r *root) lookAs(c *cobra.Command, output string) (*install.Env, error) {
	if !slices.Contains([]string{"text", "json"}, output) {
		return nil, misused(c, fmt.Errorf("invalid --output %q: choose text or json", output))
	}
	return r.look()
}

// releaseFlags say which release is installed.
func releaseFlags(c *cobra.Command, o *releases.Options) {
	c.Flags().StringVar(&o.Want, "release", "", "OKD release to install: a version as in 5.0 or 5.0.0-okd-scos.1, "+
		"latest, or a pull spec (default: the one chosen before, else the one built in)")
	sourceFlags(c, o)
	keyFlags(c, o)
}

// sourceFlags say where releases are looked for.
func sourceFlags(c *cobra.Command, o *releases.Options) {
	c.Flags().StringVar(&o.Channel, "channel", "", "channel of the update service to choose from, as in "+
		"candidate-5.0 (default: the stable ones)")
	c.Flags().StringVar(&o.UpdateService, "update-service", "", "URL of the update service's graph (default: "+
		"OKD_INSTALL_UPDATE_SERVICE, else OKD's own)")
	c.Flags().StringVar(&o.Repository, "release-repository", "", "repository of release images (default: "+
		"OKD_INSTALL_RELEASE_REPOSITORY, else OKD's own)")
}

// keyFlags say who may have signed a release.
func keyFlags(c *cobra.Command, o *releases.Options) {
	c.Flags().StringVar(&o.Key, "release-key", "", "file with the OpenPGP public keys of those who may sign "+
		"releases (default: OKD_INSTALL_RELEASE_KEY, else release-key.asc in the directory)")
	c.Flags().StringVar(&o.SignatureStore, "signature-store", "", "URL below which signatures are (default: "+
		"OKD_INSTALL_SIGNATURE_STORE, else that of OKD's releases)")
}

var errEmptyRelease = errors.New("--release is empty: name a version, latest or a pull spec, or leave it out")

// checkRelease refuses an empty name, which a script makes of an unset variable.
func checkRelease(c *cobra.Command, o releases.Options) error {
	if c.Flags().Changed("release") && o.Want == "" {
		return misused(c, errEmptyRelease)
	}
	return nil
}
