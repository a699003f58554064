package etcd

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/release/contract"
	"github.com/okd-install/okd-install/pkg/lab/release/staticpod"
	"github.com/okd-install/okd-install/pkg/lab/release/staticpod/clusterconfig"
	"github.com/okd-install/okd-install/pkg/lab/release/staticpod/kube"
)

// Main is cluster-etcd-operator.
func Main(ctx context.Context, args []string) error {
	root := &cobra.Command{Use: "cluster-etcd-operator", Short: "Operator of the cluster's etcd"}
	root.AddCommand(contract.Limit(renderCommand(), "cluster-etcd-operator render"), operatorCommand(),
		staticpod.InstallerCommand(), contract.Limit(waitCommand(), "cluster-etcd-operator wait-for-ceo"))
	return staticpod.Execute(ctx, root, args)
}

// Discover is discover-etcd-initial-cluster, which etcd's pods run first.
func Discover(ctx context.Context, args []string) error {
	d := Discovery{Clock: clock.Real(), Log: staticpod.Logger()}
	c := &cobra.Command{
		Use:   "discover-etcd-initial-cluster",
		Short: "Wait to be a member, then write etcd's configuration",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if d.Name == "" || d.IP == "" {
				return fmt.Errorf("discover etcd cluster: --name and --ip are required")
			}
			return d.Run(c.Context())
		},
	}
	f := c.Flags()
	f.StringVar(&d.Name, "name", "", "name of this member")
	f.StringVar(&d.IP, "ip", "", "address of this member")
	f.StringVar(&d.DataDir, "data-dir", "/var/lib/etcd", "etcd's data directory")
	f.StringVar(&d.ConfigFile, "config-file", "/etc/etcd/etcd.yaml", "file to write")
	f.StringVar(&d.EndpointsFile, "endpoints-file", "", "file with the client URLs of the members")
	f.StringVar(&d.CACert, "cacert", "", "CA bundle of etcd")
	f.StringVar(&d.Cert, "cert", "", "client certificate")
	f.StringVar(&d.Key, "key", "", "key of the client certificate")
	return staticpod.Execute(ctx, c, args)
}

func renderCommand() *cobra.Command {
	in := RenderInput{}
	c := &cobra.Command{
		Use:   "render",
		Short: "Render the bootstrap member and etcd's certificates",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			var err error
			if in.Addresses, err = clusterconfig.LocalAddresses(); err != nil {
				return err
			}
			in.Now = time.Now()
			return Render(in)
		},
	}
	f := c.Flags()
	f.StringVar(&in.OutputDir, "asset-output-dir", "", "directory to write to")
	f.StringVar(&in.ClusterFile, "cluster-configmap-file", "", "ConfigMap cluster-config-v1")
	f.StringVar(&in.EtcdImage, "etcd-image", "", "image of etcd")
	f.StringVar(&in.InfraFile, "infra-config-file", "", "Infrastructure cluster")
	f.StringVar(&in.NetworkFile, "network-config-file", "", "Network cluster")
	for _, name := range []string{"asset-output-dir", "cluster-configmap-file", "etcd-image", "infra-config-file", "network-config-file"} {
		if err := c.MarkFlagRequired(name); err != nil {
			panic(err) // a flag that the lines above define
		}
	}
	return c
}

func operatorCommand() *cobra.Command {
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
			o := NewOperator(k, clock.Real(), os.Getenv("IMAGE"), os.Getenv("OPERATOR_IMAGE"),
				os.Getenv("RELEASE_VERSION"), os.Getenv("OPERAND_IMAGE_VERSION"))
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

// NewOperator puts operator and operand together.
func NewOperator(k *kube.Clients, clk clock.Clock, etcdImage, operatorImage, version, operandVersion string) *staticpod.Operator {
	operand := &Operand{Clients: k, Clock: clk, EtcdImage: etcdImage, OperatorImage: operatorImage}
	o := &staticpod.Operator{
		Component: Component(operatorImage, version, operandVersion),
		Operand:   operand,
		Clients:   k,
		Clock:     clk,
		Log:       staticpod.Logger(),
	}
	operand.Event = o.Event
	return o
}

func waitCommand() *cobra.Command {
	var kubeconfig string
	c := &cobra.Command{
		Use:   "wait-for-ceo",
		Short: "Wait until etcd no longer depends on the bootstrap host",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			k, err := kube.Connect(kubeconfig, "")
			if err != nil {
				return err
			}
			return WaitForCEO(c.Context(), k, clock.Real(), staticpod.Logger())
		},
	}
	c.Flags().StringVar(&kubeconfig, "kubeconfig", "", "kubeconfig of the cluster")
	return c
}
