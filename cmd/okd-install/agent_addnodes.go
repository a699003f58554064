package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/install/agent"
)

func agentAddNodes(r *root) *cobra.Command {
	var o agent.AddNodesOptions
	c := &cobra.Command{Use: "add-nodes", Short: "Make the ISO from which hosts join a cluster that runs",
		Long: "Writes node.x86_64.iso or node.aarch64.iso for the hosts in nodes-config.yaml, or for the one that\n" +
			"the flags describe. What the hosts need to know is read from the cluster, whoever installed it.\n" +
			"Machines that are not listed are left alone. The image has secrets: keep it like a private key.\n" +
			"It can be used for two days.",
		Example: "  okd-install agent add-nodes --dir mycluster\n" +
			"  okd-install agent add-nodes --kubeconfig admin.kubeconfig --mac-address 52:54:00:00:00:90 \\\n" +
			"    --hostname worker-2 --root-device-hint deviceName:/dev/sda"}
	r.run(c, r.start, func(ctx context.Context, env *install.Env) error { return agent.AddNodes(ctx, env, o) })
	kubeconfigFlag(c, &o.Kubeconfig)
	f := c.Flags()
	f.BoolVarP(&o.PXE, "pxe", "p", false, "write files for booting over the network to boot-artifacts/ instead of an ISO")
	f.StringVarP(&o.Output, "output-name", "o", "", "name of the ISO (default: node.x86_64.iso or node.aarch64.iso)")
	f.StringVar(&o.Program, "agent-binary", "", "file of the okd-install that runs on the hosts, if this one "+
		"is for another system or processor")
	f.StringVarP(&o.Node.MAC, "mac-address", "m", "", "single host: MAC address by which it is recognized; "+
		"nodes-config.yaml is not read then")
	f.StringVar(&o.Node.Hostname, "hostname", "", "single host: its hostname (default: the one from DHCP or DNS)")
	f.Var(choice[string]{&o.Node.Role, []string{"worker", "master"}}, "role", "single host: its role (worker, master)")
	f.StringVarP(&o.Node.Architecture, "cpu-architecture", "c", "", "single host: its processor architecture, as in "+
		"aarch64 (default: that of the control plane)")
	f.StringVarP(&o.Node.SSHKeyFile, "ssh-key-path", "k", "", "single host: file with the public key for its live system "+
		"(default: the keys of the cluster)")
	f.StringVar(&o.Node.RootHint, "root-device-hint", "", "single host: hint for its disk, as in deviceName:/dev/sda")
	f.StringVar(&o.Node.NetworkConfFile, "network-config-path", "", "single host: file with its network configuration in "+
		"the format of nmstate (default: DHCP)")
	return c
}

func agentMonitorAddNodes(r *root) *cobra.Command {
	var o agent.MonitorOptions
	c := &cobra.Command{Use: "monitor-add-nodes [ADDRESS...]", Short: "Follow hosts until they are nodes of the cluster",
		Long: "Says what the checks of the hosts find, what the hosts do, which certificate requests wait for\n" +
			"approval, and when the nodes are Ready. Without addresses it follows all hosts of the last image,\n" +
			"if they have static ones. It can be started at any time.",
		Example: "  okd-install agent monitor-add-nodes --dir mycluster --ip-addresses 192.168.111.90,192.168.111.91\n" +
			"  okd-install agent monitor-add-nodes --dir mycluster --approve-csrs",
		Args: cobra.ArbitraryArgs}
	var list string
	c.RunE = func(cmd *cobra.Command, args []string) error {
		env, err := r.resume()
		if err != nil {
			return err
		}
		if list != "" {
			args = append(args, list)
		}
		o.Addresses = args
		return agent.MonitorAddNodes(cmd.Context(), env, o)
	}
	kubeconfigFlag(c, &o.Kubeconfig)
	c.Flags().StringVar(&list, "ip-addresses", "", "addresses of the hosts, separated by commas")
	c.Flags().BoolVar(&o.Approve, "approve-csrs", false,
		"approve the certificate requests of these nodes (default: say how)")
	c.Flags().DurationVar(&o.Timeout, "timeout", agent.MonitorTime, "how long the nodes may take to be Ready")
	return c
}

func kubeconfigFlag(c *cobra.Command, path *string) {
	c.Flags().StringVar(path, "kubeconfig", "", "kubeconfig of an administrator of the cluster (default: auth/kubeconfig "+
		"in the directory)")
}
