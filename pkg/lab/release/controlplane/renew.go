package controlplane

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/certs"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/pki"
)

// The installer's serving certificates live one day, their signers ten years. The
// operator replaces them before the first revision is made, so that the masters
// start with ones that last.
const (
	servingLife = 30 * pki.Day
	shortLife   = 2 * pki.Day
)

// served are the certificates that are renewed and their signers.
var served = []struct{ secret, signer string }{
	{"external-loadbalancer-serving-certkey", "loadbalancer-serving-signer"},
	{"internal-loadbalancer-serving-certkey", "loadbalancer-serving-signer"},
	{"localhost-serving-cert-certkey", "localhost-serving-signer"},
	{"service-network-serving-certkey", "service-network-serving-signer"},
}

func renew(ctx context.Context, c *api.Client, now time.Time) error {
	for _, s := range served {
		var have, signer corev1.Secret
		if err := c.Get(ctx, kube.Secrets.Ref(apiNamespace, s.secret), &have); err != nil {
			return fmt.Errorf("read serving certificate %s: %w", s.secret, err)
		}
		chain, err := pki.ParseCertificates(have.Data[corev1.TLSCertKey])
		if err != nil {
			return fmt.Errorf("read serving certificate %s: %w", s.secret, err)
		}
		old := chain[0]
		if old.NotAfter.Sub(old.NotBefore) > shortLife && certs.Fresh(have.Data[corev1.TLSCertKey], nil, now) {
			continue
		}
		err = c.Get(ctx, kube.Secrets.Ref(apiOperatorNamespace, s.signer), &signer)
		if kube.NotFound(err) {
			continue
		}
		if err != nil {
			return fmt.Errorf("read signer %s: %w", s.signer, err)
		}
		ca := pki.Pair{Cert: signer.Data[corev1.TLSCertKey], Key: signer.Data[corev1.TLSPrivateKeyKey]}
		if ca.Expires().Sub(now) <= shortLife {
			continue // a new leaf would not live longer
		}
		hosts := old.DNSNames
		for _, ip := range old.IPAddresses {
			hosts = append(hosts, ip.String())
		}
		pair, err := certs.Issue(ca, now, pki.Leaf{
			Name:  pki.Name{Common: old.Subject.CommonName, Organization: old.Subject.Organization},
			Usage: pki.Server, Life: servingLife, Chain: true,
		}, hosts...)
		if err != nil {
			return fmt.Errorf("renew serving certificate %s: %w", s.secret, err)
		}
		if err := c.EnsureSecret(ctx, api.TLSSecret(apiNamespace, s.secret, pair.Cert, pair.Key)); err != nil {
			return err
		}
	}
	return nil
}
