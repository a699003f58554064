package olm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/operator-framework/api/pkg/operators/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/olm/resolve"
)

// Reasons of conditions that the API module has no names for.
const (
	constraintsNotSatisfiable = "ConstraintsNotSatisfiable"
	errorPreventedResolution  = "ErrorPreventedResolution"
	unpackingInProgress       = "UnpackingInProgress"
	bundleUnpackFailed        = "BundleUnpackFailed"
)

// probeLimit is for a catalog that does not answer: the call's error says why.
const probeLimit = 3 * time.Second

// resolve looks at the subscriptions of each namespace together.
func (o *Operator) resolve(ctx context.Context, w *world) (busy bool, err error) {
	var errs []error
	var done []string
	for _, s := range w.subs {
		if slices.Contains(done, s.Namespace) {
			continue
		}
		done = append(done, s.Namespace)
		b, err := o.resolveNamespace(ctx, w, s.Namespace)
		busy = busy || b
		if err != nil {
			errs = append(errs, fmt.Errorf("namespace %s: %w", s.Namespace, err))
		}
	}
	return busy, errors.Join(errs...)
}

func (o *Operator) resolveNamespace(ctx context.Context, w *world, namespace string) (busy bool, err error) {
	var subs []*v1alpha1.Subscription
	var before []v1alpha1.SubscriptionStatus
	for i := range w.subs {
		if s := &w.subs[i]; s.Namespace == namespace && s.DeletionTimestamp == nil && s.Spec != nil {
			subs, before = append(subs, s), append(before, *s.Status.DeepCopy())
		}
	}
	defer func() {
		for i, s := range subs {
			if hashOf(before[i]) != hashOf(s.Status) {
				s.Status.LastUpdated = metav1.NewTime(o.now())
			}
			err = errors.Join(err, o.writeStatus(ctx, subscriptions.Ref(namespace, s.Name), before[i], s.Status, s))
		}
	}()
	pending := false
	for _, s := range subs {
		o.catalogHealth(w, s)
		underWay, failed := o.planCondition(w, s)
		pending = pending || underWay || failed
		if !failed {
			o.installed(w, s)
		}
	}
	// One plan at a time in a namespace, as it may change what is there.
	if pending {
		return true, nil
	}
	choices, waiting, err := o.choose(ctx, w, namespace, subs)
	var unsatisfiable resolve.NotSatisfiable
	switch {
	case errors.As(err, &unsatisfiable):
		o.setAll(subs, v1alpha1.SubscriptionResolutionFailed, constraintsNotSatisfiable, err.Error())
		return true, nil
	case err != nil:
		o.setAll(subs, v1alpha1.SubscriptionResolutionFailed, errorPreventedResolution, err.Error())
		return true, nil
	}
	for _, s := range subs {
		s.Status.RemoveConditions(v1alpha1.SubscriptionResolutionFailed)
	}
	if waiting || len(choices) == 0 {
		return waiting, nil
	}
	return true, o.plan(ctx, w, namespace, subs, choices)
}

// choose asks the resolver. The whole namespace waits for the catalogs that it can use.
func (o *Operator) choose(ctx context.Context, w *world, namespace string, subs []*v1alpha1.Subscription) (
	[]resolve.Choice, bool, error) {
	var ask []resolve.Subscription
	for _, s := range subs {
		if csv := stranger(w, s, subs); csv != "" {
			return nil, false, resolve.NotSatisfiable{Constraints: []string{
				fmt.Sprintf("clusterserviceversion %s exists and is not referenced by a subscription", csv),
				fmt.Sprintf("subscription %s exists", s.Name),
			}}
		}
		if s.Status.CurrentCSV != "" && s.Status.InstalledCSV != s.Status.CurrentCSV {
			return nil, true, nil // its CSV is on the way
		}
		if csv := w.csv(namespace, s.Status.InstalledCSV); csv != nil && csv.Status.Phase != v1alpha1.CSVPhaseSucceeded {
			return nil, true, nil // nothing is replaced before it works
		}
		ask = append(ask, resolve.Subscription{
			Name: s.Name, Package: s.Spec.Package, Channel: s.Spec.Channel, StartingCSV: s.Spec.StartingCSV,
			Catalog:   types.NamespacedName{Namespace: s.Spec.CatalogSourceNamespace, Name: s.Spec.CatalogSource},
			Installed: s.Status.InstalledCSV,
		})
	}
	var catalogs []resolve.Catalog
	for _, c := range w.usable(namespace) {
		if c.Status.GRPCConnectionState == nil {
			continue // not looked at yet
		}
		content := o.pool.Known(keyOf(c))
		if !healthy(c) || content == nil {
			call, cancel := context.WithTimeout(ctx, probeLimit)
			_, err := o.pool.Catalog(call, keyOf(c), "")
			cancel()
			if err == nil {
				return nil, true, nil
			}
			return nil, false, fmt.Errorf("failed to populate resolver cache from source %s/%s: failed to list bundles: %w",
				c.Name, c.Namespace, err)
		}
		catalogs = append(catalogs, resolve.Catalog{Key: keyOf(c), Priority: c.Spec.Priority, Catalog: content})
	}
	choices, err := resolve.Next(ask, catalogs, present(w, namespace))
	return choices, false, err
}

