package check

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/okd-install/okd-install/pkg/agent"
)

// Runner makes the checks of a host, and remembers the results of those that take time.
type Runner struct {
	ctx    context.Context // of the runs in the background, which outlive a call
	world  *World
	checks []Check

	mu      sync.Mutex
	known   map[string]*memo
	running sync.WaitGroup
}

// memo is what is known of a check that runs in the background.
type memo struct {
	key     string
	result  agent.Check // ID is empty before the first result
	next    time.Time
	running bool
	stop    context.CancelFunc
}

// NewRunner returns a runner whose checks end with ctx.
func NewRunner(ctx context.Context, w *World, checks []Check) *Runner {
	return &Runner{ctx: ctx, world: w, checks: checks, known: map[string]*memo{}}
}

// Results returns the present results, in the order of the checks, and starts what is due. It
// does not wait for it: a check that has no result yet is pending.
func (r *Runner) Results(ctx context.Context, in Input) []agent.Check {
	var out []agent.Check
	for _, c := range r.checks {
		if c.Uses != nil && !c.Uses(&in) {
			continue
		}
		var result agent.Check
		if c.Every == 0 {
			result = c.Run(ctx, &in, r.world)
		} else {
			result = r.background(c, in)
		}
		result.ID = c.ID
		out = append(out, result)
	}
	return out
}

// Wait waits until nothing runs in the background.
func (r *Runner) Wait() { r.running.Wait() }

// background returns what is known of a check, and starts it if it is due.
func (r *Runner) background(c Check, in Input) agent.Check {
	key := ""
	if c.Key != nil {
		key = c.Key(&in)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.known[c.ID]
	if m != nil && m.key != key {
		// What is running looks at what was.
		if m.stop != nil {
			m.stop()
		}
		m = nil
	}
	if m == nil {
		m = &memo{key: key}
		r.known[c.ID] = m
	}
	if !m.running && !r.world.Clock.Now().Before(m.next) && r.ctx.Err() == nil {
		r.start(c, in, m)
	}
	if m.result.ID == "" {
		return pending("wait for it", "is being checked")
	}
	return m.result
}

func (r *Runner) start(c Check, in Input, m *memo) {
	ctx, stop := context.WithTimeout(r.ctx, c.Timeout)
	m.running, m.stop = true, stop
	// The caller may change its lists while the check runs.
	in.Inventory.NICs = slices.Clone(in.Inventory.NICs)
	r.running.Go(func() {
		defer stop()
		result := c.Run(ctx, &in, r.world)
		result.ID = c.ID
		r.mu.Lock()
		defer r.mu.Unlock()
		m.result, m.running = result, false
		m.next = r.world.Clock.Now().Add(Retry)
		if result.Result == agent.Pass {
			m.next = r.world.Clock.Now().Add(c.Every)
		}
	})
}
