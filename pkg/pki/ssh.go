package pki

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"log/slog"
	"strings"

	"golang.org/x/crypto/ssh"
)

// SSHKey is an ed25519 SSH key pair.
type SSHKey struct {
	// PrivatePEM is the key in OpenSSH's own format.
	PrivatePEM []byte `json:"private"`
	// AuthorizedKey is the public key as an authorized_keys line, no newline.
	AuthorizedKey string `json:"public"`
}

// String shows the public key only.
func (k SSHKey) String() string { return k.AuthorizedKey }

// GoString shows the public key only.
func (k SSHKey) GoString() string { return k.AuthorizedKey }

// LogValue shows the public key only.
func (k SSHKey) LogValue() slog.Value { return slog.StringValue(k.AuthorizedKey) }

// SSHKeys are the key pairs that the installer makes for the bootstrap host.
type SSHKeys struct {
	// Host is the host key of the bootstrap host's sshd.
	Host SSHKey `json:"host"`
	// User is the key that the installer logs in with as core.
	User SSHKey `json:"user"`
}

// NewSSHKey makes an ed25519 key pair. Both keys carry the comment.
func NewSSHKey(comment string) (SSHKey, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return SSHKey{}, fmt.Errorf("make SSH key %s: %w", comment, err)
	}
	block, err := ssh.MarshalPrivateKey(private, comment)
	if err != nil {
		return SSHKey{}, fmt.Errorf("encode SSH key %s: %w", comment, err)
	}
	authorized, err := ssh.NewPublicKey(public)
	if err != nil {
		return SSHKey{}, fmt.Errorf("encode SSH key %s: %w", comment, err)
	}
	line := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(authorized)))
	return SSHKey{PrivatePEM: pem.EncodeToMemory(block), AuthorizedKey: line + " " + comment}, nil
}
