package metal

import (
	"context"
	"sync"
	"time"

	"github.com/okd-install/okd-install/pkg/clock"
)

// startGap is the time between the starts of two hosts: a cycle of the mains at 50 Hz. What power supplies draw in the
// moment in which they start lasts half of that, so that no two such peaks meet on the same breaker.
const startGap = 20 * time.Millisecond

// pace keeps starts apart.
type pace struct {
	mu   sync.Mutex
	next time.Time
}

// wait returns when it is one's turn.
func (p *pace) wait(ctx context.Context, c clock.Clock) error {
	p.mu.Lock()
	now := c.Now()
	at := now
	if p.next.After(now) {
		at = p.next
	}
	p.next = at.Add(startGap)
	p.mu.Unlock()
	if !at.After(now) {
		return nil
	}
	return c.Sleep(ctx, at.Sub(now))
}
