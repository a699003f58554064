package metal

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/clock"
)

// stopped is a clock that stands still, and keeps how long was slept.
type stopped struct {
	clock.Clock
	mu    sync.Mutex
	slept []time.Duration
}

func (s *stopped) Now() time.Time { return time.Unix(1000, 0) }
func (s *stopped) Sleep(_ context.Context, d time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.slept = append(s.slept, d)
	return nil
}

// Hosts that are ready to start at the same time start one after the other.
func TestPace(t *testing.T) {
	var p pace
	c := &stopped{}
	var starts sync.WaitGroup
	for range 5 {
		starts.Go(func() {
			if err := p.wait(t.Context(), c); err != nil {
				t.Error(err)
			}
		})
	}
	starts.Wait()
	slices.Sort(c.slept)
	if want := []time.Duration{startGap, 2 * startGap, 3 * startGap, 4 * startGap}; !slices.Equal(c.slept, want) {
		t.Errorf("waited %v, want %v", c.slept, want)
	}
}
