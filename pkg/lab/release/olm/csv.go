package olm

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	operatorsv1 "github.com/operator-framework/api/pkg/operators/v1"
	"github.com/operator-framework/api/pkg/operators/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
)

// cleanup keeps a CSV until what it owns outside of its namespace is gone.
const cleanup = "operators.coreos.com/csv-cleanup"

// targetNamespaces is how the namespaces of a group are written in annotations.
func targetNamespaces(list []string) string { return strings.Join(list, ",") }

// serviceVersions brings each CSV a phase further.
func (o *Operator) serviceVersions(ctx context.Context, w *world) (busy bool, err error) {
	var errs []error
	for i := range w.csvs {
		c := &w.csvs[i]
		if c.IsCopied() {
			continue
		}
		if c.DeletionTimestamp != nil {
			busy = true
			errs = append(errs, o.finalize(ctx, c))
			continue
		}
		if !slices.Contains(c.Finalizers, cleanup) {
			errs = append(errs, o.finalizers(ctx, c, append(slices.Clone(c.Finalizers), cleanup)))
			continue // it is seen again with its new version
		}
		before := c.Status.DeepCopy()
		if err := o.advance(ctx, w, c); err != nil {
			errs = append(errs, fmt.Errorf("CSV %s: %w", keyOf(c), err))
		}
		busy = busy || c.Status.Phase != v1alpha1.CSVPhaseSucceeded
		o.News.Say("CSV "+keyOf(c).String(), string(c.Status.Phase)+" "+c.Status.Message)
		errs = append(errs, o.writeStatus(ctx, serviceVersion.Ref(c.Namespace, c.Name), *before, c.Status, c))
	}
	return busy, errors.Join(errs...)
}

// phase sets a CSV's phase, if it is not what it was.
func (o *Operator) phase(c *v1alpha1.ClusterServiceVersion, p v1alpha1.ClusterServiceVersionPhase,
	reason v1alpha1.ConditionReason, message string) {
	if c.Status.Phase == p && c.Status.Reason == reason && c.Status.Message == message {
		return
	}
	c.SetPhase(p, reason, message, &metav1.Time{Time: o.now()})
}

// advance takes a CSV one phase further, or back.
func (o *Operator) advance(ctx context.Context, w *world, c *v1alpha1.ClusterServiceVersion) error {
	group := o.group(w, c)
	if group == nil {
		return nil // the phase says why
	}
	if o.replaced(w, c) {
		return o.retire(ctx, w, c)
	}
	switch c.Status.Phase {
	case v1alpha1.CSVPhaseNone:
		o.phase(c, v1alpha1.CSVPhasePending, v1alpha1.CSVReasonRequirementsUnknown, "requirements not yet checked")
		return o.condition(ctx, c)
	case v1alpha1.CSVPhasePending:
		met, err := o.requirements(ctx, c)
		switch {
		case err != nil:
			return err
		case !met:
			o.phase(c, v1alpha1.CSVPhasePending, v1alpha1.CSVReasonRequirementsNotMet,
				"one or more requirements couldn't be found")
		default:
			o.phase(c, v1alpha1.CSVPhaseInstallReady, v1alpha1.CSVReasonRequirementsMet,
				"all requirements found, attempting install")
		}
	case v1alpha1.CSVPhaseInstallReady:
		if err := o.deploy(ctx, w, c, group); err != nil {
			o.phase(c, v1alpha1.CSVPhaseFailed, v1alpha1.CSVReasonComponentFailed,
				"install strategy failed: "+kube.OneLine(err.Error()))
			return nil
		}
		o.phase(c, v1alpha1.CSVPhaseInstalling, v1alpha1.CSVReasonInstallSuccessful,
			"waiting for install components to report healthy")
	case v1alpha1.CSVPhaseInstalling:
		v, err := o.health(ctx, w, c, group)
		switch {
		case err != nil:
			return err
		case v.final:
			o.phase(c, v1alpha1.CSVPhaseFailed, v1alpha1.CSVReasonInstallCheckFailed, "install failed: "+v.problem)
		case v.problem != "":
			o.phase(c, v1alpha1.CSVPhaseInstalling, v1alpha1.CSVReasonWaiting, "installing: "+v.problem)
		default:
			o.phase(c, v1alpha1.CSVPhaseSucceeded, v1alpha1.CSVReasonInstallSuccessful,
				"install strategy completed with no errors")
		}
	case v1alpha1.CSVPhaseSucceeded:
		return o.stillGood(ctx, w, c, group)
	case v1alpha1.CSVPhaseFailed:
		return o.recover(ctx, w, c, group)
	default:
		// Of a successor that is gone.
		o.phase(c, v1alpha1.CSVPhasePending, v1alpha1.CSVReasonRequirementsUnknown, "requirements not yet checked")
	}
	return nil
}

