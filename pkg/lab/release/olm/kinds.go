package olm

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"

	configv1 "github.com/openshift/api/config/v1"
	operatorsv1 "github.com/operator-framework/api/pkg/operators/v1"
	"github.com/operator-framework/api/pkg/operators/v1alpha1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
)

const group = "operators.coreos.com"

// Kinds that the manager works on.
var (
	catalogSources = kube.Kind{Group: group, Version: "v1alpha1", Plural: "catalogsources"}
	subscriptions  = kube.Kind{Group: group, Version: "v1alpha1", Plural: "subscriptions"}
	installPlans   = kube.Kind{Group: group, Version: "v1alpha1", Plural: "installplans"}
	serviceVersion = kube.Kind{Group: group, Version: "v1alpha1", Plural: "clusterserviceversions"}
	operatorGroups = kube.Kind{Group: group, Version: "v1", Plural: "operatorgroups"}
	operatorHubs   = api.Config("operatorhubs")
)

// Kinds that it makes.
var (
	deployments = kube.Kind{Group: "apps", Version: "v1", Plural: "deployments"}
	jobs        = kube.Kind{Group: "batch", Version: "v1", Plural: "jobs"}
	roles       = kube.Kind{Group: "rbac.authorization.k8s.io", Version: "v1", Plural: "roles"}
	bindings    = kube.Kind{Group: "rbac.authorization.k8s.io", Version: "v1", Plural: "rolebindings"}
	definitions = kube.Kind{Group: "apiextensions.k8s.io", Version: "v1", Plural: "customresourcedefinitions"}
	validating  = kube.Kind{Group: "admissionregistration.k8s.io", Version: "v1",
		Plural: "validatingwebhookconfigurations"}
	mutating = kube.Kind{Group: "admissionregistration.k8s.io", Version: "v1",
		Plural: "mutatingwebhookconfigurations"}
	clusterRoles = kube.Kind{Group: "rbac.authorization.k8s.io", Version: "v1", Plural: "clusterroles"}
	conditions   = kube.Kind{Group: group, Version: "v2", Plural: "operatorconditions"}
)

// world is all objects of the manager's kinds as they were a moment ago.
type world struct {
	hubs     []configv1.OperatorHub
	catalogs []v1alpha1.CatalogSource
	subs     []v1alpha1.Subscription
	plans    []v1alpha1.InstallPlan
	csvs     []v1alpha1.ClusterServiceVersion
	groups   []operatorsv1.OperatorGroup
}

// followed are the kinds of a world, in the order of its lists.
var followed = []kube.Kind{
	operatorHubs, catalogSources, subscriptions, installPlans, serviceVersion, operatorGroups,
}

func readWorld(lists [][]any) (world, error) {
	var w world
	var err error
	take(lists[0], &w.hubs, &err)
	take(lists[1], &w.catalogs, &err)
	take(lists[2], &w.subs, &err)
	take(lists[3], &w.plans, &err)
	take(lists[4], &w.csvs, &err)
	take(lists[5], &w.groups, &err)
	return w, err
}

// take decodes a list, sorted by namespace and name.
func take[T any](list []any, into *[]T, failed *error) {
	for _, o := range list {
		v, err := api.Decoded[T](o)
		if err != nil {
			*failed = err
			return
		}
		*into = append(*into, v)
	}
	slices.SortFunc(*into, func(a, b T) int {
		x, y := any(&a).(metav1.Object), any(&b).(metav1.Object)
		if c := strings.Compare(x.GetNamespace(), y.GetNamespace()); c != 0 {
			return c
		}
		return strings.Compare(x.GetName(), y.GetName())
	})
}

func keyOf(o metav1.Object) types.NamespacedName {
	return types.NamespacedName{Namespace: o.GetNamespace(), Name: o.GetName()}
}

// writeStatus writes an object's status if it differs from before. Somebody else's
// write in between makes another round.
func (o *Operator) writeStatus(ctx context.Context, r kube.Ref, before, after, object any) error {
	if reflect.DeepEqual(before, after) {
		return nil
	}
	o.changed = true
	err := o.Client.Update(ctx, r, "status", object)
	if apierrors.IsConflict(err) || kube.NotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("write status of %s: %w", r, err)
	}
	return nil
}

// list reads the objects of a kind in a namespace.
func list[T any](ctx context.Context, c *api.Client, k kube.Kind, namespace string) ([]T, error) {
	var l struct {
		Items []T `json:"items"`
	}
	if err := c.List(ctx, k, namespace, &l); err != nil && !kube.NotFound(err) {
		return nil, fmt.Errorf("list %s: %w", k.Plural, err)
	}
	return l.Items, nil
}

// remove deletes an object that may be gone already.
func (o *Operator) remove(ctx context.Context, r kube.Ref) error {
	if err := o.Client.Delete(ctx, r); err != nil && !kube.NotFound(err) {
		return fmt.Errorf("delete %s: %w", r, err)
	}
	return nil
}
