package etcd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/clusterconfig"
	"github.com/okd-install/okd-install/pkg/lab/release/contract"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
	"github.com/okd-install/okd-install/pkg/lab/release/staticpod"
)

const name = "cluster-etcd-operator"

// Commands are the programs of this package.
func Commands() []program.Command {
	return []program.Command{
		program.Verbs(name,
			program.Command{Name: "render", Run: render},
			staticpod.Command(name, NewOperator),
			staticpod.InstallerCommand(),
			program.Command{Name: "wait-for-ceo", Run: waitForCEO},
		),
		{Name: "discover-etcd-initial-cluster", Run: discover},
	}
}

// NewOperator is the operator of etcd's static pods.
func NewOperator(c *api.Client, clk clock.Clock, i staticpod.Images) *staticpod.Operator {
	operand := &operand{client: c, clock: clk, images: i}
	o := staticpod.New(c, clk, i, operand.prepare, staticpod.Component{
		Name: "etcd", Pod: "etcd", Resource: kube.Etcds, Kind: "Etcd", Arbiters: true,
		CertConfigMaps: []string{bundle, memberList}, CertSecrets: []string{allCerts},
	})
	operand.event = o.Event
	return o
}

// discover is discover-etcd-initial-cluster, which etcd's pods run first.
func discover(ctx context.Context, args []string) error {
	d := discovery{clock: clock.Real(), log: program.Logger()}
	f := contract.Flags("discover-etcd-initial-cluster")
	f.StringVar(&d.name, "name", "", "name of this member")
	f.StringVar(&d.ip, "ip", "", "address of this member")
	f.StringVar(&d.dataDir, "data-dir", "/var/lib/etcd", "etcd's data directory")
	f.StringVar(&d.configFile, "config-file", "/etc/etcd/etcd.yaml", "file to write")
	f.StringVar(&d.endpointsFile, "endpoints-file", "", "file with the client URLs of the members")
	f.StringVar(&d.caCert, "cacert", "", "CA bundle of etcd")
	f.StringVar(&d.cert, "cert", "", "client certificate")
	f.StringVar(&d.key, "key", "", "key of the client certificate")
	if err := contract.Parse(f, args, "name", "ip"); err != nil {
		return err
	}
	return d.run(ctx)
}

func render(_ context.Context, args []string) error {
	var in RenderInput
	f := contract.Flags(name + " render")
	f.StringVar(&in.OutputDir, "asset-output-dir", "", "directory to write to")
	f.StringVar(&in.ClusterFile, "cluster-configmap-file", "", "ConfigMap cluster-config-v1")
	f.StringVar(&in.EtcdImage, "etcd-image", "", "image of etcd")
	f.StringVar(&in.Marker, "delayed-ha-bootstrap-scaling-marker-file", DelayedMarker,
		"file of a bootstrap host that becomes a node")
	f.StringVar(&in.InfraFile, "infra-config-file", "", "Infrastructure cluster")
	f.StringVar(&in.NetworkFile, "network-config-file", "", "Network cluster")
	err := contract.Parse(f, args,
		"asset-output-dir", "cluster-configmap-file", "etcd-image", "infra-config-file", "network-config-file")
	if err != nil {
		return err
	}
	if in.Addresses, err = clusterconfig.LocalAddresses(); err != nil {
		return err
	}
	in.Now = time.Now()
	return Render(in)
}

func waitForCEO(ctx context.Context, args []string) error {
	f := contract.Flags(name + " wait-for-ceo")
	kubeconfig := f.String("kubeconfig", "", "kubeconfig of the cluster")
	if err := contract.Parse(f, args); err != nil {
		return err
	}
	c, err := api.Connect(name, *kubeconfig)
	if err != nil {
		return err
	}
	return WaitForCEO(ctx, c, clock.Real(), program.Logger())
}

// WaitForCEO returns when etcd no longer depends on the bootstrap host. As in OKD
// there is no time limit: giving up early would cost the cluster its quorum.
func WaitForCEO(ctx context.Context, c *api.Client, clk clock.Clock, log *slog.Logger) error {
	look := func(ctx context.Context) error {
		var r staticpod.Resource
		if err := c.Get(ctx, kube.Etcds.Ref("", "cluster"), &r); err != nil {
			return err
		}
		for _, c := range r.Status.Conditions {
			switch {
			case c.Type != runningInCluster:
			case c.Status == "True":
				return nil
			default:
				return errors.New(c.Message)
			}
		}
		return fmt.Errorf("etcds/cluster has no condition %s yet", runningInCluster)
	}
	return program.Wait(ctx, clk, log, "etcd to run in the cluster", time.Second, look)
}
