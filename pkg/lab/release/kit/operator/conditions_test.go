package operator

import (
	"testing"
	"time"

	configv1 "github.com/openshift/api/config/v1"

	"github.com/okd-install/okd-install/pkg/kube/kubetest"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
)

func TestSetConditionsKeepsTransition(t *testing.T) {
	var list []configv1.ClusterOperatorStatusCondition
	start := time.Date(2026, 11, 21, 12, 0, 0, 5, time.UTC)
	set := func(status bool, after time.Duration) time.Time {
		SetConditions(&list, start.Add(after), Condition{Type: "Available", Status: status})
		return list[0].LastTransitionTime.Time
	}
	first := set(false, 0)
	if again := set(false, time.Minute); !again.Equal(first) {
		t.Errorf("the same status moved the time to %v", again)
	}
	if changed := set(true, 2*time.Minute); !changed.Equal(first.Add(2 * time.Minute)) {
		t.Errorf("a new status has time %v", changed)
	}
	if len(list) != 1 {
		t.Errorf("%d conditions", len(list))
	}
}

func TestReport(t *testing.T) {
	server := kubetest.New(t)
	c, err := api.New("test", server.Config())
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1e9, 5)
	report := func(available bool, versions ...configv1.OperandVersion) (co configv1.ClusterOperator) {
		t.Helper()
		now = now.Add(time.Minute)
		s := Status{Name: "dns", Versions: versions, Conditions: []Condition{{Type: "Available", Status: available}}}
		if err := Report(t.Context(), c, s, now); err != nil {
			t.Fatal(err)
		}
		server.Get("/apis/config.openshift.io/v1/clusteroperators/dns", &co)
		return co
	}
	if co := report(false); len(co.Status.Conditions) != 2 || co.Kind != "ClusterOperator" {
		t.Errorf("first report: %+v", co)
	}
	if co := report(true, configv1.OperandVersion{Name: "operator", Version: "5.0.0"}); len(co.Status.Versions) != 1 {
		t.Errorf("no version: %+v", co.Status)
	}
	server.Writes()
	if co := report(true); len(co.Status.Versions) != 1 || len(server.Writes()) != 0 {
		t.Errorf("the same again: %+v", co.Status)
	}
}
