package ssp

import (
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const rbac = "rbac.authorization.k8s.io"

// shared are the namespace of golden images and who may look into it: everybody may clone from there.
func shared() []any {
	const view, edit = "os-images.kubevirt.io:view", "os-images.kubevirt.io:edit"
	meta := func(namespace, name string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: labels(nil)}
	}
	kind := func(k string) metav1.TypeMeta { return metav1.TypeMeta{APIVersion: rbac + "/v1", Kind: k} }
	look := []string{"get", "list", "watch"}
	change := append([]string{"create", "delete", "patch", "update"}, look...)
	rule := func(group string, resources, verbs []string) rbacv1.PolicyRule {
		return rbacv1.PolicyRule{APIGroups: []string{group}, Resources: resources, Verbs: verbs}
	}
	images := []string{"datavolumes", "datasources", "dataimportcrons"}
	clone := rule("cdi.kubevirt.io", []string{"datavolumes/source"}, []string{"create"})
	return []any{
		&corev1.Namespace{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Namespace"}, ObjectMeta: meta("", Images)},
		&rbacv1.Role{TypeMeta: kind("Role"), ObjectMeta: meta(Images, view), Rules: []rbacv1.PolicyRule{
			rule("", []string{"persistentvolumeclaims", "persistentvolumeclaims/status", "namespaces"}, look),
			rule("cdi.kubevirt.io", images, look), clone,
		}},
		&rbacv1.RoleBinding{TypeMeta: kind("RoleBinding"), ObjectMeta: meta(Images, view),
			RoleRef: rbacv1.RoleRef{APIGroup: rbac, Kind: "Role", Name: view},
			Subjects: []rbacv1.Subject{
				{Kind: "Group", APIGroup: rbac, Name: "system:authenticated"},
				{Kind: "Group", APIGroup: rbac, Name: "system:serviceaccounts"},
			}},
		&rbacv1.ClusterRole{TypeMeta: kind("ClusterRole"), ObjectMeta: meta("", edit), Rules: []rbacv1.PolicyRule{
			rule("", []string{"persistentvolumeclaims"}, change), rule("", []string{"persistentvolumeclaims/status"}, look),
			rule("cdi.kubevirt.io", images, change), clone,
		}},
	}
}
