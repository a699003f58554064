package cvo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/release/kube"
)

// Namespace and lock of the operator, as OKD's: the operator on the bootstrap
// host and the one on a master hand over through it.
const (
	namespace = "openshift-cluster-version"
	lockName  = "version"
)

// start runs the operator until ctx ends or another one takes over.
func start(ctx context.Context, root string, args []string) error {
	f := flags("start")
	image := f.String("release-image", os.Getenv("RELEASE_IMAGE"), "pull spec of the release")
	kubeconfig := f.String("kubeconfig", "", "kubeconfig; without it the pod's service account")
	f.StringVar(&root, "root", root, "where the release image's files are")
	f.Bool("enable-auto-update", false, "accepted; nothing offers updates here")
	f.String("listen", "", "accepted; the lab collects no metrics")
	f.String("v", "2", "accepted; the log has one level")
	if err := parse(f, args, "release-image"); err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	p, err := loadPayload(root, *image, profile())
	if err != nil {
		return err
	}
	config, err := kube.Config(*kubeconfig)
	if err != nil {
		return err
	}
	client, err := kube.New(config, "cluster-version-operator")
	if err != nil {
		return err
	}
	log.Info("payload loaded", "version", p.Version, "manifests", len(p.Manifests), "image", p.Image)
	o := &operator{client: client, payload: p, clock: clock.Real(), log: log}
	return lead(ctx, config, log, o.run)
}

// lead runs work while this process holds the lease. Losing it ends the
// process: the kubelet starts it again, and it waits for its turn.
func lead(ctx context.Context, config *rest.Config, log *slog.Logger, work func(context.Context)) error {
	set, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("make lease client: %w", err)
	}
	host, err := os.Hostname()
	if err != nil {
		return fmt.Errorf("read host name: %w", err)
	}
	identity := fmt.Sprintf("%s_%d_%d", host, os.Getpid(), time.Now().UnixNano())
	lost := false
	leaderelection.RunOrDie(ctx, leaderelection.LeaderElectionConfig{
		Lock: &resourcelock.LeaseLock{
			LeaseMeta:  metav1.ObjectMeta{Namespace: namespace, Name: lockName},
			Client:     set.CoordinationV1(),
			LockConfig: resourcelock.ResourceLockConfig{Identity: identity},
		},
		// The bootstrap host's operator is stopped when the masters take over;
		// giving the lease back makes that take a second, not its duration.
		ReleaseOnCancel: true,
		LeaseDuration:   20 * time.Second,
		RenewDeadline:   15 * time.Second,
		RetryPeriod:     2 * time.Second,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: work,
			OnStoppedLeading: func() { lost = true },
			OnNewLeader: func(id string) {
				if id != identity {
					log.Info("another operator leads; waiting for my turn", "leader", id)
				}
			},
		},
	})
	if lost && ctx.Err() == nil {
		return errors.New("lost the lease " + namespace + "/" + lockName)
	}
	return nil
}
