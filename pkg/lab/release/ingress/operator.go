// Package ingress is the lab's ingress: default certificate and router.
package ingress

import (
	"context"
	"fmt"
	"time"

	operatorv1 "github.com/openshift/api/operator/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/certs"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/lab/release/operand"
	"github.com/okd-install/okd-install/pkg/pki"
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
		Before: func(ctx context.Context, c *api.Client, cluster operand.Cluster) error {
			return certify(ctx, c, clk, cluster.AppsDomain)
		},
		After: publishController,
	}
}

// domainAnnotation says which domain a certificate was made for.
const domainAnnotation = "lab.okd-install.github.io/domain"

// certify makes the default certificate, for which the router's pods wait.
func certify(ctx context.Context, client *api.Client, clk clock.Clock, domain string) error {
	var cert corev1.Secret
	err := client.Get(ctx, kube.Secrets.Ref(routerNamespace, certSecret), &cert)
	if err != nil && !kube.NotFound(err) {
		return err
	}
	publishedErr := client.Get(ctx, kube.ConfigMaps.Ref(managedNamespace, caConfigMap), &corev1.ConfigMap{})
	if publishedErr != nil && !kube.NotFound(publishedErr) {
		return publishedErr
	}
	if err == nil && publishedErr == nil && cert.Annotations[domainAnnotation] == domain {
		return nil
	}
	for _, ns := range []string{operatorNamespace, routerNamespace} {
		object := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ns}}
		if err := client.Make(ctx, api.Namespaces, "", object); err != nil {
			return err
		}
	}
	ca, leaf, err := newPair(domain, clk.Now())
	if err != nil {
		return fmt.Errorf("make default certificate: %w", err)
	}
	router := api.TLSSecret(routerNamespace, certSecret, leaf.Cert, leaf.Key)
	router.Annotations = map[string]string{domainAnnotation: domain}
	for _, o := range []any{
		api.TLSSecret(operatorNamespace, caSecret, ca.Cert, ca.Key), router,
		api.ConfigMap(managedNamespace, caConfigMap, map[string]string{"ca-bundle.crt": string(ca.Cert)}),
	} {
		object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o)
		if err == nil {
			err = client.ApplyObject(ctx, &unstructured.Unstructured{Object: object})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// validity is that of OpenShift's default ingress certificate.
const validity = 2 * pki.Year

// newPair makes an authority and the wildcard certificate that it signs.
func newPair(domain string, now time.Time) (ca, leaf pki.Pair, err error) {
	ca, err = certs.NewAuthority(now, pki.Name{Common: fmt.Sprintf("ingress-operator@%d", now.Unix())}, validity)
	if err != nil {
		return ca, leaf, err
	}
	wildcard := "*." + domain
	leaf, err = certs.Issue(ca, now, pki.Leaf{
		Name: pki.Name{Common: wildcard}, DNS: []string{wildcard}, Usage: pki.Server, Life: validity,
	})
	return ca, leaf, err
}

// publishController reports the default IngressController, whose pods are up.
func publishController(ctx context.Context, client *api.Client, cluster operand.Cluster) (string, error) {
	ref := api.Operator("ingresscontrollers").Ref(operatorNamespace, "default")
	var c operatorv1.IngressController
	if err := client.Get(ctx, ref, &c); kube.NotFound(err) {
		return "there is no IngressController default", nil
	} else if err != nil {
		return "", err
	}
	if len(c.Status.Conditions) > 0 {
		return "", nil
	}
	err := client.Patch(ctx, ref, "status", map[string]any{"status": map[string]any{
		"availableReplicas": cluster.Replicas,
		"domain":            cluster.AppsDomain,
		"conditions": []operatorv1.OperatorCondition{{
			Type: "Available", Status: operatorv1.ConditionTrue, Reason: "RouterDeployed",
			LastTransitionTime: c.CreationTimestamp,
		}},
	}})
	if err != nil {
		return "", fmt.Errorf("update status of IngressController default: %w", err)
	}
	return "", nil
}
