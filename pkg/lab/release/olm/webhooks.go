package olm

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	operatorsv1 "github.com/operator-framework/api/pkg/operators/v1"
	"github.com/operator-framework/api/pkg/operators/v1alpha1"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/certs"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/pki"
)

const (
	authorityKey    = "olmCAKey"
	certificateLife = 2 * pki.Year
	webhookLabel    = "olm.webhook-description-generate-name"
	groupLabel      = "olm.operatorgroup.uid/"
)

func serviceOf(deployment string) string {
	return strings.ReplaceAll(deployment, ".", "-") + "-service"
}

// served are the deployments of a CSV that have webhooks, with the ports.
func served(c *v1alpha1.ClusterServiceVersion) map[string][]corev1.ServicePort {
	out := map[string][]corev1.ServicePort{}
	for _, d := range c.Spec.WebhookDefinitions {
		port := cmp.Or(d.ContainerPort, 443)
		p := corev1.ServicePort{
			Name: strconv.Itoa(int(port)), Port: port, TargetPort: intstr.FromInt32(port), Protocol: corev1.ProtocolTCP,
		}
		if d.TargetPort != nil {
			p.TargetPort = *d.TargetPort
		}
		if !slices.ContainsFunc(out[d.DeploymentName], func(h corev1.ServicePort) bool { return h.Port == port }) {
			out[d.DeploymentName] = append(out[d.DeploymentName], p)
		}
	}
	return out
}

// webhookCerts makes service and certificate for each deployment with webhooks, and
// returns the authorities by deployment.
func (o *Operator) webhookCerts(ctx context.Context, c *v1alpha1.ClusterServiceVersion) (map[string]string, error) {
	for name, ports := range served(c) {
		spec, ok := strategyOf(c, name)
		if !ok {
			return nil, fmt.Errorf("webhook of deployment %s, which the CSV does not have", name)
		}
		meta := metav1.ObjectMeta{
			Namespace: c.Namespace, Name: serviceOf(name), Labels: ownerLabels(c),
			OwnerReferences: []metav1.OwnerReference{ownedBy(c)},
		}
		svc, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&corev1.Service{
			TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Service"}, ObjectMeta: meta,
			Spec: corev1.ServiceSpec{Ports: ports, Selector: spec.Spec.Selector.MatchLabels},
		})
		if err != nil {
			return nil, err
		}
		unstructured.RemoveNestedField(svc, "status")
		unstructured.RemoveNestedField(svc, "metadata", "creationTimestamp")
		if err := o.Client.ApplyObject(ctx, &unstructured.Unstructured{Object: svc}); err != nil {
			return nil, err
		}
		if err := o.certificate(ctx, meta); err != nil {
			return nil, err
		}
	}
	return o.authorities(ctx, c)
}

// certificate makes a service's certificate, unless there is one that will do.
func (o *Operator) certificate(ctx context.Context, service metav1.ObjectMeta) error {
	host := service.Name + "." + service.Namespace + ".svc"
	service.Name += "-cert"
	var have corev1.Secret
	err := o.Client.Get(ctx, kube.Secrets.Ref(service.Namespace, service.Name), &have)
	if err == nil && certs.Fresh(have.Data[corev1.TLSCertKey], []string{host}, o.Clock.Now()) {
		return nil
	}
	if err != nil && !kube.NotFound(err) {
		return err
	}
	now := o.Clock.Now()
	ca, err := certs.NewAuthority(now, pki.Name{Common: "olm-selfsigned-" + hashOf(host+now.String()),
		Organization: []string{"Red Hat, Inc."}}, certificateLife)
	if err != nil {
		return err
	}
	leaf := pki.Leaf{Name: pki.Name{Common: host}, Usage: pki.Server, Life: certificateLife}
	pair, err := certs.Issue(ca, now, leaf, host, host+".cluster.local")
	if err != nil {
		return err
	}
	s := api.TLSSecret(service.Namespace, service.Name, pair.Cert, pair.Key)
	s.ObjectMeta = service
	s.Data[authorityKey] = ca.Cert
	if have.Name != "" {
		have.Data = s.Data
		return o.Client.Update(ctx, kube.Secrets.Ref(s.Namespace, s.Name), "", &have)
	}
	return o.Client.Create(ctx, kube.Secrets, s.Namespace, s)
}

