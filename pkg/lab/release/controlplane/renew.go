package controlplane

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/okd-install/okd-install/pkg/lab/release/staticpod/certs"
	"github.com/okd-install/okd-install/pkg/lab/release/staticpod/kube"
)

// The installer's serving certificates live one day. The operator replaces
// them from their signers, which live ten years: those that are short-lived
// before the first revision is made, so that the masters start with ones that
// last.
const (
	servingLife = 30 * 24 * time.Hour
	shortLife   = 48 * time.Hour
)

// served are the certificates that are renewed and their signers.
var served = []struct{ secret, signer string }{
	{"external-loadbalancer-serving-certkey", "loadbalancer-serving-signer"},
	{"internal-loadbalancer-serving-certkey", "loadbalancer-serving-signer"},
	{"localhost-serving-cert-certkey", "localhost-serving-signer"},
	{"service-network-serving-certkey", "service-network-serving-signer"},
}

func (o *APIServerOperand) renew(ctx context.Context) error {
	now := o.Clock.Now()
	for _, s := range served {
		have, err := o.Clients.Kube.CoreV1().Secrets(apiNamespace).Get(ctx, s.secret, metav1.GetOptions{})
		if err != nil {
			return fmt.Errorf("read serving certificate %s: %w", s.secret, err)
		}
		leaf, err := certs.Leaf(have.Data[corev1.TLSCertKey])
		if err != nil {
			return fmt.Errorf("read serving certificate %s: %w", s.secret, err)
		}
		if leaf.NotAfter.Sub(leaf.NotBefore) > shortLife && certs.Fresh(have.Data[corev1.TLSCertKey], nil, now) {
			continue
		}
		signer, err := o.Clients.Kube.CoreV1().Secrets(apiOperatorNamespace).Get(ctx, s.signer, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return fmt.Errorf("read signer %s: %w", s.signer, err)
		}
		ca, err := certs.LoadAuthority(certs.Pair{CertPEM: signer.Data[corev1.TLSCertKey], KeyPEM: signer.Data[corev1.TLSPrivateKeyKey]})
		if err != nil {
			return fmt.Errorf("load signer %s: %w", s.signer, err)
		}
		if ca.NotAfter().Sub(now) <= shortLife {
			continue // a new leaf would not live longer
		}
		hosts := append([]string{}, leaf.DNSNames...)
		for _, ip := range leaf.IPAddresses {
			hosts = append(hosts, ip.String())
		}
		pair, err := ca.Issue(certs.Request{
			CommonName: leaf.Subject.CommonName, Organizations: leaf.Subject.Organization,
			Hosts: hosts, Server: true, Life: servingLife,
		}, now)
		if err != nil {
			return fmt.Errorf("renew serving certificate %s: %w", s.secret, err)
		}
		chain := append(append([]byte{}, pair.CertPEM...), ca.CertPEM...)
		if _, err := kube.EnsureSecret(ctx, o.Clients, kube.TLSSecret(apiNamespace, s.secret, chain, pair.KeyPEM)); err != nil {
			return err
		}
	}
	return nil
}
