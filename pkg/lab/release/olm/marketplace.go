package olm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	configv1 "github.com/openshift/api/config/v1"
	"github.com/operator-framework/api/pkg/operators/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/contract"
)

const (
	managedBy   = "operatorframework.io/managed-by"
	marketplace = "marketplace-operator"
)

// defaults are the catalogs that a release brings. Those of OKD 4.21 came as OpenShift
// has them, from a registry that asks for a login (okd-project/okd#2311).
func defaults(version string) []v1alpha1.CatalogSource {
	release, _ := contract.Of(version)
	type source struct {
		name, title, image string
		priority           int
	}
	list := []source{{
		"community-operators", "Community Operators",
		"registry.access.redhat.com/redhat/community-operator-index", -400,
	}}
	if release == "4.21" {
		list = []source{
			{"certified-operators", "Certified Operators", "registry.redhat.io/redhat/certified-operator-index", -200},
			{"community-operators", "Community Operators", "registry.redhat.io/redhat/community-operator-index", -400},
			{"redhat-operators", "Red Hat Operators", "registry.redhat.io/redhat/redhat-operator-index", -100},
		}
	}
	var out []v1alpha1.CatalogSource
	for _, s := range list {
		out = append(out, v1alpha1.CatalogSource{
			TypeMeta: metav1.TypeMeta{APIVersion: group + "/v1alpha1", Kind: v1alpha1.CatalogSourceKind},
			ObjectMeta: metav1.ObjectMeta{
				Namespace: marketplaceNamespace, Name: s.name,
				Annotations: map[string]string{
					managedBy: marketplace,
					"target.workload.openshift.io/management": `{"effect": "PreferredDuringScheduling"}`,
				},
			},
			Spec: v1alpha1.CatalogSourceSpec{
				SourceType: v1alpha1.SourceTypeGrpc, Image: s.image + ":v" + release, DisplayName: s.title,
				Publisher: "Red Hat", Priority: s.priority,
				GrpcPodConfig: &v1alpha1.GrpcPodConfig{
					NodeSelector:          map[string]string{"kubernetes.io/os": "linux", "node-role.kubernetes.io/master": ""},
					PriorityClassName:     new("system-cluster-critical"),
					SecurityContextConfig: v1alpha1.Restricted,
					Tolerations: []corev1.Toleration{
						{Key: "node-role.kubernetes.io/master", Operator: corev1.TolerationOpExists,
							Effect: corev1.TaintEffectNoSchedule},
						{Key: "node.kubernetes.io/unreachable", Operator: corev1.TolerationOpExists,
							Effect: corev1.TaintEffectNoExecute, TolerationSeconds: new(int64(120))},
						{Key: "node.kubernetes.io/not-ready", Operator: corev1.TolerationOpExists,
							Effect: corev1.TaintEffectNoExecute, TolerationSeconds: new(int64(120))},
					},
				},
				UpdateStrategy: &v1alpha1.UpdateStrategy{RegistryPoll: &v1alpha1.RegistryPoll{
					RawInterval: "10m", Interval: &metav1.Duration{Duration: 10 * time.Minute},
				}},
			},
		})
	}
	return out
}

// disabled reports whether the OperatorHub wants a default catalog away.
func disabled(hub configv1.OperatorHub, name string) bool {
	for _, s := range hub.Spec.Sources {
		if s.Name == name {
			return s.Disabled
		}
	}
	return hub.Spec.DisableAllDefaultSources
}

// marketplace keeps the default catalogs as OperatorHub cluster wants them.
func (o *Operator) marketplace(ctx context.Context, w *world) (bool, error) {
	i := slices.IndexFunc(w.hubs, func(h configv1.OperatorHub) bool { return h.Name == "cluster" })
	if i < 0 {
		return false, nil // no defaults without it
	}
	hub := w.hubs[i]
	before := hub.Status.DeepCopy()
	hub.Status.Sources = nil
	known := defaults(o.Version)
	var errs []error
	for _, want := range known {
		off := disabled(hub, want.Name)
		status := configv1.HubSourceStatus{
			HubSource: configv1.HubSource{Name: want.Name, Disabled: off}, Status: "Success",
		}
		if err := o.defaultSource(ctx, w, want, off); err != nil {
			status.Status, status.Message = "Error", kube.OneLine(err.Error())
			errs = append(errs, err)
		}
		hub.Status.Sources = append(hub.Status.Sources, status)
	}
	for _, s := range hub.Spec.Sources {
		if !slices.ContainsFunc(known, func(c v1alpha1.CatalogSource) bool { return c.Name == s.Name }) {
			hub.Status.Sources = append(hub.Status.Sources, configv1.HubSourceStatus{
				HubSource: s, Status: "Error", Message: "Not present in the default definitions",
			})
		}
	}
	slices.SortFunc(hub.Status.Sources, func(a, b configv1.HubSourceStatus) int { return strings.Compare(a.Name, b.Name) })
	errs = append(errs, o.writeStatus(ctx, operatorHubs.Ref("", hub.Name), *before, hub.Status, &hub))
	return false, errors.Join(errs...)
}

// defaultSource makes, mends or removes one default catalog.
func (o *Operator) defaultSource(ctx context.Context, w *world, want v1alpha1.CatalogSource, off bool) error {
	i := slices.IndexFunc(w.catalogs, func(c v1alpha1.CatalogSource) bool { return keyOf(&c) == keyOf(&want) })
	ref := catalogSources.Ref(want.Namespace, want.Name)
	switch {
	case off && i >= 0:
		// One that a user made under this name stays.
		if w.catalogs[i].Annotations[managedBy] != marketplace {
			return nil
		}
		o.changed = true
		return o.remove(ctx, ref)
	case off:
		return nil
	case i < 0:
		o.changed = true
		return o.Client.Make(ctx, catalogSources, want.Namespace, &want)
	case hashOf(w.catalogs[i].Spec) != hashOf(want.Spec) || w.catalogs[i].Annotations[managedBy] != marketplace:
		have := w.catalogs[i]
		have.Spec, have.Annotations = want.Spec, want.Annotations
		o.changed = true
		if err := o.Client.Update(ctx, ref, "", &have); err != nil {
			return fmt.Errorf("update %s: %w", ref, err)
		}
	}
	return nil
}
