package network

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/dynamic"

	"github.com/okd-install/okd-install/pkg/atomicfile"
	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/contract"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
)

// agent gives one node its pod network: CNI configuration and routes.
type agent struct {
	node   string
	cniDir string // the node's directory of the default network's CNI configuration
	routes func(wanted []route) error
	egress func(ctx context.Context, own string) error
	log    *slog.Logger
}

// relook bounds how long a route that somebody else removed stays away.
const relook = time.Minute

func runAgent(ctx context.Context, args []string) error {
	if err := contract.Parse(contract.Flags("network-node"), args); err != nil {
		return err
	}
	pods := strings.Split(os.Getenv("CLUSTER_NETWORKS"), ",")
	egress := func(ctx context.Context, own string) error { return setEgress(ctx, own, pods) }
	a := agent{
		node: os.Getenv("NODE_NAME"), cniDir: "/host/cni", routes: setRoutes, egress: egress, log: program.Logger(),
	}
	if a.node == "" {
		return errors.New("environment variable NODE_NAME is not set")
	}
	// Without forwarding no packet gets from a pod to another node.
	if err := os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1\n"), 0o644); err != nil {
		return fmt.Errorf("enable forwarding: %w", err)
	}
	client, err := api.Connect("network-node", "")
	if err != nil {
		return err
	}
	follower, err := client.Watcher()
	if err != nil {
		return err
	}
	return a.run(ctx, follower, clock.Real())
}

// run follows the nodes until ctx ends.
func (a agent) run(ctx context.Context, client dynamic.Interface, clk clock.Clock) error {
	// Nodes report themselves alive all the time; only addresses matter.
	moved := func(before, after any) bool { return addressing(before) != addressing(after) }
	return api.Follow(ctx, client, clk, []kube.Kind{kube.Nodes}, moved, func(lists [][]any) time.Duration {
		if err := a.sync(ctx, lists[0]); err != nil {
			a.log.Error("cannot set up the pod network", "error", err)
			return 2 * time.Second
		}
		return relook
	})
}

func addressing(o any) string {
	n, err := api.Decoded[corev1.Node](o)
	if err != nil {
		return err.Error()
	}
	return n.Spec.PodCIDR + " " + api.NodeAddress(&n)
}

// sync makes the node's configuration and routes fit the nodes.
func (a agent) sync(ctx context.Context, objects []any) error {
	var nodes []corev1.Node
	for _, o := range objects {
		n, err := api.Decoded[corev1.Node](o)
		if err != nil {
			return err
		}
		nodes = append(nodes, n)
	}
	wanted, own := plan(nodes, a.node)
	if own == "" {
		return fmt.Errorf("node %s has no pod network yet; the controller manager gives it one", a.node)
	}
	if err := a.routes(wanted); err != nil {
		return err
	}
	if err := a.egress(ctx, own); err != nil {
		return err
	}
	// The configuration comes last: with it multus makes the node Ready.
	return a.writeCNI(own)
}

// cniConfig is the node's CNI configuration: a bridge, addresses from the node's
// own network, host ports. Pods keep their addresses on the way to other nodes,
// which know them by their routes.
func cniConfig(podCIDR string) ([]byte, error) {
	return program.FillFile(files, "cni.conflist.tmpl", podCIDR)
}

func (a agent) writeCNI(podCIDR string) error {
	data, err := cniConfig(podCIDR)
	if err != nil {
		return err
	}
	path := filepath.Join(a.cniDir, "10-okd-lab.conflist")
	if old, err := os.ReadFile(path); err == nil && string(old) == string(data) {
		return nil
	}
	if err := atomicfile.Write(path, data, 0o644); err != nil {
		return fmt.Errorf("write CNI configuration: %w", err)
	}
	a.log.Info("pod network is set up", "node", a.node, "pods", podCIDR)
	return nil
}
