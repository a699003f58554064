package redfishtest

import (
	"context"
	"sync"
	"time"
)

// Clock does not wait: its time jumps by what it was asked to wait for.
type Clock struct {
	mu    sync.Mutex
	now   time.Time
	slept []time.Duration
	// OnSleep, if set, is called before each jump.
	OnSleep func()
}

// Now is the time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// After delivers the time at once.
func (c *Clock) After(d time.Duration) <-chan time.Time {
	ch := make(chan time.Time, 1)
	_ = c.Sleep(context.Background(), d)
	ch <- c.Now()
	return ch
}

// Sleep jumps, unless ctx has ended.
func (c *Clock) Sleep(ctx context.Context, d time.Duration) error {
	if c.OnSleep != nil {
		c.OnSleep()
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	c.slept = append(c.slept, d)
	return nil
}

// Slept are all jumps.
func (c *Clock) Slept() []time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]time.Duration(nil), c.slept...)
}