// stillGood looks whether what works does so still.
func (o *Operator) stillGood(ctx context.Context, w *world, c *v1alpha1.ClusterServiceVersion,
	group *operatorsv1.OperatorGroup) error {
	met, err := o.requirements(ctx, c)
	if err != nil {
		return err
	}
	if !met {
		o.phase(c, v1alpha1.CSVPhaseFailed, v1alpha1.CSVReasonRequirementsNotMet, "requirements no longer met")
		return nil
	}
	v, err := o.health(ctx, w, c, group)
	if err == nil && v.problem != "" {
		o.phase(c, v1alpha1.CSVPhaseFailed, v1alpha1.CSVReasonComponentUnhealthy, "installing: "+v.problem)
	}
	return err
}

// recover tries what failed again once there is a chance.
func (o *Operator) recover(ctx context.Context, w *world, c *v1alpha1.ClusterServiceVersion,
	group *operatorsv1.OperatorGroup) error {
	switch c.Status.Reason {
	case v1alpha1.CSVReasonInstallCheckFailed:
		// The deployments go on trying; another attempt would be the same.
		if v, err := o.health(ctx, w, c, group); err != nil || v.problem != "" && !v.redo {
			return err
		}
	case v1alpha1.CSVReasonInvalidInstallModes, v1alpha1.CSVReasonInvalidStrategy:
		return nil
	case v1alpha1.CSVReasonComponentFailed:
		if t := c.Status.LastTransitionTime; t != nil && o.Clock.Now().Sub(t.Time) < 10*busyEvery {
			return nil
		}
	}
	o.phase(c, v1alpha1.CSVPhasePending, v1alpha1.CSVReasonNeedsReinstall, "trying again: "+c.Status.Message)
	return nil
}

// group finds the one OperatorGroup of a CSV's namespace. Without it, or if the CSV
// does not fit to it, the CSV fails.
func (o *Operator) group(w *world, c *v1alpha1.ClusterServiceVersion) *operatorsv1.OperatorGroup {
	fail := func(reason v1alpha1.ConditionReason, message string) *operatorsv1.OperatorGroup {
		o.phase(c, v1alpha1.CSVPhaseFailed, reason, message)
		return nil
	}
	groups := w.groupsOf(c.Namespace)
	switch {
	case len(groups) == 0:
		return fail(v1alpha1.CSVReasonNoOperatorGroup, "csv in namespace with no operatorgroups")
	case len(groups) > 1:
		return fail(v1alpha1.CSVReasonTooManyOperatorGroups,
			"csv created in namespace with multiple operatorgroups, can't pick one automatically")
	}
	g := groups[0]
	if len(g.Status.Namespaces) == 0 {
		return fail(v1alpha1.CSVReasonNoTargetNamespaces,
			"no targetNamespaces are matched operatorgroups namespace selection")
	}
	modes, err := v1alpha1.NewInstallModeSet(c.Spec.InstallModes)
	if err != nil {
		return fail(v1alpha1.CSVReasonInvalidInstallModes, err.Error())
	}
	if err := modes.Supports(c.Namespace, g.Status.Namespaces); err != nil {
		return fail(v1alpha1.CSVReasonUnsupportedOperatorGroup, err.Error())
	}
	return g
}

