package proof_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/virtualization/proof"
	"github.com/okd-install/okd-install/pkg/virtualization/proof/kubevirttest"
)

// killed leaves what a run leaves that is killed while its VM starts.
func (w *world) killed(id string, alive time.Time) {
	w.Put(fmt.Sprintf(`{apiVersion: v1, kind: Namespace, metadata: {name: okd-install-virtualization-test-%[1]s,
  labels: {okd-install.io/virtualization-test: %[1]s, app.kubernetes.io/managed-by: okd-install},
  annotations: {okd-install.io/alive: %[2]q}}}`, id, alive.UTC().Format(time.RFC3339)))
	w.Put(fmt.Sprintf(`{apiVersion: kubevirt.io/v1, kind: VirtualMachine, metadata: {name: proof,
  namespace: okd-install-virtualization-test-%[1]s, labels: {okd-install.io/virtualization-test: %[1]s}}}`, id))
}

func TestLeftovers(t *testing.T) {
	const ns = "/api/v1/namespaces/okd-install-virtualization-test-"
	for name, tt := range map[string]struct {
		make   func(*world)
		status proof.Status
		says   string
		left   int
	}{
		"of a killed run": {
			func(w *world) { w.killed("aaa", time.Now().Add(-time.Hour)) }, proof.Passed, "removed okd-install-virt", 0,
		},
		"of a run that was just killed": {
			func(w *world) { w.killed("aaa", time.Now()) }, proof.Passed, "removed okd-install-virt", 0,
		},
		"of a run that lives": {
			func(w *world) {
				w.killed("aaa", time.Now())
				w.Clock.(*jumping).at(20*time.Second, func() {
					w.Merge(ns+"aaa", `metadata: {annotations: {okd-install.io/alive: "2026-03-03T00:00:00Z"}}`)
				})
			}, proof.Passed, "another test runs in", 1,
		},
		"with a VM of somebody else": {
			func(w *world) {
				w.killed("aaa", time.Now().Add(-time.Hour))
				w.Put(`{apiVersion: kubevirt.io/v1, kind: VirtualMachine, metadata: {name: mine,
  namespace: okd-install-virtualization-test-aaa}}`)
			}, proof.Failed, "is left alone: virtualmachines mine in it is not of this test", 1,
		},
		"with a copied label": {
			func(w *world) {
				w.killed("aaa", time.Now().Add(-time.Hour))
				w.Merge(ns+"aaa", "metadata: {labels: {okd-install.io/virtualization-test: bbb}}")
			}, proof.Failed, "is left alone", 1,
		},
		"managed by another": {
			func(w *world) {
				w.killed("aaa", time.Now().Add(-time.Hour))
				w.Merge(ns+"aaa", "metadata: {labels: {app.kubernetes.io/managed-by: other}}")
			}, proof.Passed, "no earlier run", 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, kubevirttest.Faults{})
			tt.make(w)
			r := w.Run(t.Context())
			if got := find(t, r, proof.Leftovers); got.Status != tt.status ||
				!strings.Contains(got.Reason+": "+got.Cause, tt.says) {
				t.Errorf("%+v, want %q", got, tt.says)
			}
			if left := w.namespaces(); len(left) != tt.left {
				t.Errorf("left: %v", left)
			}
		})
	}
}

// interruptions end a run at many moments, from before it makes anything to its clean-up. Nothing may be left.
func TestInterrupted(t *testing.T) {
	for _, after := range []time.Duration{0, 2 * time.Second, 6 * time.Second, 12 * time.Second} {
		t.Run(after.String(), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, kubevirttest.Faults{PullError: "dial tcp: i/o timeout", DiskPhase: "ImportScheduled"})
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			w.Clock.(*jumping).at(after, func() { cancel(exit.ErrInterrupted) })
			r := w.Run(ctx)
			if !r.Interrupted || r.Err() == nil {
				t.Errorf("%+v", r)
			}
			for _, result := range r.Results {
				if result.Status == proof.Failed {
					t.Errorf("%+v", result)
				}
			}
			if left := w.namespaces(); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
			if len(r.Results) != len(proof.Checks()) {
				t.Errorf("%d results", len(r.Results))
			}
		})
	}
}

// The API is away for a minute while the VM starts.
func TestAPIAway(t *testing.T) {
	w := newWorld(t, kubevirttest.Faults{DiskPhase: "ImportScheduled"})
	clock := w.Clock.(*jumping)
	const begun, over = 1, 2
	state, since := 0, time.Time{}
	clock.always(func() {
		disk := ""
		for _, p := range w.Paths() {
			if strings.Contains(p, "/datavolumes/") {
				disk = p
			}
		}
		switch {
		case state == 0 && disk != "":
			state, since = begun, clock.Now()
			w.Down(true)
		case state == begun && clock.Now().Sub(since) >= time.Minute:
			state = over
			w.Down(false)
			w.Merge(disk, "status: {phase: Succeeded}")
		}
	})
	r := w.Run(t.Context())
	if r.Err() != nil {
		t.Error(r.Err())
	}
	if state != over {
		t.Error("the API was not away")
	}
	if left := w.namespaces(); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// everyOther loses the first reading of each object and list, and every other one after it, but no console.
type everyOther struct {
	next http.RoundTripper
	mu   sync.Mutex
	lost map[string]bool
}

func (e *everyOther) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method == http.MethodGet && !strings.HasSuffix(req.URL.Path, "/console") {
		e.mu.Lock()
		e.lost[req.URL.String()] = !e.lost[req.URL.String()]
		lost := e.lost[req.URL.String()]
		e.mu.Unlock()
		if lost {
			return nil, io.ErrUnexpectedEOF
		}
	}
	return e.next.RoundTrip(req)
}

// No check depends on a single request.
func TestRequestsAreLost(t *testing.T) {
	w := newWorld(t, kubevirttest.Faults{})
	config := w.Config()
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return &everyOther{next: next, lost: map[string]bool{}}
	})
	var err error
	if w.API, err = kube.New(config); err != nil {
		t.Fatal(err)
	}
	r := w.Run(t.Context())
	if r.Err() != nil || r.Count(proof.Skipped) != 1 {
		t.Errorf("%v: %+v", r.Err(), r.Results)
	}
}

// A console that another client holds is asked for again.
func TestConsoleIsBusyForAMoment(t *testing.T) {
	w := newWorld(t, kubevirttest.Faults{BusyConsole: 3})
	if r := w.Run(t.Context()); r.Err() != nil {
		t.Error(r.Err())
	}
}
