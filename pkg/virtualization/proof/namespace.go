package proof

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/kube"
)

const (
	prefix    = "okd-install-virtualization-test-" // of namespaces
	testLabel = "okd-install.io/virtualization-test"
	managed   = "app.kubernetes.io/managed-by"
	manager   = "okd-install"
	// aliveNote is when the run that has made a namespace was last alive, by the API's clock.
	aliveNote = "okd-install.io/alive"

	beat = 10 * time.Second // between two notes
	// dead is for how long a run must not have noted anything until its namespace is taken for a leftover.
	dead = time.Minute

	removal      = 3 * time.Minute  // that a namespace may take to go
	interruption = 15 * time.Second // for what is done after Ctrl-C: the user waits for the prompt
)

// labels mark all objects of a run.
func (r *run) labels() map[string]string { return map[string]string{managed: manager, testLabel: r.id} }

// make makes the namespace of the run. The pods of VMs, and those that connect to them, are not confined by Pod
// Security, which would be about this test and not about VMs.
func (r *run) makeNamespace(ctx context.Context) *fault {
	const advice = administrator + ", and see that the API answers"
	now, err := r.API.Now(ctx)
	if err != nil {
		return &fault{"the API was not asked successfully", kube.Cause(err), advice}
	}
	name := prefix + r.id
	labels := r.labels()
	labels["pod-security.kubernetes.io/enforce"] = "privileged"
	labels["security.openshift.io/scc.podSecurityLabelSync"] = "false"
	ns := corev1.Namespace{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Namespace"},
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels,
			Annotations: map[string]string{aliveNote: now.UTC().Format(time.RFC3339)}}}
	// The answer may be lost although the namespace is there: what there is to remove is known by name first.
	r.namespace = name
	if err := r.API.Create(ctx, namespaces, "", &ns); err != nil {
		return &fault{"namespace " + name + " was not made", kube.Cause(err), advice}
	}
	r.uid = string(ns.UID)
	return nil
}

// keepAlive notes every now and then that the run goes on, until stop is called.
func (r *run) keepAlive(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() {
		for r.Clock.Sleep(ctx, beat) == nil {
			if err := r.noteAlive(ctx); err != nil && ctx.Err() == nil {
				event.Debug(r.Sink, "namespace "+r.namespace+" was not told that the test goes on", "err", kube.Cause(err))
			}
		}
	})
	return func() { cancel(); done.Wait() }
}

func (r *run) noteAlive(ctx context.Context) error {
	now, err := r.API.Now(ctx)
	if err != nil {
		return err
	}
	note := map[string]any{aliveNote: now.UTC().Format(time.RFC3339)}
	return r.API.Patch(ctx, namespaces.Ref("", r.namespace), "",
		map[string]any{"metadata": map[string]any{"annotations": note}})
}

// leftovers removes the namespaces of runs that were killed.
func (r *run) leftovers(ctx context.Context) outcome {
	var list corev1.NamespaceList
	query := url.Values{"labelSelector": {testLabel + "," + managed + "=" + manager}}
	if err := r.API.Query(ctx, namespaces, "", query, &list); err != nil && !kube.NotFound(err) {
		return failed("namespaces were not listed", kube.Cause(err), administrator)
	}
	var removed, left []string
	var wrong *fault
	for _, ns := range list.Items {
		if ns.Name == r.namespace {
			continue
		}
		switch alive, f := r.leftover(ctx, ns); {
		case f != nil:
			wrong = f
		case alive:
			left = append(left, ns.Name)
		default:
			removed = append(removed, ns.Name)
		}
	}
	switch {
	case ctx.Err() != nil:
		return interrupted(ctx)
	case wrong != nil:
		return wrong.outcome()
	case len(removed)+len(left) == 0:
		return passed("no earlier run has left anything")
	case len(left) > 0 && len(removed) > 0:
		return passed("removed %s; another test runs in %s", and(removed), and(left))
	case len(left) > 0:
		return passed("another test runs in %s", and(left))
	}
	return passed("removed %s", and(removed))
}

// leftover removes the namespace of another run, unless that run is alive.
func (r *run) leftover(ctx context.Context, ns corev1.Namespace) (alive bool, f *fault) {
	if ns.DeletionTimestamp == nil {
		alive, err := r.alive(ctx, ns)
		if err != nil {
			return false, &fault{"whether another test still runs in " + ns.Name + " is not known", kube.Cause(err),
				"see that the API answers, and run the same command again: " + r.Options.Again}
		}
		if alive {
			return true, nil
		}
		if f := r.proveOurs(ctx, ns); f != nil {
			return false, f
		}
		if err := r.API.DeleteExactly(ctx, namespaces.Ref("", ns.Name), string(ns.UID)); err != nil && !kube.NotFound(err) {
			return false, &fault{"namespace " + ns.Name + " of an earlier run was not removed", kube.Cause(err), administrator}
		}
	}
	return false, r.gone(ctx, removal, ns.Name)
}

