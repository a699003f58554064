package bootstrap_test

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/bootstrap"
	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/sshclient"
	"github.com/okd-install/okd-install/pkg/sshclient/sshtest"
)

type recorder struct {
	mu   sync.Mutex
	said []string
}

func (r *recorder) Emit(e event.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e.Kind == event.Progress {
		r.said = append(r.said, e.Message)
	}
}

func (r *recorder) progress() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.said)
}

// TestWatch watches a host that first has no address, then fails, disconnects and
// finishes.
func TestWatch(t *testing.T) {
	const now = `"timestamp":"2026-11-21T03:00:00Z"`
	var mu sync.Mutex
	looks := 0
	var server *sshtest.Server
	server = sshtest.New(t, func(_ context.Context, s sshtest.Session) int {
		mu.Lock()
		looks++
		n := looks
		mu.Unlock()
		switch {
		case n == 1:
			_, _ = fmt.Fprintf(s.Stdout, "== release-image\n[{%s,\"phase\":\"stage end\","+
				"\"stage\":\"pull-release-image\",\"result\":\"failure\",\"errorMessage\":\"no route to host\"}]\n", now)
		case n == 2:
			server.Cut()
		case n < 6:
			_, _ = fmt.Fprintf(s.Stdout, "== bootkube\n[{%s,\"phase\":\"stage start\",\"stage\":\"cb-bootstrap\"}]\n", now)
		default:
			_, _ = fmt.Fprintf(s.Stdout, "== progress\n[{%s,\"phase\":\"service end\",\"result\":\"success\"}]\n", now)
		}
		return 0
	})
	host, port, err := net.SplitHostPort(server.Addr)
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	seen := &recorder{}
	w := &bootstrap.Watcher{
		Hosts: func(context.Context) ([]string, error) {
			asked++
			switch asked {
			case 1:
				return nil, fmt.Errorf("the engine does not answer")
			case 2:
				return nil, nil
			}
			return []string{host}, nil
		},
		Port:  port,
		SSH:   sshclient.Config{Keys: [][]byte{server.User.PrivatePEM}, HostKey: server.Host.AuthorizedKey},
		Clock: clock.Real(), Sink: seen, Every: 5 * time.Millisecond,
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	w.Run(ctx)
	if ctx.Err() != nil {
		t.Fatalf("did not end with the host: %q", seen.progress())
	}
	want := []string{
		"bootstrap host: release-image: pull-release-image; last error: no route to host",
		"bootstrap host: bootkube: cb-bootstrap",
		"bootstrap host: done",
	}
	if got := slices.Compact(seen.progress()); !slices.Equal(got, want) { // it repeats itself
		t.Errorf("said\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestWatchEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	seen := &recorder{}
	w := &bootstrap.Watcher{
		Hosts: func(context.Context) ([]string, error) { return []string{"127.0.0.1"}, nil }, Port: "1",
		SSH: sshclient.Config{HostKey: "nonsense"}, Clock: clock.Real(), Sink: seen, Every: time.Millisecond,
	}
	done := make(chan struct{})
	go func() { w.Run(ctx); close(done) }()
	select {
	case <-done:
	case <-time.After(5 * time.Second):
		t.Fatal("Run does not return")
	}
	if said := seen.progress(); len(said) > 0 {
		t.Errorf("said %q", said)
	}
}

// TestLook expects no file of a service that has not run.
func TestLook(t *testing.T) {
	server := sshtest.New(t, func(_ context.Context, s sshtest.Session) int {
		_, _ = fmt.Fprint(s.Stdout, "== release-image\n[{\"phase\":\"service start\"}]\n== bootkube\n\n"+
			"== failed\ncrio.service\nkubelet.service\n")
		return 0
	})
	host, port, err := net.SplitHostPort(server.Addr)
	if err != nil {
		t.Fatal(err)
	}
	w := &bootstrap.Watcher{
		Hosts: func(context.Context) ([]string, error) { return []string{host}, nil },
		Port:  port,
		SSH:   sshclient.Config{Keys: [][]byte{server.User.PrivatePEM}, HostKey: server.Host.AuthorizedKey},
		Clock: clock.Real(), Sink: event.Discard,
	}
	files, failed, err := w.Look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 1 || !strings.Contains(string(files["release-image"]), "service start") {
		t.Errorf("files %q", files)
	}
	if !slices.Equal(failed, []string{"crio.service", "kubelet.service"}) {
		t.Errorf("failed units %q", failed)
	}
}
