package operator

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	coordinationv1 "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"

	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
)

// Lease is what one of several processes holds while it works.
type Lease struct {
	Namespace, Name string
	Duration        time.Duration // after which others may take it
	Renew           time.Duration // within which it has to be renewed
}

// Lead runs work while this process holds the lease. Losing it is an error: the
// kubelet then starts the process again.
func Lead(ctx context.Context, c *api.Client, log *slog.Logger, l Lease, work func(context.Context)) error {
	client, err := coordinationv1.NewForConfig(c.Config)
	if err != nil {
		return fmt.Errorf("make lease client: %w", err)
	}
	host, err := os.Hostname()
	if err != nil {
		return fmt.Errorf("read host name: %w", err)
	}
	identity := fmt.Sprintf("%s_%d_%d", host, os.Getpid(), time.Now().UnixNano())
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock: &resourcelock.LeaseLock{
			LeaseMeta:  metav1.ObjectMeta{Namespace: l.Namespace, Name: l.Name},
			Client:     client,
			LockConfig: resourcelock.ResourceLockConfig{Identity: identity},
		},
		// The next one takes over within a second, not after the lease's duration.
		ReleaseOnCancel: true,
		LeaseDuration:   l.Duration,
		RenewDeadline:   l.Renew,
		RetryPeriod:     2 * time.Second,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: work,
			OnStoppedLeading: func() { log.Info("stopped leading", "lease", l.Name) },
			OnNewLeader: func(id string) {
				if id != identity {
					log.Info("another process leads; waiting for my turn", "leader", id)
				}
			},
		},
	})
	if err != nil {
		return fmt.Errorf("set up leader election: %w", err)
	}
	elector.Run(ctx)
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("lost the lease %s/%s", l.Namespace, l.Name)
}
