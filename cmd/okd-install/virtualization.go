package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/install/virtualization"
)

func virtualizationCommand(r *root) *cobra.Command {
	return group("virtualization", "Deploy, test and remove what runs virtual machines",
		virtualizationDeploy(r), virtualizationStatus(r), virtualizationTest(r), virtualizationRemove(r))
}

func virtualizationFlags(c *cobra.Command, o *virtualization.Options) {
	kubeconfigFlag(c, &o.Kubeconfig)
	configFlag(c, &o.Config)
}

func configFlag(c *cobra.Command, path *string) {
	c.Flags().StringVar(path, "config", "", "virtualization.yaml to use (default: that of the directory, else what "+
		"fits the cluster)")
}

func virtualizationDeploy(r *root) *cobra.Command {
	var o virtualization.Options
	c := &cobra.Command{Use: "deploy", Short: "Deploy what runs virtual machines",
		Long: "Applies the manifests in virtualization/, or else those that virtualization.yaml gives, or defaults\n" +
			"that fit the cluster; waits until everything works, and proves it with a virtual machine. What is in\n" +
			"the cluster already as it is written is not touched. After a failure or an interruption the same\n" +
			"command goes on. Works with any OKD or OpenShift cluster.",
		Example: "  okd-install virtualization deploy --dir mycluster\n" +
			"  okd-install virtualization deploy --kubeconfig admin.kubeconfig --config virtualization.yaml"}
	r.run(c, r.resume, func(ctx context.Context, env *install.Env) error { return virtualization.Deploy(ctx, env, o) })
	virtualizationFlags(c, &o)
	timeoutFlag(c, &o.Timeout)
	return c
}

func virtualizationStatus(r *root) *cobra.Command {
	var o virtualization.Options
	var form string
	c := &cobra.Command{Use: "status", Short: "Show what of virtualization works, and what holds up the rest",
		Long: "Looks once at what virtualization deploy would deploy, and says for each object whether it is\n" +
			"ready, since when it is not, and why. Changes nothing. Exits 0 whatever the state; -o json has it.",
		Example: "  okd-install virtualization status --dir mycluster\n" +
			"  okd-install virtualization status --kubeconfig admin.kubeconfig -o json"}
	r.run(c, r.look, func(ctx context.Context, env *install.Env) error {
		s, err := virtualization.Status(ctx, env, o)
		if err != nil {
			return err
		}
		if form == "json" {
			return install.WriteJSON(env.Stdout, s)
		}
		return virtualization.WriteStatus(env.Stdout, s)
	})
	virtualizationFlags(c, &o)
	outputFlag(c, "state", &form, "text", "json")
	return c
}

func virtualizationRemove(r *root) *cobra.Command {
	var o virtualization.Options
	c := &cobra.Command{Use: "remove", Short: "Remove what runs virtual machines",
		Long: "Removes what virtualization deploy has made, in reverse order: only objects that carry this installer's\n" +
			"mark, and what the operators' install plans say that they have created. Objects that others have\n" +
			"made stay, without what was set in them. Refuses while there are virtual machines or disks of them,\n" +
			"and when that cannot be found out.",
		Example: "  okd-install virtualization remove --dir mycluster"}
	r.run(c, r.resume, func(ctx context.Context, env *install.Env) error { return virtualization.Remove(ctx, env, o) })
	virtualizationFlags(c, &o)
	c.Flags().DurationVar(&o.Timeout, "timeout", 0, "how long each kind of objects may take to be gone (default: 30m)")
	return c
}
