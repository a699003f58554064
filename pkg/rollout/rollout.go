// Package rollout waits for a cluster to finish installing itself: the version
// operator is content, every operator has settled, the console is reachable.
package rollout

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	configv1 "github.com/openshift/api/config/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/wait"
)

// Watcher looks at a cluster that installs itself.
type Watcher struct {
	API   *kube.Client
	Clock clock.Clock
	Sink  event.Sink
	Every time.Duration
	// Settle is how long every operator must have been quiet. The reference
	// uses 30 s; anything less may miss an operator that is about to roll out.
	Settle time.Duration

	quiet sightings
}

// DefaultSettle is the reference's waiting time for operators to stay quiet.
const DefaultSettle = 30 * time.Second

// Unsettled says that operators went on changing.
type Unsettled struct{ Err error }

func (u *Unsettled) Error() string { return "operators did not settle: " + u.Err.Error() }
func (u *Unsettled) Unwrap() error { return u.Err }

// ExitCode tells this failure from that of a cluster that does not complete.
func (u *Unsettled) ExitCode() int { return exit.Operators }

// VersionAvailable waits until ClusterVersion is Available, not Failing and no
// longer Progressing.
func (w *Watcher) VersionAvailable(ctx context.Context) (string, error) {
	var version string
	err := wait.Until(ctx, w.Clock, w.Every, func(ctx context.Context) (bool, string, error) {
		done, v, why, err := w.Version(ctx)
		if err != nil {
			return false, w.say("ClusterVersion: %s", kube.Cause(err)), nil
		}
		if !done {
			return false, w.say("%s%s", why, w.worst(ctx)), nil
		}
		version = v
		return true, "", nil
	})
	if err != nil {
		return "", fmt.Errorf("wait for the cluster version: %w", err)
	}
	return version, nil
}

// Version looks once at ClusterVersion: whether it is installed, which version
// it is, and if not installed, what it says of itself.
func (w *Watcher) Version(ctx context.Context) (done bool, version, why string, err error) {
	var cv configv1.ClusterVersion
	if err := w.API.Get(ctx, kube.Ref{Kind: kube.ClusterVersions, Name: "version"}, &cv); err != nil {
		return false, "", "", err
	}
	failing := find(cv.Status.Conditions, "Failing")
	progressing := find(cv.Status.Conditions, configv1.OperatorProgressing)
	available := find(cv.Status.Conditions, configv1.OperatorAvailable)
	// Failing must be there and False: a version operator that has not judged yet is not content.
	if is(available, configv1.ConditionTrue) && is(failing, configv1.ConditionFalse) &&
		is(progressing, configv1.ConditionFalse) {
		return true, cv.Status.Desired.Version, "", nil
	}
	switch {
	case is(failing, configv1.ConditionTrue):
		why = failing.Message
	case progressing != nil && progressing.Message != "":
		why = progressing.Message
	default:
		why = "cluster version operator has not reported"
	}
	return false, cv.Status.Desired.Version, why, nil
}

// shown is how many operators are named while waiting: in the beginning none of
// thirty is well.
const shown = 3

// worst names the operators that are not well, for a person who waits.
func (w *Watcher) worst(ctx context.Context) string {
	operators, err := w.operators(ctx)
	if err != nil {
		return ""
	}
	w.quiet.note(operators, w.Clock.Now()) // so that settling need not begin from nothing
	problems := problemsOf(operators)
	if len(problems) == 0 {
		return ""
	}
	more := ""
	if n := len(problems) - shown; n > 0 {
		problems, more = problems[:shown], fmt.Sprintf("; %d more operators are not well", n)
	}
	return "; " + strings.Join(problems, "; ") + more
}

// Problems says for each cluster operator that is not available, or degraded,
// what it reports.
func (w *Watcher) Problems(ctx context.Context) ([]string, error) {
	operators, err := w.operators(ctx)
	if err != nil {
		return nil, err
	}
	return problemsOf(operators), nil
}

