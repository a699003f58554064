package nmstate

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
)

//go:embed manifests
var manifests embed.FS

// Names of what the operator starts.
const (
	handlerWorkload = "nmstate-handler"
	handlerName     = "kubernetes-nmstate-handler" // label component
)

// Reasons of an NMState.
const (
	deploying     = "Deploying"
	deployed      = "SuccessfullyDeployed"
	internalError = "InternalError"
)

var daemonSets = kube.Kind{Group: "apps", Version: "v1", Plural: "daemonsets"}

// Operator starts handlers for the NMState.
type Operator struct {
	Client    *api.Client
	Clock     clock.Clock
	Log       *slog.Logger
	Namespace string // of the handlers
	Image     string
}

// Run works until ctx ends.
func (o *Operator) Run(ctx context.Context, watcher dynamic.Interface) error {
	kinds := []kube.Kind{nmstates, daemonSets}
	for o.Client.List(ctx, nmstates, "", new(any)) != nil {
		if o.Clock.Sleep(ctx, retry) != nil {
			return nil
		}
	}
	always := func(any, any) bool { return true }
	return api.Follow(ctx, watcher, o.Clock, kinds, always, func([][]any) time.Duration {
		if err := o.round(ctx); err != nil && ctx.Err() == nil {
			o.Log.Error("cannot run handlers", "error", err)
			return retry
		}
		return relook
	})
}

func (o *Operator) round(ctx context.Context) error {
	all, err := list[NMState](ctx, o.Client, nmstates, "")
	if err != nil || len(all) == 0 {
		return err
	}
	slices.SortFunc(all, func(a, b NMState) int { return a.CreationTimestamp.Compare(b.CreationTimestamp.Time) })
	for _, more := range all[1:] {
		// As the real operator: there is one.
		o.Log.Info("removing an NMState: there is another", "name", more.Name, "other", all[0].Name)
		if err := o.Client.Delete(ctx, nmstates.Ref("", more.Name)); err != nil && !kube.NotFound(err) {
			return err
		}
	}
	n := all[0]
	if n.DeletionTimestamp != nil {
		return nil
	}
	before := slices.Clone(n.Status.Conditions)
	failure := o.apply(ctx, n)
	waits := ""
	if failure == nil {
		waits, failure = o.handlers(ctx)
	}
	n.report(waits, failure, o.Clock.Now())
	if !slices.Equal(before, n.Status.Conditions) {
		if err := o.Client.Update(ctx, nmstates.Ref("", n.Name), "status", &n); err != nil {
			return fmt.Errorf("write status of NMState: %w", err)
		}
	}
	return failure
}

// report sets the conditions.
func (n *NMState) report(waits string, failure error, now time.Time) {
	c := &n.Status.Conditions
	switch {
	case failure != nil:
		c.set(degraded, yes, internalError, failure.Error(), now)
		c.set(available, no, internalError, failure.Error(), now)
		c.set(progressing, no, internalError, failure.Error(), now)
	case waits != "":
		const text = "Deploying is in progress"
		c.set(progressing, yes, deploying, waits, now)
		c.set(available, no, deploying, text, now)
		c.set(degraded, no, deploying, text, now)
	default:
		const text = "All components are available and ready"
		c.set(progressing, no, deployed, text, now)
		c.set(available, yes, deployed, text, now)
		c.set(degraded, no, deployed, text, now)
	}
}

// handlers says what is missing until all handlers run.
func (o *Operator) handlers(ctx context.Context) (string, error) {
	var d appsv1.DaemonSet
	if err := o.Client.Get(ctx, daemonSets.Ref(o.Namespace, handlerWorkload), &d); err != nil {
		return "", err
	}
	s := d.Status
	switch {
	case s.ObservedGeneration < d.Generation:
		return fmt.Sprintf("DaemonSet %q update is being processed (generation %d, observed generation %d)",
			d.Name, d.Generation, s.ObservedGeneration), nil
	case s.DesiredNumberScheduled == 0:
		return fmt.Sprintf("DaemonSet %q is not yet scheduled on any nodes", d.Name), nil
	case s.NumberAvailable < s.DesiredNumberScheduled || s.UpdatedNumberScheduled < s.DesiredNumberScheduled:
		return fmt.Sprintf("DaemonSet %q is rolling out (%d of %d available, %d updated)",
			d.Name, s.NumberAvailable, s.DesiredNumberScheduled, s.UpdatedNumberScheduled), nil
	}
	return "", nil
}

// apply makes the definitions, which stay, and the handlers, which go with the NMState.
func (o *Operator) apply(ctx context.Context, n NMState) error {
	definitions, err := manifests.ReadFile("manifests/handler.crds.yaml")
	if err != nil {
		return err
	}
	if err := o.objects(ctx, definitions, nil); err != nil {
		return err
	}
	values := map[string]string{"Namespace": o.Namespace, "Image": o.Image}
	if n.Spec.NodeSelector == nil {
		n.Spec.NodeSelector = map[string]string{"kubernetes.io/os": "linux"}
	}
	if n.Spec.Tolerations == nil {
		n.Spec.Tolerations = []corev1.Toleration{{Operator: corev1.TolerationOpExists}}
	}
	if n.Spec.Affinity == nil {
		n.Spec.Affinity = &corev1.Affinity{}
	}
	for name, v := range map[string]any{
		"NodeSelector": n.Spec.NodeSelector, "Tolerations": n.Spec.Tolerations, "Affinity": n.Spec.Affinity,
	} {
		data, err := json.Marshal(v)
		if err != nil {
			return err
		}
		values[name] = string(data)
	}
	text, err := program.FillFile(manifests, "manifests/handler.yaml", values)
	if err != nil {
		return err
	}
	yes := true
	return o.objects(ctx, text, []metav1.OwnerReference{{
		APIVersion: "nmstate.io/v1", Kind: "NMState", Name: n.Name, UID: n.UID, Controller: &yes,
		BlockOwnerDeletion: &yes,
	}})
}

func (o *Operator) objects(ctx context.Context, text []byte, owners []metav1.OwnerReference) error {
	all, err := api.Decode(text)
	if err != nil {
		return fmt.Errorf("parse manifests: %w", err)
	}
	for _, u := range all {
		u.SetOwnerReferences(owners)
		if err := o.Client.ApplyObject(ctx, u); err != nil {
			return err
		}
	}
	return nil
}
