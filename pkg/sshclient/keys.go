package sshclient

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// UserAgent connects to the SSH agent at SSH_AUTH_SOCK. It returns nil if none answers.
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

// signers returns Keys and those of the agent, Wanted ones first, because hosts limit the number of attempts.
func (cfg Config) signers() ([]ssh.Signer, error) {
	var out []ssh.Signer
	for _, pem := range cfg.Keys {
		key, err := ssh.ParsePrivateKey(pem)
		if missing := (*ssh.PassphraseMissingError)(nil); errors.As(err, &missing) {
			return nil, errors.New("read SSH key: " + needsAgent)
		}
		if err != nil {
			return nil, fmt.Errorf("read SSH key: %w", err)
		}
		out = append(out, key)
	}
	if cfg.Agent != nil {
		if more, err := cfg.Agent.Signers(); err == nil { // without the agent the other keys may do
			out = append(out, more...)
		}
	}
	wanted := publicKeys(cfg.Wanted)
	rank := func(s ssh.Signer) int {
		if slices.ContainsFunc(wanted, same(s.PublicKey())) {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(out, func(a, b ssh.Signer) int { return rank(a) - rank(b) })
	return out, nil
}

const needsAgent = "it has a passphrase; add it with ssh-add to the agent at SSH_AUTH_SOCK instead"

// publicKeys parses authorized_keys lines and ignores lines that are not keys.
func publicKeys(lines []string) []ssh.PublicKey {
	var out []ssh.PublicKey
	for _, line := range lines {
		if key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line)); err == nil {
			out = append(out, key)
		}
	}
	return out
}

func same(key ssh.PublicKey) func(ssh.PublicKey) bool {
	return func(other ssh.PublicKey) bool { return string(key.Marshal()) == string(other.Marshal()) }
}

// describe names a public key as ssh-keygen does.
func describe(line string) string {
	key, comment, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
	if err != nil {
		return "an unreadable key"
	}
	comment = strings.Join(strings.FieldsFunc(comment, unicode.IsControl), "")
	return ssh.FingerprintSHA256(key) + " (" + cmp.Or(comment, "no comment") + ")"
}
