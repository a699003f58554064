// Package ingress is the lab's ingress: the operator's part with the default
// certificate, and the router that serves Routes.
package ingress

import (
	"context"
	"encoding/base64"
	"fmt"

	configv1 "github.com/openshift/api/config/v1"
	operatorv1 "github.com/openshift/api/operator/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/release/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/operand"
)

// Where OpenShift keeps the default certificate and its authority.
const (
	operatorNamespace = "openshift-ingress-operator"
	routerNamespace   = "openshift-ingress"
	caSecret          = "router-ca"
	certSecret        = "router-certs-default"
	managedNamespace  = "openshift-config-managed"
	caConfigMap       = "default-ingress-cert"
)

// Operator keeps the default router and its certificate.
func Operator(clk clock.Clock) operand.Operator {
	return operand.Operator{
		Name:      "ingress",
		Manifests: "ingress.yaml",
		Workloads: []operand.Workload{{Kind: "Deployment", Namespace: routerNamespace, Name: "router-default"}},
		Before: func(ctx context.Context, c *kube.Client, cluster operand.Cluster) error {
			return certify(ctx, c, clk, cluster.AppsDomain)
		},
		After: publishController,
	}
}

// certify makes the default certificate unless there is one for the domain.
// The router's pods wait for the Secret, so order does not matter to them.
func certify(ctx context.Context, client *kube.Client, clk clock.Clock, domain string) error {
	secret := corev1.SchemeGroupVersion.WithKind("Secret")
	cert, err := client.Get(ctx, secret, routerNamespace, certSecret)
	if err != nil {
		return err
	}
	published, err := client.Get(ctx, corev1.SchemeGroupVersion.WithKind("ConfigMap"), managedNamespace, caConfigMap)
	if err != nil {
		return err
	}
	if cert != nil && published != nil && cert.GetAnnotations()[domainAnnotation] == domain {
		return nil
	}
	for _, ns := range []string{operatorNamespace, routerNamespace} {
		if err := client.Create(ctx, object("v1", "Namespace", "", ns, nil)); err != nil {
			return err
		}
	}
	p, err := newPair(domain, clk.Now())
	if err != nil {
		return fmt.Errorf("make default certificate: %w", err)
	}
	leaf := tlsSecret(routerNamespace, certSecret, p.cert, p.key)
	leaf.SetAnnotations(map[string]string{domainAnnotation: domain})
	for _, o := range []*unstructured.Unstructured{
		tlsSecret(operatorNamespace, caSecret, p.ca, p.caKey),
		leaf,
		object("v1", "ConfigMap", managedNamespace, caConfigMap, map[string]any{
			"data": map[string]any{"ca-bundle.crt": string(p.ca)},
		}),
	} {
		if _, err := client.Apply(ctx, o); err != nil {
			return err
		}
	}
	return nil
}

// domainAnnotation says which domain a certificate was made for.
const domainAnnotation = "lab.okd-install.github.io/domain"

func tlsSecret(namespace, name string, cert, key []byte) *unstructured.Unstructured {
	return object("v1", "Secret", namespace, name, map[string]any{
		"type": string(corev1.SecretTypeTLS),
		"data": map[string]any{
			"tls.crt": base64.StdEncoding.EncodeToString(cert),
			"tls.key": base64.StdEncoding.EncodeToString(key),
		},
	})
}

func object(apiVersion, kind, namespace, name string, rest map[string]any) *unstructured.Unstructured {
	o := &unstructured.Unstructured{Object: map[string]any{}}
	for k, v := range rest {
		o.Object[k] = v
	}
	o.SetAPIVersion(apiVersion)
	o.SetKind(kind)
	o.SetNamespace(namespace)
	o.SetName(name)
	return o
}

// publishController reports the default IngressController as available; it is
// called when the router's pods are.
func publishController(ctx context.Context, client *kube.Client, cluster operand.Cluster) (string, error) {
	gvk := operatorv1.GroupVersion.WithKind("IngressController")
	o, err := client.Get(ctx, gvk, operatorNamespace, "default")
	if err != nil || o == nil {
		return "there is no IngressController default", err
	}
	if conditions, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions"); len(conditions) > 0 {
		return "", nil
	}
	o.Object["status"] = map[string]any{
		"availableReplicas": int64(cluster.Replicas),
		"domain":            cluster.AppsDomain,
		"conditions": []any{map[string]any{
			"type": "Available", "status": string(configv1.ConditionTrue), "reason": "RouterDeployed",
			"lastTransitionTime": o.GetCreationTimestamp().UTC().Format("2006-01-02T15:04:05Z"),
		}},
	}
	r, err := client.Resource(gvk, operatorNamespace)
	if err != nil {
		return "", err
	}
	if _, err := r.UpdateStatus(ctx, o, metav1.UpdateOptions{}); err != nil {
		return "", fmt.Errorf("update status of IngressController default: %w", err)
	}
	return "", nil
}
