package diagnose

import (
	"context"
	"errors"
	"time"

	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/phase"
	"github.com/okd-install/okd-install/pkg/phases"
	"github.com/okd-install/okd-install/pkg/workdir"
)

// Phases goes through phases that only wait, and then keeps what follows from them. Beside another run, journal and
// state are that run's. After a failure it says what the cluster is missing.
func Phases(
	ctx context.Context, e *install.Env, timeout time.Duration, api *kube.Client, list []phase.Step,
	keep func(*workdir.Lock) error,
) (err error) {
	defer func() {
		failed := (*phase.Failed)(nil)
		if errors.As(err, &failed) && failed.Phase.Name != phases.AgentHosts.Name && !errors.Is(err, exit.ErrInterrupted) {
			Cluster(ctx, e, api)
		}
	}()
	lock, err := e.Lock()
	if locked := (*workdir.LockedError)(nil); errors.As(err, &locked) {
		return e.Runner(nil, timeout).Run(ctx, list)
	}
	if err != nil {
		return e.Explain(err)
	}
	defer func() { _ = lock.Unlock() }()
	journal := e.Journal()
	err = e.Runner(journal, timeout).Run(ctx, list)
	journal.End(e.Clock.Now(), err)
	if err != nil {
		return err
	}
	return keep(lock)
}
