// Package clusterbootstrap starts the temporary control plane on the bootstrap
// host, applies the rendered manifests to it, waits until the masters have
// taken over, and stops it again: OKD's `cluster-bootstrap start`.
package clusterbootstrap

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/release/staticpod/clusterconfig"
	"github.com/okd-install/okd-install/pkg/lab/release/staticpod/kube"
)

// Limits of the waits, as OKD's.
const (
	apiLimit    = 20 * time.Minute
	podsLimit   = 20 * time.Minute
	nodesLimit  = 30 * time.Minute
	eventLimit  = 30 * time.Minute
	assetsLimit = 60 * time.Minute
)

// settle is how long the masters' API servers are left in peace before the
// bootstrap's goes away, so that load balancers have seen them. OKD sleeps
// 30 s here; the lab's load balancers look once a second.
const settle = 3 * time.Second

// Options of `cluster-bootstrap start`.
type Options struct {
	AssetDir      string
	ManifestDir   string // of the kubelet
	SecretsDir    string
	RequiredPods  []Pod
	TearDownEarly bool   // before all manifests are applied
	TearDownEvent string // name of an event in kube-system to wait for first
	AssetsLimit   time.Duration

	Clock clock.Clock
	Log   *slog.Logger
}

// Start does the whole sequence. The temporary control plane is taken down
// also when it fails, as OKD does, so that the next attempt starts afresh.
func Start(ctx context.Context, o Options) error {
	cluster, err := clusterconfig.ReadCluster(filepath.Join(o.AssetDir, "manifests", "cluster-config.yaml"))
	if err != nil {
		return err
	}
	if cluster.ControlPlaneReplicas < 1 {
		return errors.New("read cluster config: controlPlane.replicas is not set")
	}
	clients, err := kube.Connect(filepath.Join(o.AssetDir, "auth", "kubeconfig-loopback"), "")
	if err != nil {
		return err
	}
	plane := temporary{Options: o, clients: clients}
	if err := plane.up(); err != nil {
		return err
	}
	err = plane.handOver(ctx, cluster.ControlPlaneReplicas)
	// The control plane must not stay because somebody pressed Ctrl-C.
	downCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	return errors.Join(err, plane.down(downCtx, err == nil))
}

// handOver runs until the masters can do without this host.
func (t *temporary) handOver(ctx context.Context, replicas int) error {
	w := waiter{clients: t.clients, clk: t.Clock, log: t.Log}
	if err := w.api(ctx); err != nil {
		return err
	}
	outer := ctx
	group, ctx := errgroup.WithContext(ctx)
	applied := make(chan struct{})
	group.Go(func() error {
		defer close(applied)
		limit := t.AssetsLimit
		if limit == 0 {
			limit = assetsLimit
		}
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		a, err := newApplier(t.clients, t.Log)
		if err != nil {
			return err
		}
		return a.run(ctx, t.Clock, filepath.Join(t.AssetDir, "manifests"))
	})
	group.Go(func() error {
		if err := w.pods(ctx, t.RequiredPods); err != nil {
			return err
		}
		if replicas >= 3 && len(t.RequiredPods) > 0 {
			if err := w.revisions(ctx); err != nil {
				return err
			}
			if err := t.Clock.Sleep(ctx, settle); err != nil {
				return err
			}
		}
		if err := w.record(ctx, "bootstrap-success", "Required control plane pods have been created"); err != nil {
			return err
		}
		if !t.TearDownEarly {
			t.Log.Info("waiting for the remaining assets to be created")
			select {
			case <-applied:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	if err := group.Wait(); err != nil {
		return err
	}
	if t.TearDownEvent != "" {
		if err := w.event(outer, t.TearDownEvent); err != nil {
			return err
		}
	}
	return w.record(outer, "bootstrap-finished", "Bootstrap process finished")
}
