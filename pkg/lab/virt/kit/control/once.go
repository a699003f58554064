package control

import (
	"context"
	"time"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
)

// resync is the time after which unchanged objects are applied again.
const resync = time.Minute

// Applier applies objects when they differ from the last ones, and now and then.
type Applier struct {
	last any
	at   time.Time
}

// Apply brings objects to the server, unless that was just done.
func (a *Applier) Apply(ctx context.Context, c *api.Client, clk clock.Clock, objects ...any) error {
	now := clk.Now()
	if now.Sub(a.at) < resync && Same(a.last, objects) {
		return nil
	}
	if err := Apply(ctx, c, objects...); err != nil {
		return err
	}
	a.last, a.at = objects, now
	return nil
}

// Forget has the next call apply in any case.
func (a *Applier) Forget() { *a = Applier{} }
