package olm

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/operator-framework/api/pkg/operators/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// grants are the accounts, roles and bindings that a CSV's strategy asks for.
func grants(csv *unstructured.Unstructured) ([]*unstructured.Unstructured, error) {
	var typed v1alpha1.ClusterServiceVersion
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(csv.Object, &typed); err != nil {
		return nil, fmt.Errorf("read CSV %s: %w", csv.GetName(), err)
	}
	spec := typed.Spec.InstallStrategy.StrategySpec
	var out []*unstructured.Unstructured
	var failed error
	add := func(o any) {
		u, err := untyped(o)
		if err != nil {
			failed = err
			return
		}
		out = append(out, u)
	}
	accounts := map[string]bool{"default": true}
	account := func(name string) {
		if accounts[name] {
			return
		}
		accounts[name] = true
		add(&corev1.ServiceAccount{
			TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ServiceAccount"}, ObjectMeta: metav1.ObjectMeta{Name: name},
		})
	}
	for _, p := range spec.Permissions {
		account(p.ServiceAccountName)
		name := roleName(csv.GetName(), p)
		add(&rbacv1.Role{
			TypeMeta:   metav1.TypeMeta{APIVersion: version, Kind: "Role"},
			ObjectMeta: metav1.ObjectMeta{Name: name}, Rules: p.Rules,
		})
		add(&rbacv1.RoleBinding{
			TypeMeta:   metav1.TypeMeta{APIVersion: version, Kind: "RoleBinding"},
			ObjectMeta: metav1.ObjectMeta{Name: name},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: name},
			Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Name: p.ServiceAccountName}},
		})
	}
	for _, p := range spec.ClusterPermissions {
		account(p.ServiceAccountName)
		for _, o := range clusterGrant(roleName(csv.GetName(), p), p) {
			add(o)
		}
	}
	for _, d := range spec.DeploymentSpecs {
		account(cmp.Or(d.Spec.Template.Spec.ServiceAccountName, "default"))
	}
	return out, failed
}

const version = "rbac.authorization.k8s.io/v1"

// clusterGrant are role and binding for the whole cluster.
func clusterGrant(name string, p v1alpha1.StrategyDeploymentPermissions) []any {
	return []any{
		&rbacv1.ClusterRole{
			TypeMeta:   metav1.TypeMeta{APIVersion: version, Kind: "ClusterRole"},
			ObjectMeta: metav1.ObjectMeta{Name: name}, Rules: p.Rules,
		},
		&rbacv1.ClusterRoleBinding{
			TypeMeta:   metav1.TypeMeta{APIVersion: version, Kind: "ClusterRoleBinding"},
			ObjectMeta: metav1.ObjectMeta{Name: name},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name},
			Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Name: p.ServiceAccountName}},
		},
	}
}

// untyped is an object as it is applied.
func untyped(o any) (*unstructured.Unstructured, error) {
	m, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o)
	if err != nil {
		return nil, fmt.Errorf("render %T: %w", o, err)
	}
	unstructured.RemoveNestedField(m, "metadata", "creationTimestamp")
	unstructured.RemoveNestedField(m, "status")
	return &unstructured.Unstructured{Object: m}, nil
}

// roleName is the same each time, so that a plan that is made again changes nothing.
func roleName(csv string, p v1alpha1.StrategyDeploymentPermissions) string {
	hash := "-" + hashOf(p)
	return strings.TrimRight(csv[:min(len(csv), 63-len(hash))], ".-") + hash
}

// inNamespace sets the namespace of the accounts that a binding names.
func inNamespace(o *unstructured.Unstructured, namespace string) {
	subjects, _, _ := unstructured.NestedSlice(o.Object, "subjects")
	for _, s := range subjects {
		if m, ok := s.(map[string]any); ok && m["kind"] == "ServiceAccount" && m["namespace"] == nil {
			m["namespace"] = namespace
		}
	}
	if len(subjects) > 0 {
		_ = unstructured.SetNestedSlice(o.Object, subjects, "subjects") // the value is the object's own
	}
}
