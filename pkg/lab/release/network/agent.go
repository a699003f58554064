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
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/release/kube"
)

// agent gives one node its pod network: the CNI configuration for its own
// pods and routes to those of the other nodes.
type agent struct {
	node   string
	cniDir string // the node's directory of CNI configurations
	routes routes
	egress egress
	log    *slog.Logger
}

// relook bounds how long a route that somebody else removed stays away.
const relook = time.Minute

func runAgent(ctx context.Context, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("unexpected arguments %q", args)
	}
	a := agent{
		node:   os.Getenv("NODE_NAME"),
		cniDir: "/host/cni",
		routes: ipRoutes{},
		egress: nftEgress{pods: strings.Split(os.Getenv("CLUSTER_NETWORKS"), ",")},
		log:    slog.New(slog.NewTextHandler(os.Stderr, nil)),
	}
	if a.node == "" {
		return errors.New("environment variable NODE_NAME is not set")
	}
	// Without forwarding no packet gets from a pod to another node.
	if err := os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1\n"), 0o644); err != nil {
		return fmt.Errorf("enable forwarding: %w", err)
	}
	config, err := kube.Config("")
	if err != nil {
		return err
	}
	config.Timeout = 0 // watches stay open
	set, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("make API client: %w", err)
	}
	return a.run(ctx, set, clock.Real())
}

// run follows the nodes until ctx ends.
func (a agent) run(ctx context.Context, set kubernetes.Interface, clk clock.Clock) error {
	factory := informers.NewSharedInformerFactory(set, 0)
	nodes := factory.Core().V1().Nodes()
	changed := make(chan struct{}, 1)
	poke := func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	_, err := nodes.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(any) { poke() },
		UpdateFunc: func(before, after any) {
			// Nodes report themselves alive all the time; only addresses matter.
			if addressing(before) != addressing(after) {
				poke()
			}
		},
		DeleteFunc: func(any) { poke() },
	})
	if err != nil {
		return fmt.Errorf("watch nodes: %w", err)
	}
	factory.Start(ctx.Done())
	if !cache.WaitForCacheSync(ctx.Done(), nodes.Informer().HasSynced) {
		return nil
	}
	for {
		list, err := nodes.Lister().List(labels.Everything())
		if err != nil {
			return fmt.Errorf("list nodes: %w", err)
		}
		every := relook
		if err := a.sync(ctx, list); err != nil {
			a.log.Error("cannot set up the pod network", "error", err)
			every = 2 * time.Second
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-clk.After(every):
		}
	}
}

func addressing(o any) string {
	n, ok := o.(*corev1.Node)
	if !ok {
		return ""
	}
	return n.Spec.PodCIDR + " " + internalIP(n)
}

// sync makes the node's configuration and routes fit the nodes.
func (a agent) sync(ctx context.Context, nodes []*corev1.Node) error {
	wanted, own := plan(nodes, a.node)
	if own == "" {
		return fmt.Errorf("node %s has no pod network yet; the controller manager gives it one", a.node)
	}
	if err := a.routes.set(ctx, wanted); err != nil {
		return err
	}
	if err := a.egress.set(ctx, own); err != nil {
		return err
	}
	// The configuration comes last: it is what makes the node Ready.
	return a.writeCNI(own)
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
	if err := os.WriteFile(path+".new", data, 0o644); err != nil {
		return fmt.Errorf("write CNI configuration: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("publish CNI configuration: %w", err)
	}
	a.log.Info("pod network is set up", "node", a.node, "pods", podCIDR)
	return nil
}
