// Package updates is the lab's update service: it speaks Cincinnati's protocol about
// the releases that the lab's registry has, and serves their signatures.
package updates

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// Signer signs release images as the lab's publisher of releases.
type Signer struct{ key *openpgp.Entity }

// NewSigner makes a key.
func NewSigner(lab string, now time.Time) (*Signer, error) {
	key, err := openpgp.NewEntity("okd-lab "+lab+" releases", "", "", &packet.Config{
		Algorithm: packet.PubKeyAlgoEdDSA, Time: func() time.Time { return now.Add(-time.Hour) },
	})
	if err != nil {
		return nil, fmt.Errorf("make release key: %w", err)
	}
	return &Signer{key}, nil
}

// LoadSigner reads what Private wrote.
func LoadSigner(raw []byte) (*Signer, error) {
	keys, err := openpgp.ReadArmoredKeyRing(bytes.NewReader(raw))
	if err == nil && (len(keys) != 1 || keys[0].PrivateKey == nil) {
		err = errors.New("it is not one private key")
	}
	if err != nil {
		return nil, fmt.Errorf("read release key: %w", err)
	}
	return &Signer{keys[0]}, nil
}

// Public is the armored public key, for those who check signatures.
func (s *Signer) Public() ([]byte, error) { return armored(openpgp.PublicKeyType, s.key.Serialize) }

// Private is the armored private key.
func (s *Signer) Private() ([]byte, error) {
	return armored(openpgp.PrivateKeyType, func(w io.Writer) error { return s.key.SerializePrivate(w, nil) })
}

func armored(kind string, write func(io.Writer) error) ([]byte, error) {
	var out bytes.Buffer
	w, err := armor.Encode(&out, kind, nil)
	if err == nil {
		err = errors.Join(write(w), w.Close())
	}
	if err != nil {
		return nil, fmt.Errorf("write release key: %w", err)
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// Sign makes the signature of an image.
func (s *Signer) Sign(reference, digest string, now time.Time) ([]byte, error) {
	claim, err := claimOf(reference, digest, now)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	w, err := openpgp.Sign(&out, s.key, nil, &packet.Config{Time: func() time.Time { return now }})
	if err == nil {
		_, err = w.Write(claim)
		err = errors.Join(err, w.Close())
	}
	if err != nil {
		return nil, fmt.Errorf("sign release: %w", err)
	}
	return out.Bytes(), nil
}
