package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/install/virtualization"
	"github.com/okd-install/okd-install/pkg/virtualization/proof"
)

// virtualizationTest is the command virtualization test.
func virtualizationTest(r *root) *cobra.Command {
	var o virtualization.TestOptions
	c := &cobra.Command{Use: "test", Short: "Prove that the cluster runs virtual machines",
		Long: "Looks at the parts of KubeVirt, boots a VM in a namespace of its own, reads its console, makes a\n" +
			"disk, migrates the VM to another node and connects to it from a pod. What cannot be done is skipped,\n" +
			"and the report says why. The namespace is removed at the end; what a killed run has left, too.\n" +
			"Works with any cluster that has KubeVirt.",
		Example: "  okd-install virtualization test --dir mycluster\n" +
			"  okd-install virtualization test --kubeconfig admin.kubeconfig --report report.xml"}
	r.run(c, r.resume, func(ctx context.Context, env *install.Env) error { return virtualization.Test(ctx, env, o) })
	c.PreRunE = func(*cobra.Command, []string) error {
		for _, name := range o.Without {
			if !slices.Contains(proof.Optional(), name) {
				return misused(c, fmt.Errorf("invalid --without %q: choose %s", name, alternatives(proof.Optional())))
			}
		}
		return nil
	}
	kubeconfigFlag(c, &o.Kubeconfig)
	configFlag(c, &o.Config)
	outputFlag(c, "report", &o.Form, proof.Text, proof.JSON, proof.JUnit)
	f := c.Flags()
	f.StringVar(&o.Report, "report", "", "file to which the report is written as well, as JUnit's XML if its name ends "+
		"in .xml, JSON if in .json, else text")
	f.StringVar(&o.Image, "image", "", "container disk that the VM boots (default: that of virtualization.yaml, else "+
		proof.DefaultImage+")")
	f.StringVar(&o.Memory, "memory", "", "memory of the guest (default: 1Gi)")
	f.IntVar(&o.Port, "guest-port", 0, "TCP port on which the guest answers (default: 22 or 80)")
	f.StringVar(&o.ProbeImage, "probe-image", "", "image with bash for the pod that connects to the guest (default: that "+
		"of virt-launcher)")
	f.StringVar(&o.StorageClass, "storage-class", "", "StorageClass of the disk (default: the cluster's default for VMs)")
	f.StringSliceVar(&o.Without, "without", nil, "checks to leave out ("+strings.Join(proof.Optional(), ", ")+")")
	f.DurationVar(&o.Timeout, "timeout", 0, "how long the VM may take to start, and its guest to give a sign of life "+
		"(default: that of virtualization.yaml, else 5m, and 15m where software emulates the processor)")
	return c
}
