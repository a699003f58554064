package kubevirt

import (
	"context"
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/lab/command"
)

// Operator is what KubeVirt's operator consists of, in the parts that a
// ClusterServiceVersion has.
type Operator struct {
	Namespace      string
	ServiceAccount string
	Deployment     appsv1.DeploymentSpec // virt-operator
	ClusterRules   []rbacv1.PolicyRule
	Rules          []rbacv1.PolicyRule        // in its namespace
	CRD            *unstructured.Unstructured // CustomResourceDefinition KubeVirt
	PriorityClass  schedulingv1.PriorityClass // HyperConverged's operator makes it elsewhere
}

// Operator asks the module's own generators for the operator in a namespace, with
// the images of r.
func (r Result) Operator(ctx context.Context, namespace string) (Operator, error) {
	o := Operator{Namespace: namespace, CRD: &unstructured.Unstructured{}}
	docs, err := r.generate(ctx, "csv-generator",
		"--namespace="+namespace, "--csvVersion="+strings.TrimPrefix(Version, "v"), "--kubeVirtVersion="+Version,
		"--operatorImageVersion="+Version, "--dumpCRDs",
		"--virt-operator-image="+r.Images.Operator, "--virt-api-image="+r.Images.API,
		"--virt-controller-image="+r.Images.Controller, "--virt-handler-image="+r.Images.Handler,
		"--virt-launcher-image="+r.Images.Launcher, "--virt-export-proxy-image="+r.Images.ExportProxy,
		"--virt-export-server-image="+r.Images.ExportServer,
		"--virt-synchronization-controller-image="+r.Images.SynchronizationController)
	if err != nil {
		return o, err
	}
	if len(docs) != 2 {
		return o, fmt.Errorf("csv-generator printed %d objects, want a ClusterServiceVersion and a definition", len(docs))
	}
	type permissions struct {
		ServiceAccountName string              `json:"serviceAccountName"`
		Rules              []rbacv1.PolicyRule `json:"rules"`
	}
	var csv struct {
		Spec struct {
			Install struct {
				Spec struct {
					ClusterPermissions []permissions `json:"clusterPermissions"`
					Permissions        []permissions `json:"permissions"`
					Deployments        []struct {
						Name string                `json:"name"`
						Spec appsv1.DeploymentSpec `json:"spec"`
					} `json:"deployments"`
				} `json:"spec"`
			} `json:"install"`
		} `json:"spec"`
	}
	if err := yaml.Unmarshal([]byte(docs[0]), &csv); err != nil {
		return o, fmt.Errorf("read ClusterServiceVersion: %w", err)
	}
	if err := yaml.Unmarshal([]byte(docs[1]), &o.CRD.Object); err != nil {
		return o, fmt.Errorf("read definition: %w", err)
	}
	s := csv.Spec.Install.Spec
	if len(s.Deployments) != 1 || len(s.ClusterPermissions) != 1 || len(s.Permissions) != 1 {
		return o, fmt.Errorf("the ClusterServiceVersion has %d deployments, %d and %d permissions; want one each",
			len(s.Deployments), len(s.ClusterPermissions), len(s.Permissions))
	}
	o.ServiceAccount, o.Deployment = s.ClusterPermissions[0].ServiceAccountName, s.Deployments[0].Spec
	o.ClusterRules, o.Rules = s.ClusterPermissions[0].Rules, s.Permissions[0].Rules

	docs, err = r.generate(ctx, "resource-generator", "--type=priorityclass")
	if err != nil {
		return o, err
	}
	if len(docs) != 1 {
		return o, fmt.Errorf("resource-generator printed %d objects, want a PriorityClass", len(docs))
	}
	return o, yaml.Unmarshal([]byte(docs[0]), &o.PriorityClass)
}

// generate runs a generator and returns the documents that it prints.
func (r Result) generate(ctx context.Context, name string, args ...string) ([]string, error) {
	out, err := command.Run(ctx, r.Programs+"/"+name, args...)
	if err != nil {
		return nil, fmt.Errorf("generate KubeVirt's manifests: %w", err)
	}
	var docs []string
	for doc := range strings.SplitSeq("\n"+out, "\n---\n") {
		if strings.TrimSpace(doc) != "" {
			docs = append(docs, doc)
		}
	}
	return docs, nil
}

// Objects are the operator as plain manifests, in the order in which they are to be
// applied.
func (o Operator) Objects() []any {
	meta := func(name string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Name: name, Namespace: o.Namespace, Labels: map[string]string{"kubevirt.io": ""}}
	}
	cluster := func(name string) metav1.ObjectMeta {
		m := meta(name)
		m.Namespace = ""
		return m
	}
	subjects := []rbacv1.Subject{{Kind: "ServiceAccount", Name: o.ServiceAccount, Namespace: o.Namespace}}
	namespace := cluster(o.Namespace)
	namespace.Labels["pod-security.kubernetes.io/enforce"] = "privileged"
	const rbacVersion = "rbac.authorization.k8s.io/v1"
	return []any{
		&corev1.Namespace{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Namespace"}, ObjectMeta: namespace},
		o.CRD, &o.PriorityClass,
		&corev1.ServiceAccount{
			TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ServiceAccount"}, ObjectMeta: meta(o.ServiceAccount),
		},
		&rbacv1.ClusterRole{
			TypeMeta: metav1.TypeMeta{APIVersion: rbacVersion, Kind: "ClusterRole"}, ObjectMeta: cluster(o.ServiceAccount),
			Rules: o.ClusterRules,
		},
		&rbacv1.ClusterRoleBinding{
			TypeMeta:   metav1.TypeMeta{APIVersion: rbacVersion, Kind: "ClusterRoleBinding"},
			ObjectMeta: cluster(o.ServiceAccount), Subjects: subjects,
			RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: o.ServiceAccount},
		},
		&rbacv1.Role{
			TypeMeta: metav1.TypeMeta{APIVersion: rbacVersion, Kind: "Role"}, ObjectMeta: meta(o.ServiceAccount),
			Rules: o.Rules,
		},
		&rbacv1.RoleBinding{
			TypeMeta:   metav1.TypeMeta{APIVersion: rbacVersion, Kind: "RoleBinding"},
			ObjectMeta: meta(o.ServiceAccount), Subjects: subjects,
			RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: o.ServiceAccount},
		},
		&appsv1.Deployment{
			TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"},
			ObjectMeta: meta("virt-operator"), Spec: o.Deployment,
		},
	}
}

// CustomResource asks for KubeVirt with software emulation, its workloads on the
// workers if there are any. replicas are those of the components that have several.
func CustomResource(namespace string, workers bool, replicas int64) *unstructured.Unstructured {
	placement := func(role string) map[string]any {
		return map[string]any{"nodePlacement": map[string]any{
			"nodeSelector": map[string]any{"node-role.kubernetes.io/" + role: ""},
		}}
	}
	infra, workloads := placement("master"), placement("worker")
	infra["replicas"] = replicas
	infra["nodePlacement"].(map[string]any)["tolerations"] = []any{
		map[string]any{"key": "node-role.kubernetes.io/master", "operator": "Exists", "effect": "NoSchedule"},
	}
	if !workers {
		workloads = placement("master")
	}
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "kubevirt.io/v1", "kind": "KubeVirt",
		"metadata": map[string]any{"name": "kubevirt", "namespace": namespace},
		"spec": map[string]any{
			"imagePullPolicy": "IfNotPresent",
			"infra":           infra,
			"workloads":       workloads,
			"configuration": map[string]any{
				"developerConfiguration": map[string]any{"useEmulation": true},
			},
		},
	}}
}
