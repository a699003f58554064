package sshclient

import (
	"context"
	"errors"
	"fmt"
	"net"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// UserAgent connects to the agent whose socket the environment names, nil if
// there is none that answers.
func UserAgent(ctx context.Context, getenv func(string) string) agent.ExtendedAgent {
	socket := getenv("SSH_AUTH_SOCK")
	if socket == "" {
		return nil
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", socket)
	if err != nil {
		return nil
	}
	return agent.NewClient(conn)
}

// keyring holds keys that were read from files.
func keyring(keys [][]byte) (agent.Agent, error) {
	ring := agent.NewKeyring()
	for _, pem := range keys {
		key, err := ssh.ParseRawPrivateKey(pem)
		if missing := (*ssh.PassphraseMissingError)(nil); errors.As(err, &missing) {
			return nil, errors.New("read SSH key: it has a passphrase; add it to an agent with ssh-add, which SSH_AUTH_SOCK names, instead")
		}
		if err != nil {
			return nil, fmt.Errorf("read SSH key: %w", err)
		}
		if err := ring.Add(agent.AddedKey{PrivateKey: key}); err != nil {
			return nil, fmt.Errorf("use SSH key: %w", err)
		}
	}
	return ring, nil
}

// Usable says whether a private key can be used without a passphrase.
func Usable(key []byte) bool {
	_, err := ssh.ParseRawPrivateKey(key)
	return err == nil
}

// joined is a keyring and, behind it, the user's agent, which may be nil. Hosts
// can list and use the keys of both, and add none.
type joined struct {
	agent.Agent
	user agent.Agent
}

// List implements agent.Agent.
func (j joined) List() ([]*agent.Key, error) {
	own, err := j.Agent.List()
	if err != nil || j.user == nil {
		return own, err
	}
	more, err := j.user.List()
	if err != nil {
		return own, nil // an agent that has gone takes nothing but its keys along
	}
	return append(own, more...), nil
}

// Sign implements agent.Agent.
func (j joined) Sign(key ssh.PublicKey, data []byte) (*ssh.Signature, error) {
	signature, err := j.Agent.Sign(key, data)
	if err != nil && j.user != nil {
		return j.user.Sign(key, data)
	}
	return signature, err
}

// Signers implements agent.Agent.
func (j joined) Signers() ([]ssh.Signer, error) {
	own, err := j.Agent.Signers()
	if err != nil || j.user == nil {
		return own, err
	}
	more, err := j.user.Signers()
	if err != nil {
		return own, nil
	}
	return append(own, more...), nil
}

var errReadOnly = errors.New("the keys of the installer are not to be changed")

// Add implements agent.Agent.
func (j joined) Add(agent.AddedKey) error { return errReadOnly }

// Remove implements agent.Agent.
func (j joined) Remove(ssh.PublicKey) error { return errReadOnly }

// RemoveAll implements agent.Agent.
func (j joined) RemoveAll() error { return errReadOnly }

// Lock implements agent.Agent.
func (j joined) Lock([]byte) error { return errReadOnly }

// Unlock implements agent.Agent.
func (j joined) Unlock([]byte) error { return errReadOnly }
