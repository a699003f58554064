// Package clusterbootstrap is OKD's cluster-bootstrap: it starts the temporary
// control plane, applies the rendered manifests, waits until the masters have taken
// over, and stops it again.
package clusterbootstrap

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/release/clusterconfig"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
	"github.com/okd-install/okd-install/pkg/wait"
)

// Limits of the waits, as OKD's.
const (
	apiLimit    = 20 * time.Minute
	podsLimit   = 20 * time.Minute
	nodesLimit  = 30 * time.Minute
	eventLimit  = 30 * time.Minute
	assetsLimit = 60 * time.Minute
)

// settle is for load balancers to see the masters' API servers. OKD sleeps 30 s
// here; the lab's load balancers look once a second.
const settle = 3 * time.Second

// options of `cluster-bootstrap start`.
type options struct {
	assetDir      string
	manifestDir   string // of the kubelet
	secretsDir    string
	requiredPods  []requiredPod
	tearDownEarly bool   // before all manifests are applied
	tearDownEvent string // name of an event in kube-system to wait for first
	assetsLimit   time.Duration

	clock clock.Clock
	log   *slog.Logger
}

// start does the whole sequence. The control plane is taken down also on failure,
// as OKD does, so that the next attempt starts afresh.
func start(ctx context.Context, o options) error {
	cluster, err := clusterconfig.ReadCluster(filepath.Join(o.assetDir, "manifests", "cluster-config.yaml"))
	if err != nil {
		return err
	}
	if cluster.ControlPlaneReplicas < 1 {
		return errors.New("read cluster config: controlPlane.replicas is not set")
	}
	client, err := api.Connect("cluster-bootstrap", filepath.Join(o.assetDir, "auth", "kubeconfig-loopback"))
	if err != nil {
		return err
	}
	plane := temporary{options: o, client: client}
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
	if err := t.waitForAPI(ctx); err != nil {
		return err
	}
	outer := ctx
	group, ctx := errgroup.WithContext(ctx)
	applied := make(chan struct{})
	group.Go(func() error {
		defer close(applied)
		ctx, cancel := context.WithTimeout(ctx, t.assetsLimit)
		defer cancel()
		return apply(ctx, t.client, t.clock, t.log, filepath.Join(t.assetDir, "manifests"))
	})
	group.Go(func() error {
		if err := t.waitForPods(ctx); err != nil {
			return err
		}
		if replicas >= 3 && len(t.requiredPods) > 0 {
			if err := t.waitForRevisions(ctx); err != nil {
				return err
			}
			if err := t.clock.Sleep(ctx, settle); err != nil {
				return err
			}
		}
		if err := t.record(ctx, "bootstrap-success", "Required control plane pods have been created"); err != nil {
			return err
		}
		if !t.tearDownEarly {
			t.log.Info("waiting for the remaining assets to be created")
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
	if t.tearDownEvent != "" {
		if err := t.waitForEvent(outer); err != nil {
			return err
		}
	}
	return t.record(outer, "bootstrap-finished", "Bootstrap process finished")
}

// apply creates the objects of a directory in passes and changes none that exists.
func apply(ctx context.Context, c *api.Client, clk clock.Clock, log *slog.Logger, dir string) error {
	files, err := api.ReadFiles(dir)
	if err != nil {
		return err
	}
	todo, err := api.Manifests(files)
	if err == nil && len(todo) == 0 {
		err = errors.New("there is no manifest")
	}
	if err != nil {
		return fmt.Errorf("read manifests of %s: %w", dir, err)
	}
	log.Info("applying manifests", "objects", len(todo))
	news := program.News{Log: log}
	err = wait.Until(ctx, clk, 200*time.Millisecond, func(ctx context.Context) (bool, string, error) {
		var causes []error
		if todo, causes = api.Pass(ctx, todo, c.CreateWithStatus); len(todo) == 0 {
			return true, "", nil
		}
		why := fmt.Sprintf("%d objects not created; first: %v", len(todo), causes[0])
		news.Say("manifests", why)
		return false, why, nil
	})
	if err != nil {
		return fmt.Errorf("apply manifests: %w", err)
	}
	log.Info("all manifests applied")
	return nil
}
