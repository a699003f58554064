package pki

import (
	"crypto/fips140"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
)

// KeyBits is the size of every RSA key. All of OpenShift's renderers expect it.
const KeyBits = 2048

// publicExponent is the usual one.
const publicExponent = 65537

// NewKey makes an RSA key. The same bytes in give the same key out, which
// crypto/rsa does not offer; its keys also take a fifth more time, and two dozen
// of them are most of what generating assets takes. Where the process is bound
// to Go's FIPS module, that module makes keys from the system's randomness.
func NewKey(r io.Reader) (*rsa.PrivateKey, error) {
	if r == rand.Reader && fips140.Enabled() {
		return rsa.GenerateKey(r, KeyBits)
	}
	one, e := big.NewInt(1), big.NewInt(publicExponent)
	for {
		p, err := newPrime(r, KeyBits/2)
		if err != nil {
			return nil, err
		}
		q, err := newPrime(r, KeyBits/2)
		if err != nil {
			return nil, err
		}
		// FIPS 186-5, A.1.3: primes that are near each other can be guessed.
		if new(big.Int).Sub(p, q).BitLen() <= KeyBits/2-100 {
			continue
		}
		phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
		d := new(big.Int).ModInverse(e, phi)
		if d == nil {
			continue
		}
		key := &rsa.PrivateKey{
			PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: publicExponent},
			D:         d,
			Primes:    []*big.Int{p, q},
		}
		key.Precompute()
		return key, key.Validate()
	}
}

// EncodeKey writes a private key as PKCS#1 PEM.
func EncodeKey(key *rsa.PrivateKey) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
}

// EncodePublicKey writes a public key as PKIX PEM.
func EncodePublicKey(key *rsa.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return nil, fmt.Errorf("encode public key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil
}

var errNotRSA = errors.New("parse private key: not an RSA key")

// ParseKey reads an RSA key in PEM: what EncodeKey wrote, or PKCS#8 as openssl
// writes it.
func ParseKey(data []byte) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, errors.New("parse private key: no PEM block")
	}
	if key, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
		private, ok := key.(*rsa.PrivateKey)
		if !ok {
			return nil, errNotRSA
		}
		return private, nil
	}
	if block.Type == "EC PRIVATE KEY" {
		return nil, errNotRSA
	}
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("parse private key: %w", err)
	}
	return key, nil
}

// ParseCertificates reads all certificates of a PEM file, leaf first.
func ParseCertificates(data []byte) ([]*x509.Certificate, error) {
	var out []*x509.Certificate
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("parse certificate %d: %w", len(out)+1, err)
		}
		out = append(out, cert)
	}
	if len(out) == 0 {
		return nil, errors.New("parse certificates: no PEM block")
	}
	return out, nil
}
