package rollout_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	configv1 "github.com/openshift/api/config/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/okd-install/okd-install/pkg/clock"
)

// skewed is the clock of a host that is wrong.
type skewed struct {
	clock.Clock
	by time.Duration
}

func (s skewed) Now() time.Time { return s.Clock.Now().Add(s.by) }

// Whatever this host's clock shows, operators that fell quiet just now are
// watched for the settling time, and a cluster that was quiet for long is not.
func TestSettledWhateverTheHostsClock(t *testing.T) {
	const settle = 300 * time.Millisecond
	for _, tt := range []struct {
		name    string
		host    time.Duration // this host's clock against the cluster's
		api     time.Duration // the API's clock against the operators'
		quiet   time.Duration // by the operators' clock
		at      bool          // at once
		silence bool          // the API does not say what time it is
		untimed bool          // the operator does not say since when
	}{
		{name: "just now", quiet: 0},
		{name: "just now, host 60 s fast", host: time.Minute},
		{name: "just now, host 60 s slow", host: -time.Minute},
		{name: "just now, host an hour fast", host: time.Hour},
		{name: "for long", quiet: 10 * time.Minute, at: true},
		{name: "for long, host an hour fast", quiet: 10 * time.Minute, host: time.Hour, at: true},
		{name: "for long, host an hour slow", quiet: 10 * time.Minute, host: -time.Hour, at: true},
		{name: "for several settling times", quiet: 2500 * time.Millisecond},
		{name: "since an unknown time", untimed: true},
		{name: "operators ahead of the API", quiet: 10 * time.Minute, api: -time.Hour},
		{name: "for long, and nobody says the time", quiet: 10 * time.Minute, silence: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			world, watcher := start(t)
			watcher.Settle, watcher.Clock = settle, skewed{clock.Real(), tt.host}
			// Ahead by a second: times of conditions have no fractions.
			since := time.Now().Add(time.Second - tt.quiet)
			if tt.untimed {
				since = time.Time{}
			}
			world.set(operatorsPath, configv1.ClusterOperatorList{Items: []configv1.ClusterOperator{{
				ObjectMeta: metav1.ObjectMeta{Name: "etcd"},
				Status: configv1.ClusterOperatorStatus{Conditions: []configv1.ClusterOperatorStatusCondition{
					cond("Progressing", "False", "", since),
				}},
			}}})
			world.Date(time.Now().Add(tt.api).UTC().Format(http.TimeFormat))
			if tt.silence {
				world.Date("never")
			}
			started := time.Now()
			if _, err := watcher.Settled(t.Context()); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(started); (took < settle) != tt.at {
				t.Errorf("settled after %s, at once: %v", took, tt.at)
			}
		})
	}
}

// What was seen while the version was waited for counts.
func TestSettlingBeginsWhileTheVersionIsWaitedFor(t *testing.T) {
	world, watcher := start(t)
	watcher.Settle = 400 * time.Millisecond
	now := time.Now()
	version := func(progressing string) configv1.ClusterVersion {
		conditions := []configv1.ClusterOperatorStatusCondition{
			cond("Available", "True", "", now), cond("Failing", "False", "", now), cond("Progressing", progressing, "", now),
		}
		return configv1.ClusterVersion{Status: configv1.ClusterVersionStatus{Conditions: conditions}}
	}
	world.set(versionPath, version("True"))
	world.set(operatorsPath, configv1.ClusterOperatorList{Items: []configv1.ClusterOperator{{
		ObjectMeta: metav1.ObjectMeta{Name: "etcd"},
		Status: configv1.ClusterOperatorStatus{Conditions: []configv1.ClusterOperatorStatusCondition{
			cond("Progressing", "False", "", now.Add(time.Minute)),
		}},
	}}})
	time.AfterFunc(300*time.Millisecond, func() { world.set(versionPath, version("False")) })
	started := time.Now()
	if _, err := watcher.VersionAvailable(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := watcher.Settled(t.Context()); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(started); took < watcher.Settle || took > watcher.Settle+250*time.Millisecond {
		t.Errorf("settled %s after the operator fell quiet, want %s", took, watcher.Settle)
	}
}

// A cluster that has made no operators yet has not settled.
func TestNoOperatorsAreNotSettled(t *testing.T) {
	world, watcher := start(t)
	world.set(operatorsPath, configv1.ClusterOperatorList{})
	ctx, cancel := context.WithTimeout(t.Context(), 4*watcher.Settle)
	defer cancel()
	if _, err := watcher.Settled(ctx); err == nil {
		t.Error("settled without operators")
	}
}

// In a cluster that lacks nodes, operators that work and go on progressing are named after a while.
func TestLingering(t *testing.T) {
	for _, tt := range []struct {
		name               string
		operator           string
		incomplete         bool
		available, degrade string
		settles            bool
	}{
		{"lacks nodes", "ingress", true, "True", "False", true},
		{"has all nodes", "ingress", false, "True", "False", false},
		{"lacks nodes, and the operator does not work", "ingress", true, "False", "False", false},
		{"lacks nodes, and the operator is degraded", "ingress", true, "True", "True", false},
		{"lacks nodes, and it is one of the control plane", "kube-apiserver", true, "True", "False", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			world, watcher := start(t)
			watcher.Settle, watcher.Incomplete = 100*time.Millisecond, func() bool { return tt.incomplete }
			long := time.Now().Add(-time.Hour)
			world.set(operatorsPath, configv1.ClusterOperatorList{Items: []configv1.ClusterOperator{
				operator("etcd", cond("Progressing", "False", "", long), cond("Available", "True", "", long)),
				operator(tt.operator, cond("Progressing", "True", "1 of 2 pods", long), cond("Available", tt.available, "", long),
					cond("Degraded", tt.degrade, "", long)),
			}})
			ctx, cancel := context.WithTimeout(t.Context(), 10*watcher.Settle)
			defer cancel()
			began := time.Now()
			lingering, err := watcher.Settled(ctx)
			took := time.Since(began)
			if tt.settles && (err != nil || took < 4*watcher.Settle || !strings.HasPrefix(strings.Join(lingering, " "),
				"ingress (1 of 2 pods")) || !tt.settles && err == nil {
				t.Errorf("%q, %v after %s", lingering, err, took)
			}
		})
	}
}

func operator(name string, conditions ...configv1.ClusterOperatorStatusCondition) configv1.ClusterOperator {
	return configv1.ClusterOperator{
		ObjectMeta: metav1.ObjectMeta{Name: name}, Status: configv1.ClusterOperatorStatus{Conditions: conditions},
	}
}
