// Package certs makes and checks the lab's own certificates: those of its services,
// etcd's, the ingress's, and short-lived ones of the control plane. They have P-256
// keys, unlike those of package pki: a bootstrap on two cores makes a dozen while the
// installer waits, and every pull of every machine begins with a handshake.
package certs

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/okd-install/okd-install/pkg/pki"
)

// NewAuthority makes a self-signed CA.
func NewAuthority(now time.Time, name pki.Name, life time.Duration) (pki.Pair, error) {
	t := pki.Leaf{Name: name, Life: life}.Template(now.Add(-time.Minute), now)
	t.IsCA = true
	t.KeyUsage |= x509.KeyUsageCertSign
	return sign(t, nil, nil)
}

// Issue signs a leaf for its own names and for hosts, which are DNS names and
// addresses. It never outlives its CA.
func Issue(ca pki.Pair, now time.Time, leaf pki.Leaf, hosts ...string) (pki.Pair, error) {
	signer, err := tls.X509KeyPair(ca.Cert, ca.Key)
	if err != nil {
		return pki.Pair{}, fmt.Errorf("read the CA of %s: %w", leaf.Name.Common, err)
	}
	key, ok := signer.PrivateKey.(crypto.Signer)
	if !ok || !signer.Leaf.IsCA {
		return pki.Pair{}, fmt.Errorf("sign %s: %s is not a CA", leaf.Name.Common, signer.Leaf.Subject)
	}
	t := leaf.Template(now.Add(-time.Minute), now)
	if t.NotAfter.After(signer.Leaf.NotAfter) {
		t.NotAfter = signer.Leaf.NotAfter
	}
	t.DNSNames = slices.Clone(t.DNSNames)
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, h)
		}
	}
	out, err := sign(t, signer.Leaf, key)
	if leaf.Chain {
		out.Cert = append(out.Cert, ca.Cert...)
	}
	return out, err
}

// ServerConfig is the configuration of servers with these names and addresses. Their
// certificate is valid for two years.
func ServerConfig(ca pki.Pair, now time.Time, names []string, addresses []netip.Addr) (*tls.Config, error) {
	p, err := Issue(ca, now, pki.Leaf{
		Name: pki.Name{Common: names[0]}, DNS: names, IPs: addresses,
		Usage: pki.Server, Life: 2 * pki.Year, Chain: true,
	})
	if err != nil {
		return nil, err
	}
	cert, err := tls.X509KeyPair(p.Cert, p.Key)
	if err != nil {
		return nil, fmt.Errorf("read the certificate of %s: %w", names[0], err)
	}
	return &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}, nil
}

// sign makes a key for a certificate, which signs itself if it has no parent.
func sign(t, parent *x509.Certificate, signer crypto.Signer) (pki.Pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return pki.Pair{}, fmt.Errorf("make key of %s: %w", t.Subject.CommonName, err)
	}
	if parent == nil {
		parent, signer = t, key
	}
	cert, err := x509.CreateCertificate(rand.Reader, t, parent, key.Public(), signer)
	if err != nil {
		return pki.Pair{}, fmt.Errorf("sign %s: %w", t.Subject.CommonName, err)
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return pki.Pair{}, fmt.Errorf("encode key of %s: %w", t.Subject.CommonName, err)
	}
	return pki.Pair{
		Cert: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}),
		Key:  pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: private}),
	}, nil
}

// SignedBy reports whether a certificate is signed by one of a bundle.
func SignedBy(cert, bundle []byte) bool {
	chain, err := pki.ParseCertificates(cert)
	if err != nil {
		return false
	}
	cas, err := pki.ParseCertificates(bundle)
	if err != nil {
		return false
	}
	for _, ca := range cas {
		if chain[0].CheckSignatureFrom(ca) == nil {
			return true
		}
	}
	return false
}

// Fresh reports whether a certificate has more than a fifth of its life left at
// now and covers all hosts.
func Fresh(cert []byte, hosts []string, now time.Time) bool {
	chain, err := pki.ParseCertificates(cert)
	if err != nil {
		return false
	}
	c := chain[0]
	if now.After(c.NotAfter.Add(-c.NotAfter.Sub(c.NotBefore) / 5)) {
		return false
	}
	for _, h := range hosts {
		if c.VerifyHostname(h) != nil {
			return false
		}
	}
	return true
}
