package metal

import (
	"context"
	"sync"
	"time"

	"github.com/okd-install/okd-install/pkg/clock"
)

// startGap is the time between the starts of two hosts: half a cycle of the mains at 50 Hz. For about as long do power
// supplies draw more when they start, and such peaks should not meet on one breaker.
const startGap = 10 * time.Millisecond

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