// authorities are those of the certificates that a CSV's deployments have.
func (o *Operator) authorities(ctx context.Context, c *v1alpha1.ClusterServiceVersion) (map[string]string, error) {
	out := map[string]string{}
	for name := range served(c) {
		var s corev1.Secret
		err := o.Client.Get(ctx, kube.Secrets.Ref(c.Namespace, serviceOf(name)+"-cert"), &s)
		if err != nil && !kube.NotFound(err) {
			return nil, err
		}
		out[name] = string(s.Data[authorityKey])
	}
	return out, nil
}

func strategyOf(c *v1alpha1.ClusterServiceVersion, name string) (v1alpha1.StrategyDeploymentSpec, bool) {
	for _, d := range c.Spec.InstallStrategy.StrategySpec.DeploymentSpecs {
		if d.Name == name {
			return d, true
		}
	}
	return v1alpha1.StrategyDeploymentSpec{}, false
}

// addCertificates mounts the certificate where programs look for it.
func addCertificates(spec *corev1.PodSpec, service string) {
	for _, v := range []struct{ name, path, cert, key string }{
		{"apiservice-cert", "/apiserver.local.config/certificates", "apiserver.crt", "apiserver.key"},
		{"webhook-cert", "/tmp/k8s-webhook-server/serving-certs", "tls.crt", "tls.key"},
	} {
		spec.Volumes = slices.DeleteFunc(spec.Volumes, func(h corev1.Volume) bool { return h.Name == v.name })
		spec.Volumes = append(spec.Volumes, corev1.Volume{Name: v.name, VolumeSource: corev1.VolumeSource{
			Secret: &corev1.SecretVolumeSource{SecretName: service + "-cert", Items: []corev1.KeyToPath{
				{Key: corev1.TLSCertKey, Path: v.cert}, {Key: corev1.TLSPrivateKeyKey, Path: v.key},
			}},
		}})
		for i := range spec.Containers {
			c := &spec.Containers[i]
			c.VolumeMounts = slices.DeleteFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool {
				return m.Name == v.name || m.MountPath == v.path
			})
			c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: v.name, MountPath: v.path})
		}
	}
}

// webhooks registers a CSV's webhooks.
func (o *Operator) webhooks(ctx context.Context, c *v1alpha1.ClusterServiceVersion, g *operatorsv1.OperatorGroup,
	authorities map[string]string) error {
	if len(c.Spec.WebhookDefinitions) == 0 {
		return nil
	}
	selector, err := o.selectNamespaces(ctx, g)
	if err != nil {
		return err
	}
	for _, d := range c.Spec.WebhookDefinitions {
		ca := []byte(authorities[d.DeploymentName])
		d.ContainerPort = cmp.Or(d.ContainerPort, 443)
		meta := metav1.ObjectMeta{Name: webhookName(c, d), Labels: ownerLabels(c)}
		meta.Labels[webhookLabel] = d.GenerateName
		var object any
		switch d.Type {
		case v1alpha1.ValidatingAdmissionWebhook:
			object = &admissionv1.ValidatingWebhookConfiguration{
				TypeMeta:   metav1.TypeMeta{APIVersion: "admissionregistration.k8s.io/v1", Kind: "ValidatingWebhookConfiguration"},
				ObjectMeta: meta,
				Webhooks:   []admissionv1.ValidatingWebhook{d.GetValidatingWebhook(c.Namespace, selector, ca)},
			}
		case v1alpha1.MutatingAdmissionWebhook:
			object = &admissionv1.MutatingWebhookConfiguration{
				TypeMeta:   metav1.TypeMeta{APIVersion: "admissionregistration.k8s.io/v1", Kind: "MutatingWebhookConfiguration"},
				ObjectMeta: meta,
				Webhooks:   []admissionv1.MutatingWebhook{d.GetMutatingWebhook(c.Namespace, selector, ca)},
			}
		case v1alpha1.ConversionWebhook:
			if err := o.conversion(ctx, c, d, ca); err != nil {
				return err
			}
			continue
		default:
			return fmt.Errorf("webhook %s has unknown type %q", d.GenerateName, d.Type)
		}
		m, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
		if err != nil {
			return err
		}
		unstructured.RemoveNestedField(m, "metadata", "creationTimestamp")
		if err := o.Client.ApplyObject(ctx, &unstructured.Unstructured{Object: m}); err != nil {
			return err
		}
	}
	return nil
}

