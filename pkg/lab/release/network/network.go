// Package network is the lab's network operator, which also runs the
// operators of DNS, ingress and console, and the agent that gives a node its
// pod network.
package network

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"

	configv1 "github.com/openshift/api/config/v1"

	"github.com/okd-install/okd-install/data"
	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/release/console"
	"github.com/okd-install/okd-install/pkg/lab/release/ingress"
	"github.com/okd-install/okd-install/pkg/lab/release/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/multicall"
	"github.com/okd-install/okd-install/pkg/lab/release/operand"
)

// Commands are the programs of this package.
func Commands() []multicall.Command {
	return []multicall.Command{
		{Name: "cluster-network-operator", Run: start},
		{Name: "network-node", Run: runAgent},
	}
}

func start(ctx context.Context, args []string) error {
	if len(args) != 1 || args[0] != "start" {
		return fmt.Errorf("unknown arguments %q; the verb is start", args)
	}
	// Outside a pod, as in tests, the variable names a kubeconfig.
	config, err := kube.Config(os.Getenv("KUBECONFIG"))
	if err != nil {
		return err
	}
	client, err := kube.New(config, "cluster-network-operator")
	if err != nil {
		return err
	}
	files, err := fs.Sub(data.Lab(), "operands")
	if err != nil {
		return err
	}
	r := operand.Runner{
		Client:    client,
		Clock:     clock.Real(),
		Log:       slog.New(slog.NewTextHandler(os.Stderr, nil)),
		Files:     files,
		Images:    os.Getenv,
		Version:   os.Getenv("RELEASE_VERSION"),
		Operators: Operators(),
	}
	return r.Run(ctx)
}

// Operators are those of the process, each with its ClusterOperator.
func Operators() []operand.Operator {
	return []operand.Operator{
		{
			Name:      "network",
			Manifests: "network.yaml",
			Workloads: []operand.Workload{{Kind: "DaemonSet", Namespace: "openshift-sdn", Name: "network-node"}},
			After:     publishNetwork,
		},
		{
			Name:      "dns",
			Manifests: "dns.yaml",
			Workloads: []operand.Workload{{Kind: "DaemonSet", Namespace: "openshift-dns", Name: "dns-default"}},
		},
		ingress.Operator(clock.Real()),
		console.Operator(),
		{Name: "config-operator", After: configuration},
	}
}

// configuration names configuration objects that the cluster lacks. What is
// there was created by the installer; there is nothing else to operate.
func configuration(ctx context.Context, client *kube.Client, _ operand.Cluster) (string, error) {
	for _, kind := range []string{"Infrastructure", "Network", "Ingress", "DNS", "FeatureGate", "Proxy"} {
		o, err := client.Get(ctx, configv1.GroupVersion.WithKind(kind), "", "cluster")
		if err != nil {
			return "", err
		}
		if o == nil {
			return "there is no " + kind + " cluster", nil
		}
	}
	return "", nil
}
