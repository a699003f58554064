// Package pki makes the keys and certificates of a cluster. The time is a
// parameter; randomness comes from the system.
package pki

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"time"
)

// Lifetimes of certificates. The cluster's operators replace those of a day soon
// after it is up.
const (
	Day      = 24 * time.Hour
	Year     = 365 * Day
	TenYears = 10 * Year
)

// Pair is a certificate and its key, as PEM.
type Pair struct {
	Cert []byte `json:"cert"`
	Key  []byte `json:"key"`
	// Issued is when the certificate was made: NotBefore is that of the CA. It is zero
	// for certificates from elsewhere.
	Issued time.Time `json:"issued,omitzero"`
}

// String names the certificate and hides the key.
func (p Pair) String() string {
	certs, err := ParseCertificates(p.Cert)
	if err != nil {
		return "certificate (unreadable)"
	}
	return "certificate " + certs[0].Subject.String()
}

// GoString hides the key as well.
func (p Pair) GoString() string { return p.String() }

// LogValue hides the key as well.
func (p Pair) LogValue() slog.Value { return slog.StringValue(p.String()) }

// longMargin is how long before its end a long-lived certificate is stale.
const longMargin = 30 * Day

// Stale returns why a certificate must not be used for a new cluster, empty if it may. It
// is stale if less than 30 days, or less than half of its life, are left.
func (p Pair) Stale(now time.Time) string {
	if p.Cert == nil { // the cluster does not need it
		return ""
	}
	certs, err := ParseCertificates(p.Cert)
	if err != nil {
		return "cannot be read: " + err.Error()
	}
	c := certs[0]
	from := p.Issued
	if from.IsZero() {
		from = c.NotBefore
	}
	margin := min(c.NotAfter.Sub(from)/2, longMargin)
	switch {
	case now.Before(c.NotBefore):
		return "is not valid before " + c.NotBefore.Format(time.RFC3339)
	case !now.Before(c.NotAfter):
		return "expired at " + c.NotAfter.Format(time.RFC3339)
	case now.After(c.NotAfter.Add(-margin)):
		return "expires at " + c.NotAfter.Format(time.RFC3339)
	}
	return ""
}

// Expires returns when the certificate expires, zero if it cannot be read.
func (p Pair) Expires() time.Time {
	certs, err := ParseCertificates(p.Cert)
	if err != nil {
		return time.Time{}
	}
	return certs[0].NotAfter
}

// Name is the subject of a certificate.
type Name struct {
	Common       string
	Organization []string
	Unit         string
}

func (n Name) pkix() pkix.Name {
	out := pkix.Name{CommonName: n.Common, Organization: n.Organization}
	if n.Unit != "" {
		out.OrganizationalUnit = []string{n.Unit}
	}
	return out
}

// NewAuthority makes a self-signed CA.
func NewAuthority(now time.Time, name Name, life time.Duration) (Pair, error) {
	key, err := NewKey()
	if err != nil {
		return Pair{}, fmt.Errorf("make CA %s: %w", name.Common, err)
	}
	tmpl := &x509.Certificate{
		Subject:               name.pkix(),
		NotBefore:             now,
		NotAfter:              now.Add(life),
		KeyUsage:              x509.KeyUsageKeyEncipherment | x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	return sign(now, tmpl, tmpl, key, key)
}

// NewSelfSigned makes a certificate without a CA. Clients must be given the
// certificate itself to trust it.
func NewSelfSigned(now time.Time, leaf Leaf) (Pair, error) {
	key, err := NewKey()
	if err != nil {
		return Pair{}, fmt.Errorf("make certificate %s: %w", leaf.Name.Common, err)
	}
	tmpl := leaf.Template(now, now)
	return sign(now, tmpl, tmpl, key, key)
}

// Usage is the extended key usage of a leaf.
type Usage int

// The usages; a leaf may have both.
const (
	Server Usage = 1 << iota
	Client
)

// Leaf describes a certificate that a CA signs.
type Leaf struct {
	Name  Name
	Life  time.Duration
	Usage Usage
	DNS   []string
	IPs   []netip.Addr
	// Chain appends the CA's certificate, for clients that trust only its issuer.
	Chain bool
}

// Issue signs a new leaf. It is valid as early as the CA, so that hosts whose
// clock is slow accept it.
func (p Pair) Issue(now time.Time, leaf Leaf) (Pair, error) {
	key, err := NewKey()
	if err != nil {
		return Pair{}, fmt.Errorf("issue %s: %w", leaf.Name.Common, err)
	}
	return p.IssueFor(now, key, leaf)
}

// IssueFor is Issue for an existing key.
func (p Pair) IssueFor(now time.Time, key *rsa.PrivateKey, leaf Leaf) (Pair, error) {
	cas, err := ParseCertificates(p.Cert)
	if err != nil {
		return Pair{}, fmt.Errorf("issue %s: %w", leaf.Name.Common, err)
	}
	caKey, err := ParseKey(p.Key)
	if err != nil {
		return Pair{}, fmt.Errorf("issue %s: %w", leaf.Name.Common, err)
	}
	out, err := sign(now, leaf.Template(cas[0].NotBefore, now), cas[0], key, caKey)
	if err == nil && leaf.Chain {
		out.Cert = slices.Concat(out.Cert, p.Cert)
	}
	return out, err
}

// Template is an unsigned certificate that is valid from a time on.
func (l Leaf) Template(from, now time.Time) *x509.Certificate {
	tmpl := &x509.Certificate{
		Subject:               l.Name.pkix(),
		NotBefore:             from,
		NotAfter:              now.Add(l.Life),
		KeyUsage:              x509.KeyUsageKeyEncipherment | x509.KeyUsageDigitalSignature,
		BasicConstraintsValid: true,
		DNSNames:              l.DNS,
	}
	if l.Usage&Server != 0 {
		tmpl.ExtKeyUsage = append(tmpl.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
	}
	if l.Usage&Client != 0 {
		tmpl.ExtKeyUsage = append(tmpl.ExtKeyUsage, x509.ExtKeyUsageClientAuth)
	}
	for _, ip := range l.IPs {
		tmpl.IPAddresses = append(tmpl.IPAddresses, net.IP(ip.AsSlice()))
	}
	return tmpl
}

// sign makes the certificate. Its serial number is random.
func sign(now time.Time, tmpl, parent *x509.Certificate, key, parentKey *rsa.PrivateKey) (Pair, error) {
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, &key.PublicKey, parentKey)
	if err != nil {
		return Pair{}, fmt.Errorf("sign certificate %s: %w", tmpl.Subject.CommonName, err)
	}
	return Pair{
		Cert:   pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		Key:    EncodeKey(key),
		Issued: now.UTC().Truncate(time.Second),
	}, nil
}

// Bundle concatenates the certificates of CAs without duplicates.
func Bundle(cas ...Pair) []byte {
	var out []byte
	seen := map[string]bool{}
	for _, ca := range cas {
		if !seen[string(ca.Cert)] {
			seen[string(ca.Cert)] = true
			out = append(out, ca.Cert...)
		}
	}
	return out
}