// stranger is a CSV of the subscription's package that no subscription has installed.
func stranger(w *world, s *v1alpha1.Subscription, subs []*v1alpha1.Subscription) string {
	if s.Status.InstalledCSV != "" || s.Status.CurrentCSV != "" {
		return ""
	}
	for _, c := range w.csvs {
		if c.Namespace != s.Namespace || c.IsCopied() || packageOf(c.Annotations) != s.Spec.Package {
			continue
		}
		if !slices.ContainsFunc(subs, func(o *v1alpha1.Subscription) bool { return o.Status.InstalledCSV == c.Name }) {
			return c.Name
		}
	}
	return ""
}

// present are the operators in a namespace.
func present(w *world, namespace string) []resolve.Present {
	var out []resolve.Present
	for _, c := range w.csvs {
		if c.Namespace != namespace || c.IsCopied() {
			continue
		}
		p := resolve.Present{CSV: c.Name, Version: c.Spec.Version.String(), Package: packageOf(c.Annotations)}
		for _, d := range c.Spec.CustomResourceDefinitions.Owned {
			p.Provides = append(p.Provides, resolve.GVK{Group: groupOf(d.Name), Version: d.Version, Kind: d.Kind})
		}
		out = append(out, p)
	}
	return out
}

func (w *world) csv(namespace, name string) *v1alpha1.ClusterServiceVersion {
	for i := range w.csvs {
		if c := &w.csvs[i]; c.Namespace == namespace && c.Name == name {
			return c
		}
	}
	return nil
}

// catalogHealth says which of the catalogs that a subscription could use answer.
func (o *Operator) catalogHealth(w *world, s *v1alpha1.Subscription) {
	now := metav1.NewTime(o.now())
	all, missing, message := true, true, ""
	var health []v1alpha1.SubscriptionCatalogHealth
	for _, c := range w.usable(s.Namespace) {
		h := v1alpha1.SubscriptionCatalogHealth{
			CatalogSourceRef: &corev1.ObjectReference{
				APIVersion: group + "/v1alpha1", Kind: v1alpha1.CatalogSourceKind, Namespace: c.Namespace, Name: c.Name,
				UID: c.UID, ResourceVersion: c.ResourceVersion,
			},
			Healthy: healthy(c), LastUpdated: &now,
		}
		for _, old := range s.Status.CatalogHealth {
			if old.CatalogSourceRef != nil && old.Equals(h) {
				h = old // its versions and times say nothing new
			}
		}
		all = all && h.Healthy
		if c.Namespace == s.Spec.CatalogSourceNamespace && c.Name == s.Spec.CatalogSource {
			missing = false
			if !h.Healthy {
				message = fmt.Sprintf("targeted catalogsource %s/%s unhealthy", c.Namespace, c.Name)
			}
		}
		health = append(health, h)
	}
	s.Status.CatalogHealth = health
	cond := v1alpha1.SubscriptionCondition{
		Type: v1alpha1.SubscriptionCatalogSourcesUnhealthy, Status: corev1.ConditionFalse,
		Reason: v1alpha1.AllCatalogSourcesHealthy, Message: "all available catalogsources are healthy",
	}
	if missing {
		all = false
		message = fmt.Sprintf("targeted catalogsource %s/%s missing", s.Spec.CatalogSourceNamespace, s.Spec.CatalogSource)
	}
	if !all {
		cond.Status, cond.Reason, cond.Message = corev1.ConditionTrue, v1alpha1.UnhealthyCatalogSourceFound, message
	}
	o.setCondition(s, cond)
}

