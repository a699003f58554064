package pki

import (
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

// NewKey makes an RSA key. From the system's randomness it is made by
// crypto/rsa. That package ignores any other source, so from another one the
// key is made here: the same bytes in give the same key out.
func NewKey(r io.Reader) (*rsa.PrivateKey, error) {
	if r == rand.Reader {
		return rsa.GenerateKey(r, KeyBits)
	}
	e := big.NewInt(65537)
	for {
		p, err := newPrime(r, KeyBits/2)
		if err != nil {
			return nil, err
		}
		q, err := newPrime(r, KeyBits/2)
		if err != nil {
			return nil, err
		}
		one := big.NewInt(1)
		phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
		d := new(big.Int).ModInverse(e, phi)
		if d == nil || p.Cmp(q) == 0 {
			continue
		}
		key := &rsa.PrivateKey{
			PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: int(e.Int64())},
			D:         d,
			Primes:    []*big.Int{p, q},
		}
		key.Precompute()
		return key, key.Validate()
	}
}

// newPrime returns a prime with its two highest bits set, so that the product
// of two has the full length. From a random start it goes up to the next prime,
// and tests only what no small prime divides.
func newPrime(r io.Reader, bits int) (*big.Int, error) {
	small := smallPrimes(10_000)
	buf := make([]byte, bits/8)
	for {
		if _, err := io.ReadFull(r, buf); err != nil {
			return nil, fmt.Errorf("read randomness for a key: %w", err)
		}
		buf[0] |= 0xc0
		buf[len(buf)-1] |= 1
		start := new(big.Int).SetBytes(buf)
		rest := make([]uint64, len(small))
		for i, p := range small {
			rest[i] = new(big.Int).Mod(start, new(big.Int).SetUint64(p)).Uint64()
		}
	next:
		for up := uint64(0); up < 1<<16; up += 2 {
			for i, p := range small {
				if (rest[i]+up)%p == 0 {
					continue next
				}
			}
			p := new(big.Int).Add(start, new(big.Int).SetUint64(up))
			if p.BitLen() == bits && p.ProbablyPrime(8) {
				return p, nil
			}
		}
	}
}

// smallPrimes are the odd primes below a limit.
func smallPrimes(limit int) []uint64 {
	var out []uint64
	composite := make([]bool, limit)
	for n := 3; n < limit; n += 2 {
		if composite[n] {
			continue
		}
		out = append(out, uint64(n))
		for m := n * n; m < limit; m += 2 * n {
			composite[m] = true
		}
	}
	return out
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
