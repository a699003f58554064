package main

import (
	"io"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/okd-install/okd-install/pkg/lab/center"
	"github.com/okd-install/okd-install/pkg/lab/daemon"
	"github.com/okd-install/okd-install/pkg/lab/engine"
	"github.com/okd-install/okd-install/pkg/lab/engine/fault"
	"github.com/okd-install/okd-install/pkg/lab/site"
)

func installConfigCommand(o *options) *cobra.Command {
	size := center.ClusterSize{}
	c := o.command("install-config", "Print an install-config.yaml that fits the lab",
		cobra.NoArgs, func(c *cobra.Command, s site.Site, _ []string) error {
			st, err := daemon.Dial(s).Status(c.Context())
			if err != nil {
				return err
			}
			rack, err := hosts(c, s)
			if err != nil {
				return err
			}
			b, err := center.InstallConfig(s, st.Objects, rack, size)
			if err != nil {
				return err
			}
			_, err = c.OutOrStdout().Write(b)
			return err
		})
	c.Flags().StringVar(&size.Platform, "platform", "ovirt",
		"ovirt; baremetal for hosts that boot an image; none for machines that you make yourself")
	c.Flags().StringVar(&size.Name, "name", "demo",
		"name of the cluster: demo, second, third or fourth; any on none")
	c.Flags().IntVar(&size.Masters, "masters", 3, "control plane machines")
	c.Flags().IntVar(&size.Arbiters, "arbiters", 0, "arbiters, beside two masters on baremetal")
	c.Flags().IntVar(&size.Workers, "workers", 2, "worker machines")
	return c
}

// virtualizationConfig is for machines that have no /dev/kvm, as all of the lab.
const virtualizationConfig = `apiVersion: virtualization.okd-install.io/v1alpha1
kind: Virtualization
smokeTest:
  allowEmulation: true
`

func virtualizationConfigCommand(o *options) *cobra.Command {
	return o.command("virtualization-config", "Print a virtualization.yaml that fits the lab's machines",
		cobra.NoArgs, func(c *cobra.Command, _ site.Site, _ []string) error {
			_, err := io.WriteString(c.OutOrStdout(), virtualizationConfig)
			return err
		})
}

func agentConfigCommand(o *options) *cobra.Command {
	size := center.ClusterSize{}
	c := o.command("agent-config", "Print an agent-config.yaml with static addresses for hosts in the lab",
		cobra.NoArgs, func(c *cobra.Command, _ site.Site, _ []string) error {
			b, err := center.AgentConfig(size)
			if err != nil {
				return err
			}
			_, err = c.OutOrStdout().Write(b)
			return err
		})
	c.Flags().StringVar(&size.Name, "name", "demo", "name of the cluster")
	c.Flags().IntVar(&size.Masters, "masters", 3, "control plane hosts")
	c.Flags().IntVar(&size.Arbiters, "arbiters", 0, "arbiters, beside two masters")
	c.Flags().IntVar(&size.Workers, "workers", 0, "worker hosts")
	return c
}

func faultCommand(o *options) *cobra.Command {
	c := &cobra.Command{
		Use:   "fault",
		Short: "Make the engine and the services misbehave",
	}
	var f engine.Fault
	var kind string
	add := o.command("add", "Inject a fault into the engine",
		cobra.NoArgs, func(c *cobra.Command, s site.Site, _ []string) error {
			f.Kind = fault.Kind(kind)
			return ask(c, s, http.MethodPost, "/engine/faults", f)
		})
	add.Example = `  okd-lab fault add --method POST --path /vms --status 503 --count 2
  okd-lab fault add --kind slow-transfer --path '/images/**' --bytes-per-second 1000000
  okd-lab fault add --kind no-boot --path 'demo-*-master-1' --count -1
  okd-lab fault add --kind ignore-search --path '/**' --count -1`
	flags := add.Flags()
	flags.StringVar(&kind, "kind", "request", "request, lost, drop, slow-transfer, no-boot or ignore-search")
	flags.StringVar(&f.Method, "method", "", "HTTP method (default: any)")
	flags.StringVar(&f.Path, "path", "", "URL path, with * and **; for no-boot the VM's name")
	flags.IntVar(&f.Status, "status", 0, "HTTP status to answer; 0 only delays")
	flags.StringVar(&f.Reason, "reason", "", "reason in the answer")
	flags.StringVar(&f.Detail, "detail", "", "detail in the answer")
	flags.IntVar(&f.Count, "count", 1, "how often; -1 until cleared")
	flags.IntVar(&f.After, "after", 0, "how many matching requests pass first")
	flags.DurationVar(&f.Delay, "delay", 0, "delay before the answer")
	flags.Int64Var(&f.BytesPerSecond, "bytes-per-second", 0, "speed of slow transfers")
	_ = add.MarkFlagRequired("path")
	c.AddCommand(add,
		o.request("list", "List the engine's faults", cobra.NoArgs, http.MethodGet, "/engine/faults"),
		o.request("clear [ID]", "Clear one fault, or all, of the engine", cobra.MaximumNArgs(1),
			http.MethodDelete, "/engine/faults"),
		o.request("service registry|images|updates|quay.io|… on|off, or signatures good|forged",
			"Cut a service off, or bring it back; sign releases with another key", cobra.ExactArgs(2),
			http.MethodPost, "/services"),
		o.request("expire-sessions", "End all login sessions of the engine", cobra.NoArgs,
			http.MethodPost, "/engine/expire"))
	return c
}
