// Package olm is the lab's lifecycle manager and marketplace: catalogs, subscriptions
// and installations of operators with the API, the states and the reasons of OKD's.
// One process does what four do there.
package olm

import (
	"context"
	"errors"
	"time"

	configv1 "github.com/openshift/api/config/v1"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/operator"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
	"github.com/okd-install/okd-install/pkg/lab/release/olm/packages"
	"github.com/okd-install/okd-install/pkg/lab/release/olm/source"
)

const (
	busyEvery = time.Second      // between looks while something is under way
	slowEvery = 5 * time.Second  // when that has led to nothing for a while
	idleEvery = 15 * time.Second // between looks otherwise; changes are seen at once
	patience  = time.Minute

	// marketplaceNamespace has the catalogs that all namespaces use.
	marketplaceNamespace = "openshift-marketplace"
	ownNamespace         = "openshift-operator-lifecycle-manager"
)

// Operator is the manager of a cluster.
type Operator struct {
	Client  *api.Client
	Clock   clock.Clock
	News    program.News
	Version string // of the release
	Image   string // with the programs that unpack bundles
	// UnpackDeadline is how long a bundle may take to unpack.
	UnpackDeadline time.Duration

	pool     source.Pool
	packages *packages.Server
	// dial gives the address of a catalog's registry; tests have other ones.
	dial    func(service, clusterIP string) string
	changed bool      // something was written in this round
	news    time.Time // when something was written
	reports map[string]time.Time
}

// Run works until ctx ends.
func (o *Operator) Run(ctx context.Context) error {
	if o.UnpackDeadline == 0 {
		o.UnpackDeadline = 10 * time.Minute
	}
	if o.dial == nil {
		o.dial = func(_, clusterIP string) string { return clusterIP + ":50051" }
	}
	watcher, err := o.Client.Watcher()
	if err != nil {
		return err
	}
	always := func(_, _ any) bool { return true }
	return api.Follow(ctx, watcher, o.Clock, followed, always, func(lists [][]any) time.Duration {
		return o.round(ctx, lists)
	})
}

// round brings everything one step further.
func (o *Operator) round(ctx context.Context, lists [][]any) time.Duration {
	w, err := readWorld(lists)
	if err != nil {
		o.News.Say("objects", err.Error())
		return busyEvery
	}
	o.changed = false
	busy, errs := false, []error{}
	for _, step := range []func(context.Context, *world) (bool, error){
		o.marketplace, o.catalogs, o.groups, o.resolve, o.install, o.serviceVersions,
	} {
		b, err := step(ctx, &w)
		busy = busy || b
		errs = append(errs, err)
	}
	errs = append(errs, o.report(ctx))
	if ctx.Err() != nil {
		return idleEvery
	}
	err = errors.Join(errs...)
	if err != nil {
		o.News.Say("round", err.Error())
	} else {
		o.News.Say("round", "as expected")
	}
	if o.changed || o.news.IsZero() {
		o.news = o.Clock.Now()
	}
	switch {
	case !o.changed && !busy && err == nil:
		return idleEvery
	case o.Clock.Now().Sub(o.news) > patience:
		return slowEvery
	}
	return busyEvery
}

// report tells the version operator that the manager works.
func (o *Operator) report(ctx context.Context) error {
	const every = time.Minute
	if now := o.Clock.Now(); now.Sub(o.reports["all"]) < every {
		return nil
	} else if o.reports == nil {
		o.reports = map[string]time.Time{}
	}
	namespace := func(name string) []configv1.ObjectReference {
		return []configv1.ObjectReference{{Resource: "namespaces", Name: name}}
	}
	release := "Available release version: " + o.Version
	var errs []error
	for _, r := range []struct {
		name, reason, message string
		related               []configv1.ObjectReference
		ready                 bool
	}{
		{"marketplace", "OperatorAvailable", release, namespace(marketplaceNamespace), true},
		{"operator-lifecycle-manager", operator.AsExpected, "", namespace(ownNamespace), true},
		{"operator-lifecycle-manager-catalog", operator.AsExpected, "", namespace(ownNamespace), true},
		{"operator-lifecycle-manager-packageserver", "ClusterServiceVersionSucceeded",
			"ClusterServiceVersion " + ownNamespace + "/packageserver observed in phase Succeeded", namespace(ownNamespace),
			o.packages == nil || o.packages.Ready()},
	} {
		s := operator.Status{
			Name: r.name, Related: r.related,
			Conditions: []operator.Condition{
				{Type: "Available", Status: r.ready, Reason: r.reason, Message: r.message},
				{Type: "Progressing", Status: !r.ready, Reason: r.reason},
				{Type: "Degraded", Reason: operator.AsExpected},
			},
		}
		if r.ready {
			s.Versions = []configv1.OperandVersion{{Name: "operator", Version: o.Version}}
		}
		if err := operator.Report(ctx, o.Client, s, o.Clock.Now()); err != nil {
			errs = append(errs, err)
		}
		if !r.ready {
			errs = append(errs, errors.New("the API of PackageManifests is not served yet"))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	o.reports["all"] = o.Clock.Now()
	return nil
}