// alive watches the note of another run until it changes, or has not for too long. The run's last sign of life counts
// from the API's clock; whether it changes from ours.
func (r *run) alive(ctx context.Context, ns corev1.Namespace) (bool, error) {
	now, err := r.API.Now(ctx)
	if err != nil {
		return false, err
	}
	note := ns.Annotations[aliveNote]
	last, err := time.Parse(time.RFC3339, note)
	if err != nil {
		last = ns.CreationTimestamp.Time
	}
	if now.Sub(last) >= dead {
		return false, nil
	}
	until := r.Clock.Now().Add(dead)
	for r.Clock.Now().Before(until) {
		if err := r.Clock.Sleep(ctx, beat/2); err != nil {
			return false, err
		}
		var again corev1.Namespace
		err := r.API.Get(ctx, namespaces.Ref("", ns.Name), &again)
		if kube.NotFound(err) {
			return true, nil // it has removed its own
		}
		if err != nil {
			return false, err
		}
		if again.UID != ns.UID || again.DeletionTimestamp != nil || again.Annotations[aliveNote] != note {
			return true, nil
		}
	}
	return false, nil
}

// proveOurs reads a namespace with the label back, and what is in it: somebody may have copied the label, or put things
// of their own there.
func (r *run) proveOurs(ctx context.Context, ns corev1.Namespace) *fault {
	id := strings.TrimPrefix(ns.Name, prefix)
	advice := "look what is in it, and remove what you do not need yourself: oc get all,vm,datavolume,pvc -n " + ns.Name
	var again corev1.Namespace
	if err := r.API.Get(ctx, namespaces.Ref("", ns.Name), &again); err != nil {
		return &fault{"namespace " + ns.Name + " was not read back", kube.Cause(err), administrator}
	}
	if again.UID != ns.UID || id == ns.Name || again.Labels[testLabel] != id || again.Labels[managed] != manager ||
		again.Annotations[aliveNote] == "" {
		return &fault{"namespace " + ns.Name + " is left alone",
			"it has label " + testLabel + ", but is not as this test makes its namespaces", advice}
	}
	for _, k := range []kube.Kind{machines, instances, volumes, claims, kube.Pods} {
		var list metav1.PartialObjectMetadataList
		if err := r.API.List(ctx, k, ns.Name, &list); err != nil && !kube.NotFound(err) {
			return &fault{"namespace " + ns.Name + " of an earlier run was not removed",
				"what is in it was not listed: " + kube.Cause(err), administrator}
		}
		for _, o := range list.Items {
			if o.Labels[testLabel] != id && len(o.OwnerReferences) == 0 {
				return &fault{"namespace " + ns.Name + " is left alone", fmt.Sprintf("%s %s in it is not of this test",
					k.Plural, o.Name), advice}
			}
		}
	}
	return nil
}

// cleanUp removes the namespace of the run. After an interruption it does not wait until all is gone.
func (r *run) cleanUp(ctx context.Context) outcome {
	if r.namespace == "" {
		return skipped("nothing was made")
	}
	broken := ctx.Err() != nil
	next := "the next test removes it, or: oc delete namespace " + r.namespace
	if broken {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), interruption)
		defer cancel()
	}
	f := r.until(ctx, interruption, CleanUp, func(ctx context.Context) (seen, error) {
		if r.uid == "" { // the answer to Create was lost
			var ns corev1.Namespace
			err := r.API.Get(ctx, namespaces.Ref("", r.namespace), &ns)
			if kube.NotFound(err) {
				return seen{}, nil
			}
			if err != nil {
				return seen{}, err
			}
			if ns.Labels[testLabel] != r.id {
				return broken2(r.namespace), nil
			}
			r.uid = string(ns.UID)
		}
		err := r.API.DeleteExactly(ctx, namespaces.Ref("", r.namespace), r.uid)
		if kube.NotFound(err) {
			err = nil
		}
		return seen{}, err
	})
	if f != nil {
		return failed("namespace "+r.namespace+" was not removed", f.cause, next)
	}
	if broken {
		return passed("namespace %s is being removed", r.namespace)
	}
	if f := r.gone(ctx, removal, r.namespace); f != nil {
		if ctx.Err() != nil {
			return passed("namespace %s is being removed", r.namespace)
		}
		return f.outcome()
	}
	return passed("namespace %s is gone", r.namespace)
}

func broken2(namespace string) seen {
	return broken("namespace "+namespace+" is not ours", "it lacks the label of this run", "look what is in it")
}

// gone waits until a namespace has been removed.
func (r *run) gone(ctx context.Context, limit time.Duration, name string) *fault {
	f := r.until(ctx, limit, "namespace "+name, func(ctx context.Context) (seen, error) {
		var ns corev1.Namespace
		err := r.API.Get(ctx, namespaces.Ref("", name), &ns)
		if kube.NotFound(err) {
			return seen{}, nil
		}
		if err != nil {
			return seen{}, err
		}
		var left []string
		for _, c := range conditions(ns.Status.Conditions) {
			if c.Status == "True" {
				left = append(left, c.String())
			}
		}
		text := "namespace " + name + " is being removed"
		if ns.DeletionTimestamp != nil {
			text += kube.Since(ns.DeletionTimestamp.Time)
		}
		slices.Sort(left)
		return seen{missing: strings.Join(append([]string{text}, left...), "; ")}, nil
	})
	if f == nil {
		return nil
	}
	return &fault{"namespace " + name + " is not gone: " + f.reason, f.cause,
		"its objects have finalizers that nobody removes; see that virt-controller and cdi-deployment run: oc get pods -A | " +
			"grep -E 'virt-controller|cdi-deployment'"}
}
