package kube

import (
	"errors"
	"testing"
	"time"

	configv1 "github.com/openshift/api/config/v1"
)

func TestHealthConditions(t *testing.T) {
	for _, c := range []struct {
		name                             string
		health                           Health
		available, progressing, degraded configv1.ConditionStatus
	}{
		{"healthy", Healthy(""), "True", "False", "False"},
		{"waiting", Waiting("Deploying", "no pods"), "False", "True", "False"},
		{"failed but serving", Failed(true, "ApplyFailed", errors.New("no")), "True", "False", "True"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := map[configv1.ClusterStatusConditionType]configv1.ClusterOperatorStatusCondition{}
			for _, x := range c.health.conditions() {
				got[x.Type] = x
			}
			if got["Available"].Status != c.available || got["Progressing"].Status != c.progressing || got["Degraded"].Status != c.degraded {
				t.Errorf("%+v", got)
			}
			for _, x := range got {
				if x.Reason == "" {
					t.Errorf("%s has no reason", x.Type)
				}
			}
			if c.health.Progressing && (got["Progressing"].Message != "no pods" || got["Progressing"].Reason != "Deploying") {
				t.Errorf("progressing does not say why: %+v", got["Progressing"])
			}
		})
	}
}

func TestSetConditionKeepsTransition(t *testing.T) {
	var list []configv1.ClusterOperatorStatusCondition
	start := time.Date(2026, 11, 21, 12, 0, 0, 5, time.UTC)
	set := func(status configv1.ConditionStatus, after time.Duration) time.Time {
		SetCondition(&list, configv1.ClusterOperatorStatusCondition{Type: "Available", Status: status}, start.Add(after))
		return list[0].LastTransitionTime.Time
	}
	first := set("False", 0)
	if again := set("False", time.Minute); !again.Equal(first) {
		t.Errorf("the same status moved the time to %v", again)
	}
	if changed := set("True", 2*time.Minute); !changed.Equal(first.Add(2 * time.Minute)) {
		t.Errorf("a new status has time %v", changed)
	}
	if len(list) != 1 {
		t.Errorf("%d conditions", len(list))
	}
}
