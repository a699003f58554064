// Package certs makes and renews the certificates that the lab release's
// operators own: etcd's, and short-lived control plane certificates whose
// signers came from the installer.
package certs

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"time"
)

// Pair is a certificate and its key, both PEM. CertPEM may hold a chain, leaf
// first.
type Pair struct {
	CertPEM []byte
	KeyPEM  []byte
}

// Request says what a leaf certificate is for.
type Request struct {
	CommonName    string
	Organizations []string
	Hosts         []string // DNS names and IP addresses
	Server        bool
	Client        bool
	Life          time.Duration
}

// Authority signs leaves.
type Authority struct {
	Pair
	cert *x509.Certificate
	key  crypto.Signer
}

// NewAuthority makes a self-signed signer. P-256 keys, because a bootstrap on
// two cores makes a dozen pairs while the installer waits.
func NewAuthority(name string, now time.Time, life time.Duration) (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make key of %s: %w", name, err)
	}
	serial, err := serialNumber()
	if err != nil {
		return nil, err
	}
	t := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{OrganizationalUnit: []string{"openshift"}, CommonName: name},
		NotBefore:             now.Add(-time.Minute),
		NotAfter:              now.Add(life),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("sign %s: %w", name, err)
	}
	keyPEM, err := encodeKey(key)
	if err != nil {
		return nil, err
	}
	return LoadAuthority(Pair{CertPEM: encodeCert(der), KeyPEM: keyPEM})
}

// LoadAuthority reads a signer from PEM.
func LoadAuthority(p Pair) (*Authority, error) {
	cert, err := Leaf(p.CertPEM)
	if err != nil {
		return nil, err
	}
	key, err := parseKey(p.KeyPEM)
	if err != nil {
		return nil, err
	}
	if !cert.IsCA {
		return nil, fmt.Errorf("load signer %s: the certificate is not a CA", cert.Subject.CommonName)
	}
	return &Authority{Pair: p, cert: cert, key: key}, nil
}

// NotAfter is when the signer ends.
func (a *Authority) NotAfter() time.Time { return a.cert.NotAfter }

// Issue signs a leaf. A leaf never outlives its signer.
func (a *Authority) Issue(r Request, now time.Time) (Pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Pair{}, fmt.Errorf("make key of %s: %w", r.CommonName, err)
	}
	serial, err := serialNumber()
	if err != nil {
		return Pair{}, err
	}
	end := now.Add(r.Life)
	if end.After(a.cert.NotAfter) {
		end = a.cert.NotAfter
	}
	t := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{Organization: r.Organizations, CommonName: r.CommonName},
		NotBefore:             now.Add(-time.Minute),
		NotAfter:              end,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
	}
	if r.Server {
		t.ExtKeyUsage = append(t.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
	}
	if r.Client {
		t.ExtKeyUsage = append(t.ExtKeyUsage, x509.ExtKeyUsageClientAuth)
	}
	for _, h := range r.Hosts {
		if ip := net.ParseIP(h); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, h)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, t, a.cert, key.Public(), a.key)
	if err != nil {
		return Pair{}, fmt.Errorf("sign %s: %w", r.CommonName, err)
	}
	keyPEM, err := encodeKey(key)
	if err != nil {
		return Pair{}, err
	}
	return Pair{CertPEM: encodeCert(der), KeyPEM: keyPEM}, nil
}

// Leaf is the first certificate of a PEM file.
func Leaf(data []byte) (*x509.Certificate, error) {
	for {
		block, rest := pem.Decode(data)
		if block == nil {
			return nil, errors.New("read certificate: no PEM certificate found")
		}
		if block.Type == "CERTIFICATE" {
			c, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return nil, fmt.Errorf("read certificate: %w", err)
			}
			return c, nil
		}
		data = rest
	}
}

// SignedBy says whether the leaf in certPEM is signed by one of the
// certificates in bundle.
func SignedBy(certPEM, bundle []byte) bool {
	leaf, err := Leaf(certPEM)
	if err != nil {
		return false
	}
	for {
		block, rest := pem.Decode(bundle)
		if block == nil {
			return false
		}
		if ca, err := x509.ParseCertificate(block.Bytes); err == nil && leaf.CheckSignatureFrom(ca) == nil {
			return true
		}
		bundle = rest
	}
}

// Fresh says whether a certificate has more than a fifth of its life left at
// now and covers all hosts.
func Fresh(certPEM []byte, hosts []string, now time.Time) bool {
	c, err := Leaf(certPEM)
	if err != nil {
		return false
	}
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

func parseKey(data []byte) (crypto.Signer, error) {
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, errors.New("read key: no PEM block found")
	}
	if k, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return k, nil
	}
	if k, err := x509.ParseECPrivateKey(block.Bytes); err == nil {
		return k, nil
	}
	k, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read key: neither PKCS#1, SEC 1 nor PKCS#8: %w", err)
	}
	s, ok := k.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("read key: %T cannot sign", k)
	}
	return s, nil
}

func encodeKey(k *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalECPrivateKey(k)
	if err != nil {
		return nil, fmt.Errorf("encode key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), nil
}

func encodeCert(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func serialNumber() (*big.Int, error) {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, fmt.Errorf("draw serial number: %w", err)
	}
	return n, nil
}