// planCondition says what the subscription's plan waits for. Nothing more happens in
// the namespace of one that failed until it is deleted.
func (o *Operator) planCondition(w *world, s *v1alpha1.Subscription) (underWay, failed bool) {
	kinds := []v1alpha1.SubscriptionConditionType{
		v1alpha1.SubscriptionInstallPlanPending, v1alpha1.SubscriptionInstallPlanFailed,
		v1alpha1.SubscriptionInstallPlanMissing,
	}
	only := func(kind v1alpha1.SubscriptionConditionType, reason, message string) {
		for _, k := range kinds {
			if k != kind {
				s.Status.RemoveConditions(k)
			}
		}
		o.setCondition(s, v1alpha1.SubscriptionCondition{
			Type: kind, Status: corev1.ConditionTrue, Reason: reason, Message: message,
		})
	}
	ref := s.Status.InstallPlanRef
	if ref == nil {
		s.Status.RemoveConditions(kinds...)
		return false, false
	}
	i := slices.IndexFunc(w.plans, func(p v1alpha1.InstallPlan) bool { return p.UID == ref.UID })
	if i < 0 {
		// The plan may be newer than what this round looks at.
		if s.Status.State == v1alpha1.SubscriptionStateUpgradePending &&
			o.Clock.Now().Sub(s.Status.LastUpdated.Time) < 5*busyEvery {
			return true, false
		}
		only(v1alpha1.SubscriptionInstallPlanMissing, v1alpha1.ReferencedInstallPlanNotFound, "")
		if w.csv(s.Namespace, s.Status.CurrentCSV) == nil {
			s.Status.CurrentCSV = s.Status.InstalledCSV // there will be another plan
		}
		return false, false
	}
	p := w.plans[i]
	switch p.Status.Phase {
	case v1alpha1.InstallPlanPhaseNone:
		only(v1alpha1.SubscriptionInstallPlanPending, v1alpha1.InstallPlanNotYetReconciled, "")
		return true, false
	case v1alpha1.InstallPlanPhasePlanning, v1alpha1.InstallPlanPhaseInstalling, v1alpha1.InstallPlanPhaseRequiresApproval:
		only(v1alpha1.SubscriptionInstallPlanPending, string(p.Status.Phase), "")
		return true, false
	case v1alpha1.InstallPlanPhaseFailed:
		c := p.Status.GetCondition(v1alpha1.InstallPlanInstalled)
		reason := string(c.Reason)
		if reason == "" {
			reason = v1alpha1.InstallPlanFailed
		}
		only(v1alpha1.SubscriptionInstallPlanFailed, reason, c.Message)
		s.Status.State = v1alpha1.SubscriptionStateFailed
		return false, true
	}
	s.Status.RemoveConditions(kinds...)
	return false, false
}

// installed follows the CSV that the subscription goes for.
func (o *Operator) installed(w *world, s *v1alpha1.Subscription) {
	if s.Status.CurrentCSV == "" && s.Annotations[generatedBy] != "" {
		s.Status.CurrentCSV = s.Spec.StartingCSV // the plan of who needs it has it
	}
	if s.Status.CurrentCSV == "" {
		return
	}
	if w.csv(s.Namespace, s.Status.CurrentCSV) == nil {
		return
	}
	s.Status.InstalledCSV = s.Status.CurrentCSV
	s.Status.State = v1alpha1.SubscriptionStateAtLatest
	content := o.pool.Known(types.NamespacedName{Namespace: s.Spec.CatalogSourceNamespace, Name: s.Spec.CatalogSource})
	if content == nil {
		return
	}
	for _, b := range content.Bundles {
		if b.Package == s.Spec.Package && b.Channel == s.Spec.Channel &&
			b.Replaces == s.Status.InstalledCSV {
			s.Status.State = v1alpha1.SubscriptionStateUpgradeAvailable
		}
	}
}

// setAll gives subscriptions a condition that is true.
func (o *Operator) setAll(subs []*v1alpha1.Subscription, kind v1alpha1.SubscriptionConditionType,
	reason, message string) {
	for _, s := range subs {
		o.setCondition(s, v1alpha1.SubscriptionCondition{
			Type: kind, Status: corev1.ConditionTrue, Reason: reason, Message: kube.OneLine(message),
		})
	}
}

// setCondition sets a condition; its time moves with any change.
func (o *Operator) setCondition(s *v1alpha1.Subscription, c v1alpha1.SubscriptionCondition) {
	if old := s.Status.GetCondition(c.Type); old.Equals(c) {
		return
	}
	c.LastTransitionTime = &metav1.Time{Time: o.now()}
	s.Status.SetCondition(c)
}
