// Package seal encrypts a small file at rest with age, for a passphrase or an
// age identity. The age program can open the file as well.
package seal

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"filippo.io/age"
)

// workFactor is the logarithm of scrypt's cost: 128 MiB of memory and a few
// tenths of a second per run, OWASP's minimum for storing passphrases.
const workFactor = 17

// maxWorkFactor limits the memory that a manipulated file can cost to 1 GiB.
const maxWorkFactor = 20

// MaxKeyFile is the largest size of a key file, in bytes.
const MaxKeyFile = 64 << 10

// identityPrefix starts the line with the secret key in an age identity file.
const identityPrefix = "AGE-SECRET-KEY-1"

// Key is a passphrase or a set of age identities. Printing it shows nothing.
type Key struct {
	recipients []age.Recipient
	identities []age.Identity
}

// String hides the key.
func (*Key) String() string { return "(hidden)" }

// GoString hides the key.
func (*Key) GoString() string { return "(hidden)" }

// LogValue hides the key.
func (*Key) LogValue() slog.Value { return slog.StringValue("(hidden)") }

// ParseKey reads the content of a key file: an identity file of age-keygen, or
// one line with a passphrase.
func ParseKey(data []byte) (*Key, error) {
	for line := range bytes.Lines(data) {
		if bytes.HasPrefix(line, []byte(identityPrefix)) {
			return parseIdentities(data)
		}
	}
	text := strings.TrimRight(string(data), "\r\n")
	if strings.ContainsAny(text, "\r\n") {
		return nil, errors.New("a passphrase must be on one line")
	}
	return Passphrase(text)
}

// Passphrase makes a key of a passphrase.
func Passphrase(text string) (*Key, error) { return passphrase(text, workFactor) }

func passphrase(text string, factor int) (*Key, error) {
	if strings.TrimSpace(text) == "" {
		return nil, errors.New("the passphrase is empty")
	}
	recipient, err := age.NewScryptRecipient(text)
	if err != nil {
		return nil, err
	}
	recipient.SetWorkFactor(factor)
	identity, err := age.NewScryptIdentity(text)
	if err != nil {
		return nil, err
	}
	identity.SetMaxWorkFactor(maxWorkFactor)
	return &Key{[]age.Recipient{recipient}, []age.Identity{identity}}, nil
}

func parseIdentities(data []byte) (*Key, error) {
	found, err := age.ParseIdentities(bytes.NewReader(data))
	if err != nil {
		// The library's error may quote the line.
		return nil, errors.New("not a valid age identity file")
	}
	k := &Key{identities: found}
	for i, identity := range found {
		x, ok := identity.(*age.X25519Identity)
		if !ok {
			return nil, fmt.Errorf("age identity %d: only X25519 identities are supported", i+1)
		}
		k.recipients = append(k.recipients, x.Recipient())
	}
	return k, nil
}
