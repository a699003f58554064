package cvo

import (
	"fmt"
	"slices"
	"strings"
	"time"

	configv1 "github.com/openshift/api/config/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/okd-install/okd-install/pkg/lab/release/kit/operator"
)

// progress is how far the release is brought to the cluster.
type progress struct {
	Total   int      // manifests
	Failed  int      // that could not be applied in the last pass
	Err     error    // the first cause
	Waiting []string // ClusterOperators that are not available
	Reasons []string // what they say, in the same order
	Lasting bool     // the failure is no longer explained by things starting up
}

func (p progress) done() bool { return p.Failed == 0 && len(p.Waiting) == 0 }

// percent is for people: operators weigh as much as all manifests.
func (p progress) percent(operators int) int {
	if p.Total == 0 || operators == 0 {
		return 0
	}
	return (p.Total-p.Failed)*50/p.Total + (operators-len(p.Waiting))*50/operators
}

// lookAtOperators lists the payload's ClusterOperators that are not Available.
func lookAtOperators(names []string, found []configv1.ClusterOperator) (waiting, reasons []string) {
	for _, n := range names {
		i := slices.IndexFunc(found, func(co configv1.ClusterOperator) bool { return co.Name == n })
		if i < 0 {
			waiting, reasons = append(waiting, n), append(reasons, n+" does not exist yet")
			continue
		}
		c := find(found[i].Status.Conditions, configv1.OperatorAvailable)
		if c == nil {
			waiting, reasons = append(waiting, n), append(reasons, n+" has not reported yet")
		} else if c.Status != configv1.ConditionTrue {
			waiting, reasons = append(waiting, n), append(reasons, strings.TrimSuffix(n+": "+c.Message, ": "))
		}
	}
	return waiting, reasons
}

type condition = configv1.ClusterOperatorStatusCondition

func find(list []condition, t configv1.ClusterStatusConditionType) *condition {
	i := slices.IndexFunc(list, func(c condition) bool { return c.Type == t })
	if i < 0 {
		return nil
	}
	return &list[i]
}

// setStatus makes ClusterVersion's status say how far the release is.
func setStatus(cv *configv1.ClusterVersion, p payload, operators int, g progress, now time.Time) {
	s := &cv.Status
	s.ObservedGeneration = cv.Generation
	s.Desired = configv1.Release{Version: p.Version, Image: p.Image}
	if len(s.History) == 0 {
		s.History = []configv1.UpdateHistory{{
			State: configv1.PartialUpdate, Version: p.Version, Image: p.Image,
			StartedTime: metav1.NewTime(now.Truncate(time.Second)),
		}}
	}
	h := &s.History[0]
	if g.done() && h.State != configv1.CompletedUpdate {
		t := metav1.NewTime(now.Truncate(time.Second))
		h.State, h.CompletionTime = configv1.CompletedUpdate, &t
	}
	completed := h.State == configv1.CompletedUpdate

	what, failing := g.problem(), g.Lasting && !g.done()
	progressing := operator.Condition{Type: "Progressing", Message: "Cluster version is " + p.Version}
	switch {
	case completed && failing:
		progressing.Reason = g.reason()
		progressing.Message = fmt.Sprintf("Error while reconciling %s: %s", p.Version, what)
	case !completed:
		progressing.Status, progressing.Reason = true, g.reason()
		progressing.Message = fmt.Sprintf("Working towards %s: %d%% complete, waiting on %s",
			p.Version, g.percent(operators), what)
	}
	either := operator.Either
	operator.SetConditions(&s.Conditions, now,
		operator.Is("Failing", failing, g.reason(), "", either(failing, what, "")),
		operator.Is("Available", completed, "", "", either(completed, "Done applying "+p.Version, "")),
		progressing,
		operator.Condition{Type: "ReleaseAccepted", Status: true, Reason: "PayloadLoaded",
			Message: fmt.Sprintf("Payload loaded version=%q image=%q", p.Version, p.Image)},
		// Nothing offers updates in the lab; the condition says so as OKD's does.
		operator.Condition{Type: "RetrievedUpdates", Reason: "NoChannel",
			Message: "The update channel has not been configured."},
	)
}

func (p progress) reason() string {
	switch {
	case p.Failed > 0:
		return "UpdatePayloadFailed"
	case len(p.Waiting) > 0:
		return "ClusterOperatorsNotAvailable"
	}
	return ""
}

func (p progress) problem() string {
	var parts []string
	if p.Failed > 0 {
		parts = append(parts, fmt.Sprintf("%d of %d manifests (%v)", p.Failed, p.Total, p.Err))
	}
	if len(p.Reasons) > 0 {
		parts = append(parts, strings.Join(p.Reasons, "; "))
	}
	return strings.Join(parts, "; ")
}
