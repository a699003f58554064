package handoff_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/handoff"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/kube/kubetest"
)

// TestWaitNamesMissingName waits for a bootstrap that goes on, and looks at
// what is said about the masters meanwhile.
func TestWaitNamesMissingName(t *testing.T) {
	notFound := &net.DNSError{Err: "no such host", Name: "api-int.upi.example.org", IsNotFound: true}
	const none = "; no master has joined"
	for _, c := range []struct {
		name, platform, nodes string
		resolves              error
		says                  string
	}{
		{"name is missing", "None", "", notFound, none + ": api-int.upi.example.org, from which machines fetch their " +
			"configuration, has no address as seen from here"},
		{"name server is away", "External", "", errors.New("read udp 198.18.0.9:40123: i/o timeout"),
			none + ": api-int.upi.example.org, from which machines fetch their configuration, cannot be resolved as seen from " +
				"here"},
		{"name is there", "None", "", nil, none},
		{"nodes serve the name themselves", "BareMetal", "", notFound, none},
		{"masters have joined", "None", `{"metadata":{"name":"m","labels":{"node-role.kubernetes.io/master":""}}}`,
			notFound, "; masters that have joined: 1"},
		{"a worker is no master", "None", `{"metadata":{"name":"w"}}`, nil, none},
	} {
		t.Run(c.name, func(t *testing.T) {
			cluster := kubetest.New(t)
			cluster.Put("/api/v1/nodes", []byte("items: ["+c.nodes+"]"))
			cluster.Put("/apis/config.openshift.io/v1/infrastructures/cluster", []byte("status: {apiServerInternalURI: "+
				"https://api-int.upi.example.org:6443, platformStatus: {type: "+c.platform+"}}"))
			api, err := kube.New(cluster.Config())
			if err != nil {
				t.Fatal(err)
			}
			w := &handoff.Watcher{
				Watcher: kube.Watcher{API: api, Clock: clock.Real(), Sink: event.Discard, Every: 5 * time.Millisecond},
				Resolve: func(_ context.Context, host string) ([]string, error) {
					if host != "api-int.upi.example.org" {
						t.Errorf("asked for %s", host)
					}
					return nil, c.resolves
				},
			}
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			err = w.BootstrapComplete(ctx)
			if want := "the bootstrap host has not reported completion" + c.says; err == nil ||
				!strings.HasSuffix(strings.TrimSpace(err.Error()), want) {
				t.Errorf("says %v\nwant %s", err, want)
			}
		})
	}
}
