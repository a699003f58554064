package proof

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
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
	vmFirst      = 30 * time.Second // that the VM may take before its namespace is removed with it
	interruption = 15 * time.Second // for what is done after Ctrl-C: the user waits for the prompt
)

// labels mark all objects of a run.
func (r *run) labels() map[string]string { return map[string]string{managed: manager, testLabel: r.id} }

// makeNamespace makes the namespace of the run. Pods in it are not confined by Pod Security, which would be about this
// test and not about VMs.
func (r *run) makeNamespace(ctx context.Context) *fault {
	name := prefix + r.id
	labels := r.labels()
	labels["pod-security.kubernetes.io/enforce"] = "privileged"
	labels["security.openshift.io/scc.podSecurityLabelSync"] = "false"
	// The answer may be lost although the namespace is there: what there is to remove is known by name first.
	r.namespace = name
	return r.ask(ctx, "make namespace "+name, func(ctx context.Context) error {
		now, err := r.API.Now(ctx)
		if err != nil {
			return err
		}
		ns := corev1.Namespace{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Namespace"},
			ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels,
				Annotations: map[string]string{aliveNote: now.UTC().Format(time.RFC3339)}}}
		err = r.API.Create(ctx, namespaces, "", &ns)
		if apierrors.IsAlreadyExists(err) { // the answer to an earlier request was lost
			ns = corev1.Namespace{}
			err = r.API.Get(ctx, namespaces.Ref("", name), &ns)
		}
		if err == nil && ns.Labels[testLabel] == r.id {
			r.uid = string(ns.UID)
		}
		return err
	})
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
	f := r.ask(ctx, "list namespaces", func(ctx context.Context) error {
		query := url.Values{"labelSelector": {testLabel + "," + managed + "=" + manager}}
		return r.API.Query(ctx, namespaces, "", query, &list)
	})
	if f != nil {
		return under(ctx, f, "what earlier runs left is not known")
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
		f = r.ask(ctx, "see whether another test still runs in "+ns.Name, func(ctx context.Context) (err error) {
			alive, err = r.alive(ctx, ns)
			return err
		})
		if f != nil || alive {
			return alive, f
		}
		var not *fault
		f = r.ask(ctx, "see what is in namespace "+ns.Name, func(ctx context.Context) (err error) {
			not, err = r.notOurs(ctx, ns)
			return err
		})
		if f != nil || not != nil {
			return false, cmp.Or(f, not)
		}
		f = r.ask(ctx, "delete namespace "+ns.Name, func(ctx context.Context) error {
			return r.remove(ctx, ns.Name, string(ns.UID))
		})
		if f != nil {
			return false, f
		}
	}
	return false, r.gone(ctx, removal, ns.Name)
}

// remove deletes a namespace if it is still the one with that UID.
func (r *run) remove(ctx context.Context, name, uid string) error {
	err := r.API.DeleteExactly(ctx, namespaces.Ref("", name), uid)
	if kube.NotFound(err) {
		return nil
	}
	return err
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

// notOurs reads a namespace with the label back, and what is in it: somebody may have copied the label, or put their
// own things there. The result is why it is left alone, nil if it is ours.
func (r *run) notOurs(ctx context.Context, ns corev1.Namespace) (*fault, error) {
	id := strings.TrimPrefix(ns.Name, prefix)
	alone := func(format string, args ...any) (*fault, error) {
		return &fault{"namespace " + ns.Name + " is left alone", fmt.Sprintf(format, args...),
			"look what is in it, and remove what you do not need yourself: oc get all,vm,datavolume,pvc -n " + ns.Name}, nil
	}
	var again corev1.Namespace
	if err := r.API.Get(ctx, namespaces.Ref("", ns.Name), &again); err != nil {
		return nil, err
	}
	if again.UID != ns.UID || id == ns.Name || again.Labels[testLabel] != id || again.Labels[managed] != manager ||
		again.Annotations[aliveNote] == "" {
		return alone("it has label %s, but is not as this test makes its namespaces", testLabel)
	}
	for _, k := range []kube.Kind{machines, instances, volumes, claims, kube.Pods} {
		var list metav1.PartialObjectMetadataList
		if err := r.API.List(ctx, k, ns.Name, &list); err != nil && !kube.NotFound(err) {
			return nil, err
		}
		for _, o := range list.Items {
			if o.Labels[testLabel] != id && len(o.OwnerReferences) == 0 {
				return alone("%s %s in it is not of this test", k.Plural, o.Name)
			}
		}
	}
	return nil, nil //nolint:nilnil // nothing stands against it
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
	} else if r.status(Running) == Passed {
		r.removeMachine(ctx)
	}
	f := r.ask(ctx, "delete namespace "+r.namespace, func(ctx context.Context) error {
		if r.uid == "" { // the answer to Create was lost
			var ns corev1.Namespace
			err := r.API.Get(ctx, namespaces.Ref("", r.namespace), &ns)
			if kube.NotFound(err) || err == nil && ns.Labels[testLabel] != r.id {
				return nil
			}
			if err != nil {
				return err
			}
			r.uid = string(ns.UID)
		}
		return r.remove(ctx, r.namespace, r.uid)
	})
	if f != nil && ctx.Err() != nil && !broken { // interrupted right now
		return r.cleanUp(ctx)
	}
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

// removeMachine removes the VM ahead of its namespace: a namespace that still has contents when it is removed is looked
// at again only after many seconds. A failure does not matter, since the namespace takes the VM along.
func (r *run) removeMachine(ctx context.Context) {
	f := r.ask(ctx, "delete the VM", func(ctx context.Context) error {
		return r.API.Delete(ctx, machines.Ref(r.namespace, vmName))
	})
	if f != nil {
		return
	}
	_ = r.until(ctx, vmFirst, CleanUp, func(ctx context.Context) (seen, error) {
		vmi, err := r.instance(ctx)
		if kube.NotFound(err) {
			return seen{}, nil
		}
		text := "the VM is being removed"
		if vmi.DeletionTimestamp != nil {
			text += kube.Since(vmi.DeletionTimestamp.Time)
		}
		return seen{missing: text}, err
	})
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
		"its objects have finalizers that nobody removes; see that virt-controller and cdi-deployment run: oc get pods -A " +
			"| grep -E 'virt-controller|cdi-deployment'"}
}
