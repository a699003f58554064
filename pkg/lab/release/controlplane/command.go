package controlplane

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/release/contract"
	"github.com/okd-install/okd-install/pkg/lab/release/staticpod"
	"github.com/okd-install/okd-install/pkg/lab/release/staticpod/clusterconfig"
	"github.com/okd-install/okd-install/pkg/lab/release/staticpod/kube"
)

// build makes a component and its operand.
type build func(k *kube.Clients, clk clock.Clock, i Images, v Versions) (staticpod.Component, staticpod.Operand)

func buildAPIServer(k *kube.Clients, clk clock.Clock, i Images, v Versions) (staticpod.Component, staticpod.Operand) {
	return APIServer(i, v), &APIServerOperand{Clients: k, Clock: clk, Image: i.Hyperkube, Endpoints: "etcd-endpoints"}
}

func buildControllers(k *kube.Clients, _ clock.Clock, i Images, v Versions) (staticpod.Component, staticpod.Operand) {
	return ControllerManager(i, v), ControllerManagerOperand(k, i.Hyperkube)
}

func buildScheduler(k *kube.Clients, _ clock.Clock, i Images, v Versions) (staticpod.Component, staticpod.Operand) {
	return Scheduler(i, v), SchedulerOperand(k, i.Hyperkube)
}

// APIServerMain is cluster-kube-apiserver-operator.
func APIServerMain(ctx context.Context, args []string) error {
	return execute(ctx, args, "cluster-kube-apiserver-operator", apiServerRender(), buildAPIServer)
}

// ControllerManagerMain is cluster-kube-controller-manager-operator.
func ControllerManagerMain(ctx context.Context, args []string) error {
	return execute(ctx, args, "cluster-kube-controller-manager-operator", controllersRender(), buildControllers)
}

// SchedulerMain is cluster-kube-scheduler-operator.
func SchedulerMain(ctx context.Context, args []string) error {
	return execute(ctx, args, "cluster-kube-scheduler-operator", schedulerRender(), buildScheduler)
}

func execute(ctx context.Context, args []string, name string, render *cobra.Command, b build) error {
	root := &cobra.Command{Use: name, Short: "Operator of a control plane component"}
	root.AddCommand(contract.Limit(render, name+" render"), operatorCommand(b), staticpod.InstallerCommand())
	return staticpod.Execute(ctx, root, args)
}

func operatorCommand(b build) *cobra.Command {
	var conn staticpod.Connection
	c := &cobra.Command{
		Use:   "operator",
		Short: "Run the operator",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			k, err := kube.Connect(conn.Kubeconfig, conn.ServerFrom)
			if err != nil {
				return err
			}
			clk := clock.Real()
			component, operand := b(k, clk,
				Images{Hyperkube: os.Getenv("IMAGE"), Operator: os.Getenv("OPERATOR_IMAGE")},
				Versions{Release: os.Getenv("RELEASE_VERSION"), Operand: os.Getenv("OPERAND_IMAGE_VERSION")})
			o := &staticpod.Operator{Component: component, Operand: operand, Clients: k, Clock: clk, Log: staticpod.Logger()}
			host, err := os.Hostname()
			if err != nil {
				return fmt.Errorf("read host name: %w", err)
			}
			return o.Lead(c.Context(), fmt.Sprintf("%s_%d", host, os.Getpid()))
		},
	}
	conn.Register(c)
	return c
}

// common are the flags that two or three renderers share.
func common(c *cobra.Command, in *RenderInput) {
	f := c.Flags()
	f.StringVar(&in.InputDir, "asset-input-dir", "", "the installer's tls directory")
	f.StringVar(&in.OutputDir, "asset-output-dir", "", "directory to write to")
	f.StringVar(&in.ConfigFile, "config-output-file", "", "configuration file to write")
	f.StringVar(&in.Image, "manifest-image", "", "image of the component")
	required(c, "asset-input-dir", "asset-output-dir", "config-output-file", "manifest-image")
}

// unused accepts flags whose values the lab's components have no use for.
func unused(c *cobra.Command, names ...string) {
	for _, n := range names {
		c.Flags().String(n, "", "accepted; has no effect in the lab release")
	}
}

func required(c *cobra.Command, names ...string) {
	for _, n := range names {
		if err := c.MarkFlagRequired(n); err != nil {
			panic(err) // a flag that the caller has just defined
		}
	}
}

func renderCommand(in *RenderInput, run func(RenderInput) error) *cobra.Command {
	return &cobra.Command{
		Use:   "render",
		Short: "Render the component of the bootstrap host and the inputs of the masters'",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			var err error
			if in.Addresses, err = clusterconfig.LocalAddresses(); err != nil {
				return err
			}
			return run(*in)
		},
	}
}

func apiServerRender() *cobra.Command {
	in := &RenderInput{}
	c := renderCommand(in, RenderAPIServer)
	common(c, in)
	f := c.Flags()
	f.StringVar(&in.EtcdCA, "manifest-etcd-serving-ca", "etcd-ca-bundle.crt", "etcd's CA bundle, a file of --asset-input-dir")
	f.StringVar(&in.EtcdURLs, "manifest-etcd-server-urls", "https://localhost:2379", "etcd's client URLs")
	f.StringVar(&in.NetworkFile, "cluster-config-file", "", "Network cluster")
	f.StringVar(&in.ManifestsDir, "rendered-manifest-files", "", "directory of the rendered manifests")
	unused(c, "manifest-operator-image", "cluster-auth-file", "infra-config-file", "payload-version", "operand-kubernetes-version")
	required(c, "cluster-config-file", "operand-kubernetes-version")
	return c
}

func controllersRender() *cobra.Command {
	in := &RenderInput{}
	c := renderCommand(in, RenderControllerManager)
	common(c, in)
	c.Flags().StringVar(&in.NetworkFile, "cluster-config-file", "", "Network cluster")
	c.Flags().StringVar(&in.PolicyConfigFile, "cpc-config-output-file", "", "configuration file of the cluster policy controller to write")
	unused(c, "cluster-policy-controller-image", "rendered-manifest-files", "payload-version")
	required(c, "cluster-config-file")
	return c
}

func schedulerRender() *cobra.Command {
	in := &RenderInput{}
	c := renderCommand(in, RenderScheduler)
	common(c, in)
	unused(c, "cluster-config-file", "rendered-manifest-files", "payload-version")
	return c
}