// replaced reports whether another CSV of the namespace replaces this one.
func (o *Operator) replaced(w *world, c *v1alpha1.ClusterServiceVersion) bool {
	return slices.ContainsFunc(w.csvs, func(n v1alpha1.ClusterServiceVersion) bool {
		return n.Namespace == c.Namespace && n.Spec.Replaces == c.Name && n.DeletionTimestamp == nil && !n.IsCopied()
	})
}

// retire waits for the successor, and then deletes the CSV.
func (o *Operator) retire(ctx context.Context, w *world, c *v1alpha1.ClusterServiceVersion) error {
	for _, n := range w.csvs {
		if n.Namespace != c.Namespace || n.Spec.Replaces != c.Name {
			continue
		}
		if n.Status.Phase != v1alpha1.CSVPhaseSucceeded {
			o.phase(c, v1alpha1.CSVPhaseReplacing, v1alpha1.CSVReasonBeingReplaced, "being replaced by csv: "+n.Name)
			return nil
		}
	}
	if c.Status.Phase != v1alpha1.CSVPhaseDeleting {
		o.phase(c, v1alpha1.CSVPhaseDeleting, v1alpha1.CSVReasonReplaced,
			"has been replaced by a newer ClusterServiceVersion that has successfully installed.")
		return nil
	}
	return o.remove(ctx, serviceVersion.Ref(c.Namespace, c.Name))
}

// finalize removes what a CSV owns outside of its namespace; the rest goes with it.
func (o *Operator) finalize(ctx context.Context, c *v1alpha1.ClusterServiceVersion) error {
	for _, k := range []kube.Kind{validating, mutating, api.ClusterRoleBindings, clusterRoles} {
		all, err := list[metav1.PartialObjectMetadata](ctx, o.Client, k, "")
		if err != nil {
			return err
		}
		for _, r := range all {
			if r.Labels["olm.owner"] == c.Name && r.Labels["olm.owner.namespace"] == c.Namespace {
				if err := o.remove(ctx, k.Ref("", r.Name)); err != nil {
					return err
				}
			}
		}
	}
	if !slices.Contains(c.Finalizers, cleanup) {
		return nil
	}
	return o.finalizers(ctx, c, slices.DeleteFunc(slices.Clone(c.Finalizers), func(f string) bool { return f == cleanup }))
}

// finalizers sets those of a CSV. A patch leaves fields alone that its type here lacks.
func (o *Operator) finalizers(ctx context.Context, c *v1alpha1.ClusterServiceVersion, list []string) error {
	o.changed = true
	err := o.Client.Patch(ctx, serviceVersion.Ref(c.Namespace, c.Name), "", map[string]any{
		"metadata": map[string]any{"finalizers": list, "resourceVersion": c.ResourceVersion},
	})
	if err != nil && !kube.NotFound(err) && !apierrors.IsConflict(err) {
		return fmt.Errorf("set finalizers of CSV %s: %w", keyOf(c), err)
	}
	return nil
}

// condition makes the object by which an operator says whether it can be replaced.
func (o *Operator) condition(ctx context.Context, c *v1alpha1.ClusterServiceVersion) error {
	err := o.Client.Make(ctx, conditions, c.Namespace, &map[string]any{
		"apiVersion": group + "/v2", "kind": "OperatorCondition",
		"metadata": map[string]any{
			"name": c.Name, "namespace": c.Namespace,
			"ownerReferences": []metav1.OwnerReference{ownedBy(c)},
		},
		"spec": map[string]any{"deployments": deploymentNames(c)},
	})
	if kube.NotFound(err) {
		return nil // no such kind
	}
	return err
}