// webhookName is the same each time, where OKD's ends at random.
func webhookName(c *v1alpha1.ClusterServiceVersion, d v1alpha1.WebhookDescription) string {
	return d.GenerateName + "-" + hashOf([]string{c.Namespace, c.Name, d.GenerateName})[:5]
}

// selectNamespaces limits webhooks to the namespaces of a group; nil selects all.
func (o *Operator) selectNamespaces(ctx context.Context, g *operatorsv1.OperatorGroup) (*metav1.LabelSelector, error) {
	if slices.Equal(g.Status.Namespaces, []string{metav1.NamespaceAll}) {
		return &metav1.LabelSelector{}, nil
	}
	label := groupLabel + string(g.UID)
	for _, n := range g.Status.Namespaces {
		patch := map[string]any{"metadata": map[string]any{"labels": map[string]string{label: ""}}}
		if err := o.Client.Patch(ctx, api.Namespaces.Ref("", n), "", patch); err != nil {
			return nil, fmt.Errorf("label namespace %s: %w", n, err)
		}
	}
	return &metav1.LabelSelector{MatchLabels: map[string]string{label: ""}}, nil
}

// conversion has definitions convert objects by the operator.
func (o *Operator) conversion(ctx context.Context, c *v1alpha1.ClusterServiceVersion, d v1alpha1.WebhookDescription,
	ca []byte) error {
	for _, name := range d.ConversionCRDs {
		config := map[string]any{"caBundle": ca, "service": map[string]any{
			"namespace": c.Namespace, "name": serviceOf(d.DeploymentName), "port": d.ContainerPort,
			"path": cmp.Or(deref(d.WebhookPath), "/"),
		}}
		patch := map[string]any{"spec": map[string]any{"conversion": map[string]any{
			"strategy": "Webhook",
			"webhook":  map[string]any{"clientConfig": config, "conversionReviewVersions": d.AdmissionReviewVersions},
		}}}
		if err := o.Client.Patch(ctx, definitions.Ref("", name), "", patch); err != nil {
			return fmt.Errorf("conversion of %s: %w", name, err)
		}
	}
	return nil
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// missingWebhook names a webhook that somebody removed.
func (o *Operator) missingWebhook(ctx context.Context, c *v1alpha1.ClusterServiceVersion) (string, error) {
	for _, d := range c.Spec.WebhookDefinitions {
		kind := validating
		switch d.Type {
		case v1alpha1.MutatingAdmissionWebhook:
			kind = mutating
		case v1alpha1.ConversionWebhook:
			continue
		case v1alpha1.ValidatingAdmissionWebhook:
		}
		err := o.Client.Get(ctx, kind.Ref("", webhookName(c, d)), new(metav1.PartialObjectMetadata))
		if kube.NotFound(err) {
			return fmt.Sprintf("webhook %s not found", d.GenerateName), nil
		}
		if err != nil {
			return "", err
		}
	}
	return "", nil
}
