// Package signature verifies the signatures of a release image with public keys that the user has. A signature is an
// OpenPGP message in a store, found by the image's digest.
package signature

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
)

// Keyring is a set of public keys that may sign releases.
type Keyring struct{ keys openpgp.EntityList }

// maxKeyring is the largest size of a file of public keys (bytes).
const maxKeyring = 1 << 20

// Load reads a file with public keys.
func Load(path string) (Keyring, error) {
	f, err := os.Open(path)
	if err != nil {
		return Keyring{}, fmt.Errorf("read release key: %w", err)
	}
	defer func() { _ = f.Close() }()
	raw, err := io.ReadAll(io.LimitReader(f, maxKeyring+1))
	if err != nil {
		return Keyring{}, fmt.Errorf("read release key: %w", err)
	}
	ring, err := Parse(raw)
	if err != nil {
		return Keyring{}, fmt.Errorf("read release key %s: %w", path, err)
	}
	return ring, nil
}

// Parse reads public keys, binary or armored. A file may have several armored blocks with text between them.
func Parse(raw []byte) (Keyring, error) {
	if len(raw) > maxKeyring {
		return Keyring{}, fmt.Errorf("it is larger than %d KiB", maxKeyring>>10)
	}
	read := binaryKeys
	if bytes.Contains(raw, []byte("-----BEGIN ")) {
		read = armoredKeys
	}
	keys, err := read(raw)
	if err == nil && len(keys) == 0 {
		err = errors.New("it has no OpenPGP public key")
	}
	return Keyring{keys}, err
}

func binaryKeys(raw []byte) (openpgp.EntityList, error) {
	keys, err := openpgp.ReadKeyRing(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("it has no OpenPGP public key: %w", err)
	}
	return keys, nil
}

func armoredKeys(raw []byte) (openpgp.EntityList, error) {
	var all openpgp.EntityList
	for in := bufio.NewReader(bytes.NewReader(raw)); ; {
		block, err := armor.Decode(in)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("its armor is damaged: %w", err)
		}
		body, err := io.ReadAll(block.Body) // to the end, where the next one begins
		if err != nil {
			return nil, fmt.Errorf("its armor is damaged: %w", err)
		}
		keys, err := binaryKeys(body)
		if err != nil {
			return nil, err
		}
		all = append(all, keys...)
	}
}

// Fingerprints returns the fingerprints of the primary keys, in hexadecimal.
func (k Keyring) Fingerprints() []string {
	var list []string
	for _, e := range k.keys {
		list = append(list, fingerprint(e))
	}
	slices.Sort(list)
	return list
}

// Has reports whether the keyring has a primary key with the fingerprint.
func (k Keyring) Has(fingerprint string) bool { return slices.Contains(k.Fingerprints(), fingerprint) }

func fingerprint(e *openpgp.Entity) string {
	return strings.ToUpper(fmt.Sprintf("%x", e.PrimaryKey.Fingerprint))
}

// Signed is a good signature.
type Signed struct {
	By string // fingerprint of the signer's primary key
	At time.Time
}
