package pki

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"slices"
	"time"
)

// Load reads a certificate and its key that were made elsewhere. The key may be
// PKCS#1 or PKCS#8; the pair has it as PKCS#1, the only format that all of
// OpenShift's components read.
func Load(cert, key []byte) (Pair, error) {
	certs, err := ParseCertificates(cert)
	if err != nil {
		return Pair{}, err
	}
	private, err := ParseKey(key)
	if err != nil {
		return Pair{}, err
	}
	if !private.PublicKey.Equal(certs[0].PublicKey) {
		return Pair{}, fmt.Errorf("the key does not belong to the certificate %q", certs[0].Subject)
	}
	if bits := private.N.BitLen(); bits < KeyBits {
		return Pair{}, fmt.Errorf("the key has %d bits, but needs at least %d", bits, KeyBits)
	}
	var clean []byte // without the text that openssl writes before the PEM
	for _, c := range certs {
		clean = append(clean, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return Pair{Cert: clean, Key: EncodeKey(private)}, nil
}

// CheckAuthority returns why a pair from elsewhere cannot sign certificates.
func (p Pair) CheckAuthority(now time.Time) error {
	c, err := p.valid(now)
	if err != nil {
		return err
	}
	if !c.BasicConstraintsValid || !c.IsCA || c.KeyUsage != 0 && c.KeyUsage&x509.KeyUsageCertSign == 0 {
		return fmt.Errorf("the certificate %q is not a CA", c.Subject)
	}
	return nil
}

// CheckClient returns why a pair from elsewhere cannot log in to a server that
// trusts ca.
func (p Pair) CheckClient(now time.Time, ca Pair) error {
	c, err := p.valid(now)
	if err != nil {
		return err
	}
	if !slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageClientAuth) {
		return fmt.Errorf("the certificate %q is not a client certificate", c.Subject)
	}
	cas, err := ParseCertificates(ca.Cert)
	if err != nil {
		return err
	}
	if err := c.CheckSignatureFrom(cas[0]); err != nil {
		return fmt.Errorf("the certificate %q was not signed by %q: %w", c.Subject, cas[0].Subject, err)
	}
	return nil
}

func (p Pair) valid(now time.Time) (*x509.Certificate, error) {
	certs, err := ParseCertificates(p.Cert)
	if err != nil {
		return nil, err
	}
	c := certs[0]
	switch {
	case now.Before(c.NotBefore):
		return nil, fmt.Errorf("the certificate %q is not valid before %s", c.Subject, c.NotBefore.Format(time.RFC3339))
	case !now.Before(c.NotAfter):
		return nil, fmt.Errorf("the certificate %q expired at %s", c.Subject, c.NotAfter.Format(time.RFC3339))
	}
	return c, nil
}
