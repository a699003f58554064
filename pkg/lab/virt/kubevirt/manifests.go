package kubevirt

import (
	"context"
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
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
