package cvo

import (
	"context"
	"fmt"
	"time"

	configv1 "github.com/openshift/api/config/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
)

const (
	busyEvery = time.Second      // between looks while the release is coming up
	idleEvery = 10 * time.Second // between looks at operators afterwards
	resync    = 3 * time.Minute  // between full passes afterwards
	// patience is how long failures are taken for something that is still starting.
	patience = 10 * time.Minute
)

// updater brings one release to one cluster.
type updater struct {
	client  *api.Client
	payload payload
	clock   clock.Clock
	news    program.News

	pending   []api.Manifest // that the last pass could not apply
	overrides string         // for which everything was applied
	internal  string
	lastFull  time.Time
	troubled  time.Time // since when something has been missing; zero when nothing is
}

// step looks once, applies what is due and reports.
func (u *updater) step(ctx context.Context) (pause time.Duration, err error) {
	var cv configv1.ClusterVersion
	err = u.client.Get(ctx, kube.ClusterVersions.Ref("", "version"), &cv)
	if kube.NotFound(err) {
		u.news.Say("release", "waiting for ClusterVersion version")
		return busyEvery, nil
	}
	// Its status names the API's address for hosts of the cluster.
	var infra configv1.Infrastructure
	if err == nil {
		err = u.client.Get(ctx, api.Config("infrastructures").Ref("", "cluster"), &infra)
	}
	if err != nil && !kube.NotFound(err) {
		return busyEvery, err
	}
	internal := infra.Status.APIServerInternalURL
	u.plan(&cv, internal)
	g := progress{Total: len(u.payload.Manifests)}
	a := applier{api: u.client, overrides: cv.Spec.Overrides, internal: internal}
	var causes []error
	u.pending, causes = api.Pass(ctx, u.pending, a.put)
	if g.Failed = len(u.pending); g.Failed > 0 {
		g.Err = causes[0]
	}
	var operators configv1.ClusterOperatorList
	if err := u.client.List(ctx, kube.ClusterOperators, "", &operators); err != nil {
		return busyEvery, err
	}
	names := u.operatorNames()
	g.Waiting, g.Reasons = lookAtOperators(names, operators.Items)
	u.judge(&g)
	pause = busyEvery
	if g.done() {
		pause = idleEvery
	}
	return pause, u.report(ctx, &cv, len(names), g)
}

// plan decides what this pass applies: everything at first, after a change and every
// few minutes; else what failed before.
func (u *updater) plan(cv *configv1.ClusterVersion, internal string) {
	overrides := fmt.Sprintf("%+v", cv.Spec.Overrides)
	now := u.clock.Now()
	if u.lastFull.IsZero() || overrides != u.overrides || internal != u.internal || now.Sub(u.lastFull) >= resync {
		u.pending, u.overrides, u.internal, u.lastFull = u.payload.Manifests, overrides, internal, now
	}
}

// judge decides whether the release has been incomplete for too long.
func (u *updater) judge(g *progress) {
	if g.done() {
		u.troubled = time.Time{}
		u.news.Say("release", u.payload.Version+" is in place")
		return
	}
	now := u.clock.Now()
	if u.troubled.IsZero() {
		u.troubled = now
	}
	g.Lasting = now.Sub(u.troubled) > patience
	u.news.Say("release", "working towards "+u.payload.Version+", waiting on "+g.problem())
}

func (u *updater) operatorNames() []string {
	var names []string
	for _, m := range u.payload.Manifests {
		if isClusterOperator(m.Object) {
			names = append(names, m.Object.GetName())
		}
	}
	return names
}

// report writes ClusterVersion's status when it differs.
func (u *updater) report(ctx context.Context, cv *configv1.ClusterVersion, operators int, g progress) error {
	before := cv.Status.DeepCopy()
	setStatus(cv, u.payload, operators, g, u.clock.Now())
	if equality.Semantic.DeepEqual(before, &cv.Status) {
		return nil
	}
	if err := u.client.Update(ctx, kube.ClusterVersions.Ref("", cv.Name), "status", cv); err != nil {
		return fmt.Errorf("update status of ClusterVersion: %w", err)
	}
	return nil
}
