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
	// AuthorizedKey is the public half as one authorized_keys line, no newline.
	AuthorizedKey string `json:"public"`
}

// String shows the public half only.
func (k SSHKey) String() string { return k.AuthorizedKey }

// GoString shows the public half only.
func (k SSHKey) GoString() string { return k.AuthorizedKey }

// LogValue shows the public half only.
func (k SSHKey) LogValue() slog.Value { return slog.StringValue(k.AuthorizedKey) }

// SSHKeys are the two pairs that the installer makes for the bootstrap host.
type SSHKeys struct {
	// Host is the host key that sshd of the bootstrap host shows.
	Host SSHKey `json:"host"`
	// User is the key with which the installer logs in as core.
	User SSHKey `json:"user"`
}

// NewSSHKey makes an ed25519 pair. Both halves carry the comment.
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
