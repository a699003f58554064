package rollout

import (
	"context"
	"slices"
	"strings"
	"time"

	configv1 "github.com/openshift/api/config/v1"

	"github.com/okd-install/okd-install/pkg/kube"
)

// longQuiet is how many settling times an operator must have been quiet by the cluster's own clock to be believed at
// first sight. The clocks of a cluster's hosts differ by far less, or it would not work.
const longQuiet = 10

// sightings are when operators were first seen quiet, by this host's clock. An operator that changes gets a new entry.
type sightings map[sighting]time.Time

type sighting struct {
	operator string
	since    time.Time // what the operator says; only compared with itself
}

func sightingOf(name string, c configv1.ClusterOperatorStatusCondition) sighting {
	return sighting{name, c.LastTransitionTime.UTC()}
}

// note adds what is seen now, and forgets what is no longer seen.
func (s *sightings) note(operators []configv1.ClusterOperator, now time.Time) {
	next := sightings{}
	for _, co := range operators {
		c := find(co.Status.Conditions, configv1.OperatorProgressing)
		if c.Status != configv1.ConditionFalse {
			continue
		}
		key := sightingOf(co.Name, c)
		next[key] = now
		if first, known := (*s)[key]; known {
			next[key] = first
		}
	}
	*s = next
}

// onWorkers are the operators whose pods run on workers, in numbers that are chosen for the planned cluster. Those of
// the control plane do not depend on how many workers there are.
var onWorkers = []string{"image-registry", "ingress", "monitoring"}

// lingers is how many settling times operators may be the only ones that are not quiet, in a cluster that lacks nodes.
const lingers = 4

// Settled waits until no operator has been progressing for the settling time. This host's clock measures it, from the
// first look at an operator's last change; the times that operators write are never compared with it. Only an operator
// that has been quiet for much longer by the cluster's own clock need not be watched: then a run that goes on with a
// complete cluster ends at once.
//
// In a cluster that lacks workers some operators never fall quiet: that of the routers wants two of them on two
// workers. If they work, and all others are quiet, they are not waited for; Settled returns what they say.
func (w *Watcher) Settled(ctx context.Context) (lingering []string, err error) {
	// Read before the operators are: later, they would seem quiet for longer.
	cluster, err := w.API.Now(ctx)
	if err != nil {
		cluster = time.Time{} // then everything is watched
	}
	var names string // of those that are not quiet
	var since time.Time
	err = w.Until(ctx, "operators to settle", func(ctx context.Context) (string, error) {
		operators, err := w.operators(ctx)
		if err != nil {
			return "ClusterOperators: " + kube.Cause(err), nil
		}
		busy := w.busy(operators, cluster)
		if len(operators) > 0 && len(busy) == 0 {
			return "", nil
		}
		working := working(operators)
		if now := w.Clock.Now(); len(working) < len(busy) || names != strings.Join(working, " ") {
			names, since = strings.Join(working, " "), now
		} else if len(busy) > 0 && w.Incomplete != nil && w.Incomplete() && now.Sub(since) >= lingers*w.Settle {
			lingering = busy
			return "", nil
		}
		return "operators settling: " + strings.Join(busy, ", "), nil
	})
	if err != nil {
		return nil, &Unsettled{Err: err}
	}
	return lingering, nil
}

// working names the operators on workers that are progressing and available, and not degraded.
func working(operators []configv1.ClusterOperator) []string {
	var out []string
	for _, co := range operators {
		is := func(kind configv1.ClusterStatusConditionType) bool {
			return find(co.Status.Conditions, kind).Status == configv1.ConditionTrue
		}
		works := is(configv1.OperatorAvailable) && !is(configv1.OperatorDegraded)
		if works && is(configv1.OperatorProgressing) && slices.Contains(onWorkers, co.Name) {
			out = append(out, co.Name)
		}
	}
	return out
}

// busy names the operators that are not quiet, or not for long enough. The cluster's time is zero if it is not known.
func (w *Watcher) busy(operators []configv1.ClusterOperator, cluster time.Time) []string {
	now := w.Clock.Now()
	w.quiet.note(operators, now)
	var out []string
	for _, co := range operators {
		c := find(co.Status.Conditions, configv1.OperatorProgressing)
		switch {
		case c.Status == "":
			out = append(out, co.Name+" (not reported)")
		case c.Status != configv1.ConditionFalse:
			out = append(out, co.Name+" ("+detail(c)+")")
		case now.Sub(w.quiet[sightingOf(co.Name, c)]) >= w.Settle:
		case !cluster.IsZero() && !c.LastTransitionTime.IsZero() &&
			cluster.Sub(c.LastTransitionTime.Time) >= longQuiet*w.Settle:
		default:
			out = append(out, co.Name+" (quiet for less than "+w.Settle.String()+")")
		}
	}
	return out
}
