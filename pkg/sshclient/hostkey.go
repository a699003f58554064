package sshclient

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// hostCheck verifies the key of a host.
type hostCheck struct {
	algorithms []string // nil: any
	want       ssh.PublicKey
	known      ssh.HostKeyCallback
	unknown    func(addr, fingerprint string) error
	addr       string
}

func newHostCheck(cfg Config) (*hostCheck, error) {
	c := &hostCheck{unknown: cfg.Unknown, addr: cfg.Addr}
	if cfg.HostKey != "" {
		want, _, _, _, err := ssh.ParseAuthorizedKey([]byte(cfg.HostKey))
		if err != nil {
			return nil, fmt.Errorf("read the host key: %w", err)
		}
		c.want, c.algorithms = want, []string{want.Type()}
		return c, nil
	}
	var files []string
	for _, file := range cfg.KnownHosts {
		if _, err := os.Stat(file); err == nil {
			files = append(files, file)
		}
	}
	known, err := knownhosts.New(files...)
	if err != nil {
		return nil, fmt.Errorf("read known hosts: %w", err)
	}
	c.known = known
	return c, nil
}

func (c *hostCheck) verify(host string, remote net.Addr, shown ssh.PublicKey) error {
	if c.want != nil {
		if !bytes.Equal(shown.Marshal(), c.want.Marshal()) {
			return ErrHostKey
		}
		return nil
	}
	err := c.known(host, remote, shown)
	if err == nil {
		return nil
	}
	var differs *knownhosts.KeyError
	if !errors.As(err, &differs) {
		return err
	}
	if len(differs.Want) > 0 {
		return fmt.Errorf("%w in known_hosts (%s); if the machine was reinstalled: ssh-keygen -R %s",
			ErrHostKey, ssh.FingerprintSHA256(shown), knownhosts.Normalize(c.addr))
	}
	if c.unknown == nil {
		return fmt.Errorf("its host key is not known (%s)", ssh.FingerprintSHA256(shown))
	}
	return c.unknown(c.addr, ssh.FingerprintSHA256(shown))
}
