package ovirt_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/ovirt"
)

// patience is how long the client waits for an answer: long enough for one that
// is on its way on a busy machine.
const patience = 500 * time.Millisecond

// TestAbandonedReadDoesNotReachItsRetry lets the first answer come after the
// second. The race detector sees a request that was given up write to what its
// retry returns; without it, the wrong machine is seen.
func TestAbandonedReadDoesNotReachItsRetry(t *testing.T) {
	release := make(chan struct{})
	var late sync.WaitGroup
	late.Add(1)
	var calls atomic.Int32
	s := newStub(t, func(w http.ResponseWriter, _ *http.Request) {
		name := "second"
		if calls.Add(1) == 1 {
			defer late.Done()
			<-release
			name = "first"
		}
		fmt.Fprintf(w, `<vms><vm id="1"><name>%s</name></vm></vms>`, name)
	})
	c := s.dial(t, ovirt.Options{CallLimit: patience})
	vms, err := c.VMsByTag(t.Context(), "demo")
	close(release)
	late.Wait()
	time.Sleep(20 * time.Millisecond) // the abandoned call reads its answer
	if err != nil || len(vms) != 1 || vms[0].Name != "second" {
		t.Errorf("got %+v, %v", vms, err)
	}
}

// TestAbandonedLoginDoesNotReachItsRetry is the same for the login, which every
// client begins with.
func TestAbandonedLoginDoesNotReachItsRetry(t *testing.T) {
	var calls atomic.Int32
	late := make(chan struct{})
	tags := func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<tags/>") }
	s := newStub(t, tags, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/api") && calls.Add(1) == 1 {
				time.Sleep(patience + patience/2)
				close(late)
			}
			next.ServeHTTP(w, r)
		})
	})
	c := s.dial(t, ovirt.Options{CallLimit: patience})
	<-late
	time.Sleep(20 * time.Millisecond)
	if _, err := c.Tags(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestAbandonedWriteIsNotSentTwice leaves it to the caller to look whether a
// change was made: the engine may still be at it.
func TestAbandonedWriteIsNotSentTwice(t *testing.T) {
	var mu sync.Mutex
	posts := 0
	release := make(chan struct{})
	s := newStub(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		posts++
		mu.Unlock()
		<-release
		fmt.Fprint(w, `<disk id="d1"/>`)
	})
	t.Cleanup(func() { close(release) })
	c := s.dial(t, ovirt.Options{CallLimit: patience})
	d, err := c.CreateDisk(t.Context(), ovirt.DiskSpec{Alias: "a", Format: "cow", Bytes: 1 << 20, StorageDomainID: "s"})
	if !ovirt.Is(err, ovirt.Unavailable) || d.ID != "" {
		t.Errorf("got %+v, %v; what was given up is neither done nor undone", d, err)
	}
	mu.Lock()
	defer mu.Unlock()
	if posts != 1 {
		t.Errorf("sent %d times", posts)
	}
}

// TestInterruptedWriteIsWaitedFor interrupts a change under way: what it made is known
// if the engine answers soon.
func TestInterruptedWriteIsWaitedFor(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	s := newStub(t, func(w http.ResponseWriter, _ *http.Request) {
		interrupt()
		time.Sleep(50 * time.Millisecond) // the client sees the interruption before the answer
		fmt.Fprint(w, `<tag id="t1"/>`)
	})
	if tag, err := s.dial(t, ovirt.Options{}).CreateTag(ctx, "demo", ""); err != nil || tag.ID != "t1" {
		t.Errorf("got %+v, %v", tag, err)
	}
}

func TestInterruptedWriteIsNotBegun(t *testing.T) {
	var calls atomic.Int32
	s := newStub(t, func(http.ResponseWriter, *http.Request) { calls.Add(1) })
	c := s.dial(t, ovirt.Options{})
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	if _, err := c.CreateTag(ctx, "demo", ""); err == nil || calls.Load() != 0 {
		t.Errorf("%d requests: %v", calls.Load(), err)
	}
}
