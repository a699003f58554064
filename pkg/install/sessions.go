package install

import (
	"context"
	"time"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/machines"
)

// endLimit bounds what is done after an interruption: the user waits for the prompt.
const endLimit = 15 * time.Second

// CloseSessions ends the sessions with the controllers of machines, which have only a few, also when ctx has ended.
// Providers without such sessions are left alone.
func (e *Env) CloseSessions(ctx context.Context, p machines.Provider) {
	b, is := p.(machines.Booter)
	if !is {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endLimit)
	defer cancel()
	if err := b.Close(ctx); err != nil {
		event.Warn(e.Sink, "Not all sessions with the controllers of the hosts could be closed", "err", err)
	}
}
