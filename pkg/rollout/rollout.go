// Package rollout waits for a cluster to finish installing itself: the version operator is content, every operator has
// settled, the console is reachable.
package rollout

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	configv1 "github.com/openshift/api/config/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/kube"
)

// Watcher watches a cluster that installs itself.
type Watcher struct {
	kube.Watcher
	// Settle is how long every operator must have been quiet. The reference uses 30 s; anything less may miss an operator
	// that is about to roll out.
	Settle time.Duration
	// Incomplete reports whether nodes are missing that the cluster was planned with; nil if that cannot be.
	Incomplete func() bool

	quiet sightings
}

// DefaultSettle is the reference's waiting time for operators to stay quiet.
const DefaultSettle = 30 * time.Second

// Unsettled is the error for operators that went on changing.
type Unsettled struct{ Err error }

func (u *Unsettled) Error() string { return "operators did not settle: " + u.Err.Error() }
func (u *Unsettled) Unwrap() error { return u.Err }

// ExitCode tells this failure from that of a cluster that does not complete.
func (u *Unsettled) ExitCode() int { return exit.Operators }

// VersionAvailable waits until ClusterVersion is Available, not Failing and no longer Progressing.
func (w *Watcher) VersionAvailable(ctx context.Context) (version string, err error) {
	err = w.Until(ctx, "the cluster version", func(ctx context.Context) (string, error) {
		done, v, why, err := w.Version(ctx)
		switch {
		case err != nil:
			return "ClusterVersion: " + kube.Cause(err), nil
		case !done:
			return why + w.worst(ctx), nil
		}
		version = v
		return "", nil
	})
	return version, err
}

// Version reports whether ClusterVersion is installed, which version it is, and if not installed, why.
func (w *Watcher) Version(ctx context.Context) (done bool, version, why string, err error) {
	var cv configv1.ClusterVersion
	if err := w.API.Get(ctx, kube.ClusterVersions.Ref("", "version"), &cv); err != nil {
		return false, "", "", err
	}
	failing := find(cv.Status.Conditions, "Failing")
	progressing := find(cv.Status.Conditions, configv1.OperatorProgressing)
	available := find(cv.Status.Conditions, configv1.OperatorAvailable)
	version = cv.Status.Desired.Version
	// Failing must be there and False: a version operator that has not judged yet is not content.
	switch {
	case available.Status == configv1.ConditionTrue && failing.Status == configv1.ConditionFalse &&
		progressing.Status == configv1.ConditionFalse:
		return true, version, "", nil
	case failing.Status == configv1.ConditionTrue:
		return false, version, cmp.Or(failing.Message, failing.Reason, "cluster version operator is failing"), nil
	}
	return false, version, cmp.Or(progressing.Message, "cluster version operator has not reported"), nil
}

// shown is how many operators are named while waiting: in the beginning none of thirty is healthy.
const shown = 3

// worst names the operators that are not healthy, for a person who waits.
func (w *Watcher) worst(ctx context.Context) string {
	operators, err := w.operators(ctx)
	if err != nil {
		return ""
	}
	w.quiet.note(operators, w.Clock.Now()) // so that settling need not begin from nothing
	problems := problemsOf(operators)
	more := ""
	if n := len(problems) - shown; n > 0 {
		problems, more = problems[:shown], fmt.Sprintf("; %d more operators are not well", n)
	}
	return strings.Join(append([]string{""}, problems...), "; ") + more
}

// Problems lists the cluster operators that are not available, or degraded, and why.
func (w *Watcher) Problems(ctx context.Context) ([]string, error) {
	operators, err := w.operators(ctx)
	return problemsOf(operators), err
}

func (w *Watcher) operators(ctx context.Context) ([]configv1.ClusterOperator, error) {
	var list configv1.ClusterOperatorList
	err := w.API.List(ctx, kube.ClusterOperators, "", &list)
	return list.Items, err
}

func problemsOf(operators []configv1.ClusterOperator) []string {
	var out []string
	for _, co := range operators {
		available := find(co.Status.Conditions, configv1.OperatorAvailable)
		degraded := find(co.Status.Conditions, configv1.OperatorDegraded)
		name := "operator " + co.Name
		switch {
		case available.Status == "":
			out = append(out, name+" has not reported")
		case available.Status != configv1.ConditionTrue:
			out = append(out, name+" is not available: "+detail(available))
		case degraded.Status == configv1.ConditionTrue:
			out = append(out, name+" is degraded: "+detail(degraded))
		}
	}
	slices.Sort(out)
	return out
}

// IngressCA reads the certificate authority that signed the ingress default certificate. Without it the console login
// fails.
func (w *Watcher) IngressCA(ctx context.Context) ([]byte, error) {
	var cm corev1.ConfigMap
	ref := kube.ConfigMaps.Ref("openshift-config-managed", "default-ingress-cert")
	err := w.Until(ctx, "the ingress certificate", func(ctx context.Context) (string, error) {
		if err := w.API.Get(ctx, ref, &cm); err != nil {
			return fmt.Sprintf("%s: %s", ref, kube.Cause(err)), nil
		}
		if cm.Data["ca-bundle.crt"] == "" {
			return ref.String() + " has no ca-bundle.crt", nil
		}
		return "", nil
	})
	return []byte(cm.Data["ca-bundle.crt"]), err
}

type route struct {
	Status struct {
		Ingress []struct {
			Host       string
			Conditions []struct{ Type, Status string }
		}
	}
}

// ErrNoConsole says that the cluster has no console: the release or the capabilities leave it out.
var ErrNoConsole = errors.New("there is no route of the console in this cluster")

// Console waits for the console's route to be admitted and returns its URL. It fails with ErrNoConsole at once if there
// is none.
func (w *Watcher) Console(ctx context.Context) (url string, err error) {
	ref := kube.Routes.Ref("openshift-console", "console")
	err = w.Until(ctx, "the console", func(ctx context.Context) (string, error) {
		var r route
		err := w.API.Get(ctx, ref, &r)
		if kube.NotFound(err) {
			return "", ErrNoConsole
		}
		if err != nil {
			return fmt.Sprintf("%s: %s", ref, kube.Cause(err)), nil
		}
		for _, in := range r.Status.Ingress {
			for _, c := range in.Conditions {
				if c.Type == "Admitted" && c.Status == "True" {
					url = "https://" + in.Host
					return "", nil
				}
			}
		}
		return ref.String() + " is not admitted yet", nil
	})
	return url, err
}

// find returns the condition of a type, without a status if it is not reported.
func find(
	list []configv1.ClusterOperatorStatusCondition, kind configv1.ClusterStatusConditionType,
) configv1.ClusterOperatorStatusCondition {
	for _, c := range list {
		if c.Type == kind {
			return c
		}
	}
	return configv1.ClusterOperatorStatusCondition{}
}

func detail(c configv1.ClusterOperatorStatusCondition) string {
	return cmp.Or(c.Message, c.Reason) + kube.Since(c.LastTransitionTime.Time)
}