func deploymentNames(c *v1alpha1.ClusterServiceVersion) []string {
	var out []string
	for _, d := range c.Spec.InstallStrategy.StrategySpec.DeploymentSpecs {
		out = append(out, d.Name)
	}
	return out
}

// requirements looks for what a CSV needs, and says so in its status.
func (o *Operator) requirements(ctx context.Context, c *v1alpha1.ClusterServiceVersion) (bool, error) {
	var out []v1alpha1.RequirementStatus
	all := true
	for _, d := range c.GetAllCRDDescriptions() {
		r := v1alpha1.RequirementStatus{
			Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition", Name: d.Name,
		}
		var have definition
		err := o.Client.Get(ctx, definitions.Ref("", d.Name), &have)
		switch {
		case kube.NotFound(err):
			r.Status, r.Message = v1alpha1.RequirementStatusReasonNotPresent, "CRD is not present"
		case err != nil:
			return false, err
		case !have.serves(d.Version):
			r.Status = v1alpha1.RequirementStatusReasonNotPresent
			r.Message = "CRD version not served"
		case !have.established():
			r.Status, r.UUID = v1alpha1.RequirementStatusReasonNotAvailable, string(have.UID)
			r.Message = "CRD is present but the Established condition is False (not available)"
		default:
			r.Status, r.UUID = v1alpha1.RequirementStatusReasonPresent, string(have.UID)
			r.Message = "CRD is present and Established condition is true"
		}
		all = all && r.Status == v1alpha1.RequirementStatusReasonPresent
		out = append(out, r)
	}
	accounts := map[string][]v1alpha1.DependentStatus{}
	spec := c.Spec.InstallStrategy.StrategySpec
	for scope, list := range map[string][]v1alpha1.StrategyDeploymentPermissions{
		"namespaced": spec.Permissions, "cluster": spec.ClusterPermissions,
	} {
		for _, p := range list {
			for _, rule := range p.Rules {
				accounts[p.ServiceAccountName] = append(accounts[p.ServiceAccountName], v1alpha1.DependentStatus{
					Group: "rbac.authorization.k8s.io", Version: "v1", Kind: "PolicyRule",
					Status: v1alpha1.DependentStatusReasonSatisfied,
					Message: fmt.Sprintf(`%s rule:{"verbs":%q,"apiGroups":%q,"resources":%q}`,
						scope, rule.Verbs, rule.APIGroups, rule.Resources),
				})
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(accounts)) {
		r := v1alpha1.RequirementStatus{Version: "v1", Kind: "ServiceAccount", Name: name}
		var have corev1.ServiceAccount
		err := o.Client.Get(ctx, api.ServiceAccounts.Ref(c.Namespace, name), &have)
		switch {
		case kube.NotFound(err):
			r.Status, r.Message = v1alpha1.RequirementStatusReasonNotPresent, "Service account does not exist"
			all = false
		case err != nil:
			return false, err
		default:
			r.Status, r.Dependents = v1alpha1.RequirementStatusReasonPresent, accounts[name]
			slices.SortFunc(r.Dependents, func(a, b v1alpha1.DependentStatus) int {
				return strings.Compare(a.Message, b.Message)
			})
		}
		out = append(out, r)
	}
	c.SetRequirementStatus(out)
	return all, nil
}

// definition is as much of a custom resource definition as is looked at.
type definition struct {
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		Versions []struct {
			Name   string `json:"name"`
			Served bool   `json:"served"`
		} `json:"versions"`
	} `json:"spec"`
	Status struct {
		Conditions []struct{ Type, Status string } `json:"conditions"`
	} `json:"status"`
}

func (d definition) serves(version string) bool {
	for _, v := range d.Spec.Versions {
		if v.Name == version {
			return v.Served
		}
	}
	return false
}

func (d definition) established() bool {
	for _, c := range d.Status.Conditions {
		if c.Type == "Established" {
			return c.Status == "True"
		}
	}
	return false
}