func (w *Watcher) operators(ctx context.Context) ([]configv1.ClusterOperator, error) {
	var list configv1.ClusterOperatorList
	if err := w.API.List(ctx, kube.ClusterOperators, "", &list); err != nil {
		return nil, err
	}
	return list.Items, nil
}

func problemsOf(operators []configv1.ClusterOperator) []string {
	var out []string
	for _, co := range operators {
		available := find(co.Status.Conditions, configv1.OperatorAvailable)
		degraded := find(co.Status.Conditions, configv1.OperatorDegraded)
		name := "operator " + co.Name
		switch {
		case available == nil:
			out = append(out, name+" has not reported")
		case available.Status != configv1.ConditionTrue:
			out = append(out, name+" is not available: "+detail(available)+since(available.LastTransitionTime.Time))
		case is(degraded, configv1.ConditionTrue):
			out = append(out, name+" is degraded: "+detail(degraded)+since(degraded.LastTransitionTime.Time))
		}
	}
	slices.Sort(out)
	return out
}

// IngressCA reads the certificate authority that signed the ingress default
// certificate. Its absence is an error: without it the console login fails.
func (w *Watcher) IngressCA(ctx context.Context) ([]byte, error) {
	var cm corev1.ConfigMap
	ref := kube.Ref{Kind: kube.ConfigMaps, Namespace: "openshift-config-managed", Name: "default-ingress-cert"}
	err := wait.Until(ctx, w.Clock, w.Every, func(ctx context.Context) (bool, string, error) {
		if err := w.API.Get(ctx, ref, &cm); err != nil {
			return false, w.say("%s: %s", ref, kube.Cause(err)), nil
		}
		if cm.Data["ca-bundle.crt"] == "" {
			return false, w.say("%s has no ca-bundle.crt", ref), nil
		}
		return true, "", nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the ingress certificate: %w", err)
	}
	return []byte(cm.Data["ca-bundle.crt"]), nil
}

type route struct {
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		Host string `json:"host"`
	} `json:"spec"`
	Status struct {
		Ingress []struct {
			Host       string `json:"host"`
			Conditions []struct {
				Type   string `json:"type"`
				Status string `json:"status"`
			} `json:"conditions"`
		} `json:"ingress"`
	} `json:"status"`
}

// ErrNoConsole says that the cluster has no console: the release or the
// capabilities leave it out.
var ErrNoConsole = errors.New("there is no route of the console in this cluster")

// Console waits for the console's route to be admitted and returns its URL. It
// fails with ErrNoConsole at once if there is none.
func (w *Watcher) Console(ctx context.Context) (string, error) {
	ref := kube.Ref{Kind: kube.Routes, Namespace: "openshift-console", Name: "console"}
	var url string
	err := wait.Until(ctx, w.Clock, w.Every, func(ctx context.Context) (bool, string, error) {
		var r route
		err := w.API.Get(ctx, ref, &r)
		if kube.NotFound(err) {
			return false, "", ErrNoConsole
		}
		if err != nil {
			return false, w.say("%s: %s", ref, kube.Cause(err)), nil
		}
		for _, in := range r.Status.Ingress {
			for _, c := range in.Conditions {
				if c.Type == "Admitted" && c.Status == "True" {
					url = "https://" + in.Host
					return true, "", nil
				}
			}
		}
		return false, w.say("%s is not admitted yet", ref), nil
	})
	if err != nil {
		return "", fmt.Errorf("wait for the console: %w", err)
	}
	return url, nil
}

func find(
	list []configv1.ClusterOperatorStatusCondition, name configv1.ClusterStatusConditionType,
) *configv1.ClusterOperatorStatusCondition {
	for i := range list {
		if list[i].Type == name {
			return &list[i]
		}
	}
	return nil
}

func is(c *configv1.ClusterOperatorStatusCondition, s configv1.ConditionStatus) bool {
	return c != nil && c.Status == s
}

func detail(c *configv1.ClusterOperatorStatusCondition) string {
	if c.Message != "" {
		return c.Message
	}
	return c.Reason
}

func (w *Watcher) say(format string, args ...any) string {
	text := fmt.Sprintf(format, args...)
	event.ProgressOf(w.Sink, text)
	return text
}
