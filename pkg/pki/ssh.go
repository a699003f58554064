package pki

import (
	"crypto/ed25519"
	"encoding/pem"
	"fmt"
	"io"
	"strings"

	"golang.org/x/crypto/ssh"
)

// SSHKey is an ed25519 SSH key pair.
type SSHKey struct {
	// PrivatePEM is the key in OpenSSH's own format.
	PrivatePEM []byte `json:"private"`
	// AuthorizedKey is the public half as one authorized_keys line, no newline.
	AuthorizedKey string `json:"public"`
}

// SSHKeys are the two pairs that the installer makes for the bootstrap host.
type SSHKeys struct {
	// Host is the host key that sshd of the bootstrap host shows.
	Host SSHKey `json:"host"`
	// User is the key with which the installer logs in as core.
	User SSHKey `json:"user"`
}

// NewSSHKey makes an ed25519 pair from r.
func NewSSHKey(r io.Reader, comment string) (SSHKey, error) {
	seed := make([]byte, ed25519.SeedSize)
	if _, err := io.ReadFull(r, seed); err != nil {
		return SSHKey{}, fmt.Errorf("read randomness for SSH key %s: %w", comment, err)
	}
	private := ed25519.NewKeyFromSeed(seed)
	public, err := ssh.NewPublicKey(private.Public())
	if err != nil {
		return SSHKey{}, fmt.Errorf("encode SSH key %s: %w", comment, err)
	}
	line := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(public)))
	if comment != "" {
		line += " " + comment
	}
	return SSHKey{PrivatePEM: marshalSSH(private, public, comment), AuthorizedKey: line}, nil
}

// marshalSSH writes the unencrypted openssh-key-v1 container. The one in
// x/crypto draws its check number from the system, which would make two runs
// with the same randomness differ.
func marshalSSH(private ed25519.PrivateKey, public ssh.PublicKey, comment string) []byte {
	const check = 0x6f6b6431
	inner := ssh.Marshal(struct {
		Check1, Check2 uint32
		Type           string
		Public         []byte
		Private        []byte
		Comment        string
	}{check, check, ssh.KeyAlgoED25519, private.Public().(ed25519.PublicKey), private, comment})
	for pad := byte(1); len(inner)%8 != 0; pad++ {
		inner = append(inner, pad)
	}
	outer := ssh.Marshal(struct {
		Cipher, KDF, KDFOptions string
		Keys                    uint32
		Public, Private         []byte
	}{"none", "none", "", 1, public.Marshal(), inner})
	return pem.EncodeToMemory(&pem.Block{
		Type:  "OPENSSH PRIVATE KEY",
		Bytes: append([]byte("openssh-key-v1\x00"), outer...),
	})
}
