package rollout_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	configv1 "github.com/openshift/api/config/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/kube/kubetest"
	"github.com/okd-install/okd-install/pkg/rollout"
)

// world is a cluster that tests change.
type world struct{ *kubetest.Server }

func (w world) set(path string, object any) { w.Set(path, object) }

const (
	versionPath   = "/apis/config.openshift.io/v1/clusterversions/version"
	operatorsPath = "/apis/config.openshift.io/v1/clusteroperators"
	consolePath   = "/apis/route.openshift.io/v1/namespaces/openshift-console/routes/console"
)

func start(t *testing.T) (world, *rollout.Watcher) {
	t.Helper()
	w := world{kubetest.New(t)}
	api, err := kube.New(w.Config())
	if err != nil {
		t.Fatal(err)
	}
	base := kube.Watcher{API: api, Clock: clock.Real(), Sink: event.Discard, Every: 5 * time.Millisecond}
	return w, &rollout.Watcher{Watcher: base, Settle: 50 * time.Millisecond}
}

func cond(kind, status, msg string, since time.Time) configv1.ClusterOperatorStatusCondition {
	return configv1.ClusterOperatorStatusCondition{
		Type: configv1.ClusterStatusConditionType(kind), Status: configv1.ConditionStatus(status), Message: msg,
		LastTransitionTime: metav1.NewTime(since),
	}
}

func TestVersion(t *testing.T) {
	old := time.Now().Add(-time.Hour)
	tests := []struct {
		name  string
		conds []configv1.ClusterOperatorStatusCondition
		done  bool
		why   string
	}{
		{"nothing reported", nil, false, "has not reported"},
		{"failing not judged yet", []configv1.ClusterOperatorStatusCondition{cond("Available", "True", "", old),
			cond("Progressing", "False", "at 4.20", old)}, false, "at 4.20"},
		{"progressing", []configv1.ClusterOperatorStatusCondition{cond("Available", "True", "", old),
			cond("Failing", "False", "", old), cond("Progressing", "True", "60 of 80 done", old)}, false, "60 of 80 done"},
		{"failing", []configv1.ClusterOperatorStatusCondition{cond("Available", "True", "", old),
			cond("Failing", "True", "cannot apply x", old), cond("Progressing", "False", "", old)}, false, "cannot apply x"},
		{"installed", []configv1.ClusterOperatorStatusCondition{cond("Available", "True", "", old),
			cond("Failing", "False", "", old), cond("Progressing", "False", "", old)}, true, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			world, watcher := start(t)
			world.set(versionPath, configv1.ClusterVersion{Status: configv1.ClusterVersionStatus{Conditions: tt.conds,
				Desired: configv1.Release{Version: "4.20.0"}}})
			done, version, why, err := watcher.Version(t.Context())
			if err != nil || done != tt.done || version != "4.20.0" || !strings.Contains(why, tt.why) {
				t.Errorf("done %v version %q why %q err %v", done, version, why, err)
			}
		})
	}
}

func TestSettledWaitsForQuiet(t *testing.T) {
	world, watcher := start(t)
	world.set(operatorsPath, configv1.ClusterOperatorList{Items: []configv1.ClusterOperator{{
		ObjectMeta: metav1.ObjectMeta{Name: "etcd"},
		Status: configv1.ClusterOperatorStatus{Conditions: []configv1.ClusterOperatorStatusCondition{
			cond("Progressing", "True", "revision 4", time.Now()),
		}},
	}}})
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err := watcher.Settled(ctx)
	var u *rollout.Unsettled
	if !errors.As(err, &u) || !strings.Contains(err.Error(), "etcd (revision 4 (since ") {
		t.Fatalf("got %v", err)
	}
	world.set(operatorsPath, configv1.ClusterOperatorList{Items: []configv1.ClusterOperator{{
		ObjectMeta: metav1.ObjectMeta{Name: "etcd"},
		Status: configv1.ClusterOperatorStatus{Conditions: []configv1.ClusterOperatorStatusCondition{
			cond("Progressing", "False", "", time.Now().Add(-time.Hour)),
		}},
	}}})
	if _, err := watcher.Settled(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestConsole(t *testing.T) {
	world, watcher := start(t)
	if url, err := watcher.Console(t.Context()); url != "" || !errors.Is(err, rollout.ErrNoConsole) {
		t.Errorf("without a console: %q, %v", url, err)
	}
	world.set(consolePath, map[string]any{"status": map[string]any{"ingress": []any{map[string]any{
		"host": "console.apps.demo.okd.test", "conditions": []any{map[string]string{"type": "Admitted", "status": "True"}},
	}}}})
	if url, err := watcher.Console(t.Context()); url != "https://console.apps.demo.okd.test" || err != nil {
		t.Errorf("with a console: %q, %v", url, err)
	}
}

// An API that does not answer does not say that there is no console.
func TestConsoleOfSilentAPI(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer server.Close()
	_, watcher := start(t)
	api, err := kube.New(&rest.Config{Host: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	watcher.API = api
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := watcher.Console(ctx); err == nil || errors.Is(err, rollout.ErrNoConsole) {
		t.Errorf("got %v", err)
	}
}

// An operator whose clock is far ahead of ours is quiet once we have seen it so.
func TestSettledWithSkewedClocks(t *testing.T) {
	world, watcher := start(t)
	world.set(operatorsPath, configv1.ClusterOperatorList{Items: []configv1.ClusterOperator{{
		ObjectMeta: metav1.ObjectMeta{Name: "etcd"},
		Status: configv1.ClusterOperatorStatus{Conditions: []configv1.ClusterOperatorStatusCondition{
			cond("Progressing", "False", "", time.Now().Add(time.Hour)),
		}},
	}}})
	started := time.Now()
	if _, err := watcher.Settled(t.Context()); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(started); took < watcher.Settle {
		t.Errorf("settled after %s", took)
	}
}

func TestAbnormal(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	world, watcher := start(t)
	operator := func(name string, conds ...configv1.ClusterOperatorStatusCondition) configv1.ClusterOperator {
		return configv1.ClusterOperator{ObjectMeta: metav1.ObjectMeta{Name: name},
			Status: configv1.ClusterOperatorStatus{Conditions: conds}}
	}
	degraded := cond("Degraded", "True", "lookup console.apps.demo.test: no such host\nagain", at)
	degraded.Reason = "RouteHealth"
	world.set(operatorsPath, configv1.ClusterOperatorList{Items: []configv1.ClusterOperator{
		operator("well", cond("Available", "True", "", at), cond("Degraded", "False", "", at),
			cond("Progressing", "False", "", at)),
		operator("busy", cond("Available", "True", "", at), cond("Progressing", "True", "revision 4", at)),
		operator("console", cond("Available", "True", "", at), degraded),
		operator("silent"),
		operator("half", cond("Progressing", "False", "", at)),
	}})
	got, err := watcher.Abnormal(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, c := range got {
		lines = append(lines, c.String())
	}
	want := []string{
		"Cluster operator console Degraded is True with RouteHealth: lookup console.apps.demo.test: no such host; again " +
			"(since 2026-01-02T03:04:05Z)",
		"Cluster operator half Available is Unknown: it has not reported",
		"Cluster operator silent Available is Unknown: it has not reported",
		"Cluster operator busy Progressing is True: revision 4 (since 2026-01-02T03:04:05Z)",
	}
	if strings.Join(lines, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
}
