package cvo

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	configv1 "github.com/openshift/api/config/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/release/kube"
)

const (
	busyEvery = time.Second      // between looks while the release is coming up
	idleEvery = 10 * time.Second // between looks at operators afterwards
	resync    = 3 * time.Minute  // between full passes afterwards
	// patience is how long a failing manifest or a missing operator is taken
	// for something that is still starting.
	patience = 10 * time.Minute
)

var clusterVersion = configv1.GroupVersion.WithKind("ClusterVersion")

// operator brings one release to one cluster.
type operator struct {
	client  *kube.Client
	payload payload
	clock   clock.Clock
	log     *slog.Logger

	pending   []manifest // that the last pass could not apply
	overrides string     // for which everything was applied
	internal  string
	lastFull  time.Time
	troubled  time.Time // since when something has been missing; zero when nothing is
	said      string
}

func (o *operator) run(ctx context.Context) {
	for ctx.Err() == nil {
		done, err := o.sync(ctx)
		if err != nil && ctx.Err() == nil {
			o.say("cannot bring the release to the cluster", err.Error())
		}
		every := busyEvery
		if done {
			every = idleEvery
		}
		if o.clock.Sleep(ctx, every) != nil {
			return
		}
	}
}

// sync looks once, applies what is due and reports. done says that the whole
// release is in place.
func (o *operator) sync(ctx context.Context) (done bool, err error) {
	cv, err := o.clusterVersion(ctx)
	if err != nil {
		return false, err
	}
	if cv == nil {
		o.say("waiting for ClusterVersion", "version")
		return false, nil
	}
	internal, err := o.internalURL(ctx)
	if err != nil {
		return false, err
	}
	o.plan(cv, internal)
	g := progress{Total: len(o.payload.Manifests)}
	a := applier{api: o.client, overrides: cv.Spec.Overrides, internal: internal}
	var causes []error
	o.pending, causes = a.pass(ctx, o.pending)
	if g.Failed = len(o.pending); g.Failed > 0 {
		g.Err = causes[0]
	}
	operators, err := o.operators(ctx)
	if err != nil {
		return false, err
	}
	names := o.operatorNames()
	g.Waiting, g.Reasons = lookAtOperators(names, operators)
	now := o.clock.Now()
	if g.done() {
		o.troubled = time.Time{}
	} else if o.troubled.IsZero() {
		o.troubled = now
	}
	g.Lasting = !g.done() && now.Sub(o.troubled) > patience
	if g.done() {
		o.say("release is in place", o.payload.Version)
	} else {
		o.say("working towards "+o.payload.Version, g.problem())
	}
	return g.done(), o.report(ctx, cv, len(names), g, now)
}

// plan decides what this pass applies: everything at first, when overrides or
// addresses change, and every few minutes; else what failed before.
func (o *operator) plan(cv *configv1.ClusterVersion, internal string) {
	overrides := fmt.Sprintf("%+v", cv.Spec.Overrides)
	now := o.clock.Now()
	if o.lastFull.IsZero() || overrides != o.overrides || internal != o.internal || now.Sub(o.lastFull) >= resync {
		o.pending, o.overrides, o.internal, o.lastFull = o.payload.Manifests, overrides, internal, now
	}
}

func (o *operator) clusterVersion(ctx context.Context) (*configv1.ClusterVersion, error) {
	found, err := o.client.Get(ctx, clusterVersion, "", "version")
	if err != nil || found == nil {
		return nil, err
	}
	var cv configv1.ClusterVersion
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(found.Object, &cv); err != nil {
		return nil, fmt.Errorf("decode ClusterVersion: %w", err)
	}
	return &cv, nil
}

// internalURL is the API's address for hosts of the cluster, empty while
// there is no Infrastructure.
func (o *operator) internalURL(ctx context.Context) (string, error) {
	found, err := o.client.Get(ctx, configv1.GroupVersion.WithKind("Infrastructure"), "", "cluster")
	if err != nil || found == nil {
		return "", err
	}
	var infra configv1.Infrastructure
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(found.Object, &infra); err != nil {
		return "", fmt.Errorf("decode Infrastructure: %w", err)
	}
	return infra.Status.APIServerInternalURL, nil
}

func (o *operator) operatorNames() []string {
	var names []string
	for _, m := range o.payload.Manifests {
		if isClusterOperator(m.Object) {
			names = append(names, m.Object.GetName())
		}
	}
	return names
}

func (o *operator) operators(ctx context.Context) ([]configv1.ClusterOperator, error) {
	r, err := o.client.Resource(configv1.GroupVersion.WithKind("ClusterOperator"), "")
	if err != nil {
		return nil, err
	}
	list, err := r.List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list ClusterOperators: %w", err)
	}
	out := make([]configv1.ClusterOperator, len(list.Items))
	for i, item := range list.Items {
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(item.Object, &out[i]); err != nil {
			return nil, fmt.Errorf("decode ClusterOperator %s: %w", item.GetName(), err)
		}
	}
	return out, nil
}

// report writes ClusterVersion's status when it differs.
func (o *operator) report(ctx context.Context, cv *configv1.ClusterVersion, operators int, g progress, now time.Time) error {
	before := cv.Status.DeepCopy()
	setStatus(cv, o.payload, operators, g, now)
	if equality.Semantic.DeepEqual(before, &cv.Status) {
		return nil
	}
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(cv)
	if err != nil {
		return fmt.Errorf("encode ClusterVersion: %w", err)
	}
	r, err := o.client.Resource(clusterVersion, "")
	if err != nil {
		return err
	}
	u := toUnstructured(object)
	u.SetGroupVersionKind(clusterVersion)
	if _, err := r.UpdateStatus(ctx, u, metav1.UpdateOptions{FieldManager: "cluster-version-operator"}); err != nil {
		return fmt.Errorf("update status of ClusterVersion: %w", err)
	}
	return nil
}

// say logs a state once, not each time it is seen.
func (o *operator) say(what, detail string) {
	if line := what + detail; line != o.said {
		o.said = line
		o.log.Info(what, "detail", detail)
	}
}
