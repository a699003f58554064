// Package sshclient runs commands on hosts. It verifies host keys: the installer's own, or the user's known_hosts.
package sshclient

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// Config says how to connect to a host.
type Config struct {
	Addr string   // host:port
	User string   // default core
	Keys [][]byte // private keys to try
	// Agent is the user's SSH agent, whose keys are tried too; nil without one. It is never forwarded.
	Agent agent.Agent
	// HostKey is the host's public key as an authorized_keys line. No other key is accepted. Empty if it is not known.
	HostKey string
	// KnownHosts are known_hosts files, used without a HostKey.
	KnownHosts []string
	// Unknown is called for a host whose key is not known. It returns an error to refuse the host; nil refuses all.
	Unknown func(addr, fingerprint string) error
	// Timeout limits connecting, default 10 s.
	Timeout time.Duration
	// Wanted are public keys that the host accepts, as authorized_keys lines. They are tried first.
	Wanted []string
	// Via is a jump host, nil to connect directly. It forwards encrypted bytes and gets no key.
	Via *Client
}

// ErrRefused is in the error if the host accepts none of the keys.
var ErrRefused = errors.New("the host lets none of the keys in") // pkg/analyze looks for these words

// ErrHostKey is in the error if the host shows another key than expected.
var ErrHostKey = errors.New("the host key differs from the known one")

// Client is a connection to a host.
type Client struct{ conn *ssh.Client }

// DialAny connects to the first of several addresses of a host that lets it in.
func DialAny(ctx context.Context, cfg Config, port string, addresses []string) (*Client, error) {
	var failures []error
	for _, address := range addresses {
		cfg.Addr = net.JoinHostPort(address, port)
		c, err := Dial(ctx, cfg)
		if err == nil {
			return c, nil
		}
		failures = append(failures, err)
	}
	return nil, errors.Join(failures...)
}

// Dial connects and logs in.
func Dial(ctx context.Context, cfg Config) (*Client, error) {
	c, err := dial(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to %s by SSH: %w", cfg.Addr, err)
	}
	return c, nil
}

func dial(ctx context.Context, cfg Config) (*Client, error) {
	signers, err := cfg.signers()
	if err != nil {
		return nil, err
	}
	check, err := newHostCheck(cfg)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(cfg.Timeout, 10*time.Second))
	defer cancel()
	connect := (&net.Dialer{}).DialContext
	if cfg.Via != nil {
		connect = cfg.Via.conn.DialContext
	}
	raw, err := connect(ctx, "tcp", cfg.Addr)
	if err != nil {
		return nil, err
	}
	// The handshake takes no context: closing the connection ends it.
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() })
	conn, channels, requests, err := ssh.NewClientConn(raw, cfg.Addr, &ssh.ClientConfig{
		User:              cmp.Or(cfg.User, "core"),
		Auth:              []ssh.AuthMethod{ssh.PublicKeys(signers...)},
		HostKeyAlgorithms: check.algorithms,
		HostKeyCallback:   check.verify,
	})
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		_ = raw.Close()
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		// The library has no error value for this.
		if strings.Contains(err.Error(), "unable to authenticate") {
			err = fmt.Errorf("%w (%d tried): %w", ErrRefused, len(signers), err)
		}
		return nil, err
	}
	return &Client{conn: ssh.NewClient(conn, channels, requests)}, nil
}

// Close ends the connection and the commands that run over it.
func (c *Client) Close() error { return c.conn.Close() }

// Run runs a command. The error of a command that fails contains the last line of its stderr.
func (c *Client) Run(ctx context.Context, command string, stdout, stderr io.Writer) error {
	return c.Feed(ctx, command, nil, stdout, stderr)
}

// Feed is Run with an input; stdin may be nil.
func (c *Client) Feed(ctx context.Context, command string, stdin io.Reader, stdout, stderr io.Writer) error {
	session, err := c.conn.NewSession()
	if err != nil {
		return fmt.Errorf("open SSH session: %w", err)
	}
	defer func() { _ = session.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = session.Close() })
	defer stop()
	var last tail
	session.Stdin = stdin
	session.Stdout, session.Stderr = stdout, io.MultiWriter(&last, stderr)
	err = session.Run(command)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if line := last.String(); err != nil && line != "" {
		err = fmt.Errorf("%w: %s", err, line)
	}
	if err != nil {
		program, _, _ := strings.Cut(command, " ")
		return fmt.Errorf("run %s: %w", program, err)
	}
	return nil
}

// Output runs a command and returns the first limit bytes of its stdout.
func (c *Client) Output(ctx context.Context, command string, limit int) ([]byte, error) {
	out := head{left: limit}
	err := c.Run(ctx, command, &out, io.Discard)
	return out.kept.Bytes(), err
}

// head keeps the first bytes written to it.
type head struct {
	kept bytes.Buffer // not embedded: its ReadFrom would ignore the limit
	left int
}

func (h *head) Write(p []byte) (int, error) {
	keep := min(len(p), h.left)
	h.left -= keep
	h.kept.Write(p[:keep])
	return len(p), nil
}

// tail keeps the last bytes written to it.
type tail struct{ kept []byte }

const tailSize = 1024

func (t *tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p...)
	if len(t.kept) > tailSize {
		t.kept = append([]byte(nil), t.kept[len(t.kept)-tailSize:]...)
	}
	return len(p), nil
}

// String is the last line.
func (t *tail) String() string {
	text := strings.TrimSpace(string(t.kept))
	return text[strings.LastIndexByte(text, '\n')+1:]
}
