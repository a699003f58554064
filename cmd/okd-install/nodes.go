package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/install/agent"
	"github.com/okd-install/okd-install/pkg/install/nodes"
)

func nodesCommand(r *root) *cobra.Command {
	return group("nodes", "Add nodes to a cluster that runs, remove and list them",
		nodesAdd(r), nodesRemove(r), nodesList(r))
}

func nodesAdd(r *root) *cobra.Command {
	var o nodes.AddOptions
	c := &cobra.Command{Use: "add", Short: "Make hosts nodes of the cluster",
		Long: "Reads nodes-config.yaml, makes an image, starts the hosts that have a BMC, and VMs, from it, and\n" +
			"follows all hosts until they are Ready nodes, whose certificates it approves. Other hosts are\n" +
			"yours to boot from the image. What is a node already is left alone; the same command goes on\n" +
			"after a failure.",
		Example: "  okd-install nodes add --dir mycluster\n" +
			"  okd-install nodes add --dir more --kubeconfig admin.kubeconfig"}
	r.run(c, r.resume, func(ctx context.Context, env *install.Env) error { return nodes.Add(ctx, env, o) })
	kubeconfigFlag(c, &o.Kubeconfig)
	f := c.Flags()
	hostFlags(f, &o.Media, &o.TakeRunning, &o.Parallel, &o.Program)
	f.BoolVar(&o.NewImage, "new-image", false, "make the image anew although the last one can still be used")
	f.DurationVar(&o.Timeout, "timeout", agent.MonitorTime, "how long the nodes may take to be Ready")
	return c
}

func nodesRemove(r *root) *cobra.Command {
	var o nodes.RemoveOptions
	c := &cobra.Command{Use: "remove NODE...", Short: "Take nodes out of the cluster",
		Long: "Drains the nodes, takes them out of the cluster, and switches their machines off: hosts through\n" +
			"their BMCs, VMs are deleted. PodDisruptionBudgets are respected. What is on the disks of hosts\n" +
			"stays. Nodes of the control plane are refused.",
		Example: "  okd-install nodes remove worker-2 --dir mycluster",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return misused(c, errors.New("name the nodes to remove"))
			}
			return nil
		}}
	c.RunE = func(cmd *cobra.Command, args []string) error {
		env, err := r.resume()
		if err != nil {
			return err
		}
		return nodes.Remove(cmd.Context(), env, args, o)
	}
	kubeconfigFlag(c, &o.Kubeconfig)
	c.Flags().BoolVar(&o.Force, "force", false, "go on if a node cannot be drained, or its machine not be switched off")
	c.Flags().DurationVar(&o.Timeout, "timeout", nodes.DrainTime, "how long the pods of a node may take to leave it")
	return c
}

func nodesList(r *root) *cobra.Command {
	var kubeconfig string
	var form string
	c := &cobra.Command{Use: "list", Short: "List the nodes of the cluster, and hosts that are to join it",
		Long: "Lists the nodes with what the cluster knows of their hosts, and the hosts of nodes-config.yaml\n" +
			"that are no nodes yet.",
		Example: "  okd-install nodes list --dir mycluster\n" +
			"  okd-install nodes list --kubeconfig admin.kubeconfig -o json"}
	r.run(c, r.look, func(ctx context.Context, env *install.Env) error {
		l, err := nodes.List(ctx, env, kubeconfig)
		if err != nil {
			return err
		}
		if form == "json" {
			return install.WriteJSON(env.Stdout, l)
		}
		return l.WriteText(env.Stdout)
	})
	kubeconfigFlag(c, &kubeconfig)
	outputFlag(c, "list", &form, "text", "json")
	return c
}
