package handoff

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	certv1 "k8s.io/api/certificates/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/kube/kubetest"
	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/pki/pkitest"
)

// leaping is a clock on which waiting takes no time, but moves it.
type leaping struct{ clock.Fake }

func (c *leaping) Sleep(ctx context.Context, d time.Duration) error {
	c.Advance(d)
	return ctx.Err()
}

// watch watches a cluster whose API is a handler.
func watch(t *testing.T, cluster http.Handler) *Watcher {
	t.Helper()
	server := httptest.NewServer(cluster)
	t.Cleanup(server.Close)
	api, err := kube.New(&rest.Config{Host: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	return &Watcher{Watcher: kube.Watcher{API: api, Clock: &leaping{}, Sink: event.Discard, Every: time.Second}}
}

// TestGates holds the two waits after which nothing can be taken back against clusters
// that are there, and against some that are not.
func TestGates(t *testing.T) {
	etcd := func(ctx context.Context, w *Watcher) error { return w.EtcdMoved(ctx) }
	nodes := func(ctx context.Context, w *Watcher) error { return w.NodesReady(ctx, []string{"b", "a"}) }
	for _, c := range []struct {
		name    string
		wait    func(context.Context, *Watcher) error
		cluster kubetest.Installation
		missing string // empty: nothing
	}{
		{"etcd has left", etcd, kubetest.Installation{EtcdMoved: true}, ""},
		{"etcd has not left", etcd, kubetest.Installation{}, "bootstrap member not removed yet: set by the test"},
		{"nodes are ready", nodes, kubetest.Installation{Nodes: []string{"a", "b"}, NodesReady: true}, ""},
		{"nodes are not ready", nodes, kubetest.Installation{Nodes: []string{"a", "b"}},
			"0 of 2 nodes ready; a is not ready"},
		{"a node is missing", nodes, kubetest.Installation{Nodes: []string{"a", "c"}, NodesReady: true},
			"1 of 2 nodes ready; b has not joined"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			w := watch(t, c.cluster.Objects())
			said := ""
			w.Sink = event.SinkFunc(func(e event.Event) { said = e.Message; cancel() })
			err := c.wait(ctx, w)
			if (err == nil) != (c.missing == "") || !strings.Contains(said, c.missing) {
				t.Errorf("%v, said %q", err, said)
			}
		})
	}
}

func TestAsk(t *testing.T) {
	for _, c := range []struct {
		name    string
		cluster kubetest.Installation
		noEtcd  bool
		want    Answer
	}{
		{"complete", kubetest.Installation{Bootstrapped: true, EtcdMoved: true}, false, Yes},
		{"etcd is still there", kubetest.Installation{Bootstrapped: true}, false, No},
		{"not complete", kubetest.Installation{}, false, No},
		{"no etcd operator yet", kubetest.Installation{}, true, No},
	} {
		t.Run(c.name, func(t *testing.T) {
			cluster := c.cluster.Objects()
			if c.noEtcd {
				delete(cluster, kube.Etcds.Path()+"/cluster")
			}
			v, err := watch(t, cluster).Decide(t.Context(), seen(machines.Begun, halted, API{}), nil, Unknown)
			if err != nil || v.Answer != c.want {
				t.Errorf("%+v, %v", v, err)
			}
		})
	}
}

// TestAskPatience asks a silent API again only where its answer is needed.
func TestAskPatience(t *testing.T) {
	for _, c := range []struct {
		name string
		e    Evidence
		want int32
	}{
		{"nothing else answers", seen(machines.Begun, halted, API{}), 8}, // every two of 15 seconds
		{"silence decides nothing", seen(machines.Begun, runs, API{}), 1},
		{"the record answers", seen(machines.HandedOver, runs, API{}), 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			var asked atomic.Int32
			w := watch(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				asked.Add(1)
				w.WriteHeader(http.StatusServiceUnavailable)
			}))
			if _, err := w.Decide(t.Context(), c.e, nil, Unknown); err != nil || asked.Load() != c.want {
				t.Errorf("asked %d times, want %d: %v", asked.Load(), c.want, err)
			}
		})
	}
}

// forgetful is a platform that lists no machines and cannot read its records.
type forgetful struct{ machines.Provider }

func (forgetful) Recorded(context.Context, string) (machines.Record, error) {
	return machines.Record{}, errors.New("503")
}

func (forgetful) Machines(context.Context, string) ([]machines.Machine, error) { return nil, nil }

func TestLookKeepsWhatFailed(t *testing.T) {
	e := Look(t.Context(), event.Discard, forgetful{}, "demo-x7k2p", false, false)
	if e.Platform == nil || e.Absent() || e.Judge().Answer != Unknown {
		t.Errorf("silence was taken for absence: %+v", e)
	}
}

// TestApproverAsks leaves to the user what could be approved, if that is how it was told to.
func TestApproverAsks(t *testing.T) {
	made, err := pkitest.Request("system:node:worker-0", "system:nodes", nil)
	if err != nil {
		t.Fatal(err)
	}
	request := certv1.CertificateSigningRequest{
		ObjectMeta: metav1.ObjectMeta{Name: "csr-a"},
		Spec: certv1.CertificateSigningRequestSpec{Request: made, SignerName: clientSigner, Username: bootstrapUser,
			Usages: []certv1.KeyUsage{certv1.UsageClientAuth}},
	}
	for _, ask := range []bool{true, false} {
		cluster := kubetest.New(t)
		cluster.Put(kube.Nodes.Path(), []byte("items: []"))
		cluster.Set(kube.CSRs.Path()+"/csr-a", request)
		cluster.Set(kube.CSRs.Path()+"/csr-a/approval", request) // the server knows no subresources
		said := ""
		w := watch(t, cluster)
		w.Sink = event.SinkFunc(func(e event.Event) { said = e.Message })
		a := &Approver{Watcher: w, AnyNode: true, Ask: ask}
		if err := a.pass(t.Context(), map[string]bool{}); err != nil {
			t.Fatal(err)
		}
		if writes := cluster.Writes(); (len(writes) == 0) != ask || !strings.Contains(said, "worker-0") {
			t.Errorf("asks: %v, writes %q, said %q", ask, writes, said)
		}
	}
}
