package handoff

import (
	"context"
	"errors"
	"time"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/kube"
)

const (
	perTry   = 5 * time.Second
	askPause = 2 * time.Second // between two tries
)

// Ask asks the API whether the masters have taken over. It tries again until limit has passed, and at least once.
func (w *Watcher) Ask(ctx context.Context, limit time.Duration) (API, error) {
	started := w.Clock.Now()
	a := API{URL: w.API.URL(), Asked: true}
	for {
		event.ProgressOf(w.Sink, "asking the API at "+a.URL+" whether the masters have taken over")
		if a.Complete, a.Moved, a.Silent = w.askOnce(ctx); a.Silent == nil {
			return a, nil
		}
		if err := ctx.Err(); err != nil {
			return a, context.Cause(ctx)
		}
		a.Silent = errors.New(kube.Cause(a.Silent))
		event.Debug(w.Sink, "the API does not answer", "url", a.URL, "err", a.Silent)
		if w.Clock.Now().Sub(started)+askPause >= limit {
			return a, nil
		}
		if err := w.Clock.Sleep(ctx, askPause); err != nil {
			return a, context.Cause(ctx)
		}
	}
}

func (w *Watcher) askOnce(ctx context.Context) (complete, moved bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, perTry)
	defer cancel()
	if complete, err = w.completed(ctx); err != nil {
		return false, false, err
	}
	moved, _, err = w.etcdMoved(ctx)
	if kube.NotFound(err) { // the etcd operator has not got that far
		return complete, false, nil
	}
	return complete, moved, err
}
