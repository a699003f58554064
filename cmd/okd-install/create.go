package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/okd-install/okd-install/pkg/install"
)

func createCommand(r *root) *cobra.Command {
	c := &cobra.Command{Use: "create", Short: "Create part of an OKD cluster, or all of it", Args: cobra.NoArgs, RunE: help}
	target := func(use, short string, do func(*install.App, context.Context) error, more ...func(*cobra.Command, *install.Options)) {
		var o install.Options
		t := &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
			app, err := r.start(o)
			if err != nil {
				return err
			}
			return do(app, cmd.Context())
		}}
		editedFlags(t, &o)
		for _, m := range more {
			m(t, &o)
		}
		c.AddCommand(t)
	}
	target("install-config", "Write install-config.yaml", (*install.App).CreateInstallConfig)
	target("manifests", "Write the Kubernetes manifests", (*install.App).CreateManifests)
	target("ignition-configs", "Write the Ignition configs", (*install.App).CreateIgnitionConfigs)
	target("cluster", "Create the cluster, or go on with it", (*install.App).CreateCluster, runFlags,
		func(t *cobra.Command, o *install.Options) {
			t.Flags().StringSliceVar(&o.Skip, "skip", nil, "phases to leave out")
			t.Flags().BoolVar(&o.SkipPasswordPrint, "skip-password-print", false, "do not print the kubeadmin password")
		})
	return c
}

// runFlags are those of commands that wait for the world.
func runFlags(t *cobra.Command, o *install.Options) {
	t.Flags().DurationVar(&o.Timeout, "timeout", 0, "how long a phase may go on without any progress (default: each phase's own)")
}

func waitForCommand(r *root) *cobra.Command {
	c := &cobra.Command{Use: "wait-for", Short: "Wait for a step of an installation", Args: cobra.NoArgs, RunE: help}
	for use, do := range map[string]func(*install.App, context.Context) error{
		"bootstrap-complete": (*install.App).WaitForBootstrap,
		"install-complete":   (*install.App).WaitForInstall,
	} {
		var o install.Options
		t := &cobra.Command{Use: use, Short: "Wait until " + use, Args: cobra.NoArgs}
		runFlags(t, &o)
		t.RunE = func(cmd *cobra.Command, _ []string) error {
			app, err := r.start(o)
			if err != nil {
				return err
			}
			return do(app, cmd.Context())
		}
		c.AddCommand(t)
	}
	return c
}

func destroyCommand(r *root) *cobra.Command {
	c := &cobra.Command{Use: "destroy", Short: "Destroy a cluster, or its bootstrap host", Args: cobra.NoArgs, RunE: help}
	var infraID string
	cluster := &cobra.Command{Use: "cluster", Short: "Destroy everything that belongs to the cluster", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			app, err := r.start(install.Options{})
			if err != nil {
				return err
			}
			return app.DestroyCluster(cmd.Context(), infraID)
		}}
	cluster.Flags().StringVar(&infraID, "infra-id", "", "destroy the cluster of this infrastructure id (default: from metadata.json or the state)")
	bootstrap := &cobra.Command{Use: "bootstrap", Short: "Destroy the bootstrap host", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			app, err := r.start(install.Options{})
			if err != nil {
				return err
			}
			return app.DestroyBootstrap(cmd.Context())
		}}
	c.AddCommand(cluster, bootstrap)
	return c
}

func gatherCommand(r *root) *cobra.Command {
	c := &cobra.Command{Use: "gather", Short: "Gather what helps to find out why an installation failed", Args: cobra.NoArgs, RunE: help}
	var o install.GatherOptions
	b := &cobra.Command{Use: "bootstrap", Short: "Collect logs of the bootstrap host and the masters", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			app, err := r.start(install.Options{})
			if err != nil {
				return err
			}
			return app.GatherBootstrap(cmd.Context(), o)
		}}
	b.Flags().StringVar(&o.Bootstrap, "bootstrap", "", "address of the bootstrap host")
	b.Flags().StringArrayVar(&o.Masters, "master", nil, "address of a master (may be repeated)")
	b.Flags().StringArrayVar(&o.Keys, "key", nil, "file with an SSH private key (may be repeated)")
	b.Flags().BoolVar(&o.SkipAnalysis, "skipAnalysis", false, "do not analyze the bundle")
	c.AddCommand(b)
	return c
}
