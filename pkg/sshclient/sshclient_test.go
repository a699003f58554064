package sshclient_test

import (
	"bytes"
	"context"
	"crypto"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/okd-install/okd-install/pkg/pki"
	"github.com/okd-install/okd-install/pkg/sshclient"
	"github.com/okd-install/okd-install/pkg/sshclient/sshtest"
)

func echo(ctx context.Context, s sshtest.Session) int { return sshtest.Shell(ctx, s) }

func config(s *sshtest.Server) sshclient.Config {
	return sshclient.Config{Addr: s.Addr, Keys: [][]byte{s.User.PrivatePEM}, HostKey: s.Host.AuthorizedKey}
}

func TestRun(t *testing.T) {
	s := sshtest.New(t, echo)
	c, err := sshclient.Dial(t.Context(), config(s))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	out, err := c.Output(t.Context(), "echo hello; echo world", 8)
	if err != nil || string(out) != "hello\nwo" {
		t.Errorf("output %q, error %v", out, err)
	}
	err = c.Run(t.Context(), "echo first >&2; echo the reason >&2; exit 3", io.Discard, io.Discard)
	if err == nil || !strings.HasSuffix(err.Error(), "status 3: the reason") {
		t.Errorf("error %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	if err := c.Run(ctx, "sleep 20", io.Discard, io.Discard); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	if time.Since(began) > 5*time.Second {
		t.Error("a command outlives its context")
	}
}

// A host behind a jump host has its own key verified; the jump host gets neither
// keys nor agent.
func TestThroughAnotherHost(t *testing.T) {
	forwarded := make(chan bool, 1)
	behind := sshtest.New(t, func(ctx context.Context, s sshtest.Session) int {
		forwarded <- s.Agent != nil
		return sshtest.Shell(ctx, s)
	})
	jump := sshtest.New(t, echo)
	via, err := sshclient.Dial(t.Context(), config(jump))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = via.Close() }()
	cfg := config(behind)
	cfg.Addr, cfg.Via = "198.18.0.21:22", via
	if _, err := sshclient.Dial(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "forwarding is off") {
		t.Errorf("a host that does not forward: %v", err)
	}
	jump.Forward = func(addr string) (net.Conn, error) {
		if addr != cfg.Addr {
			return nil, errors.New("no route to " + addr)
		}
		return net.Dial("tcp", behind.Addr)
	}
	c, err := sshclient.Dial(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	var out bytes.Buffer
	err = c.Feed(t.Context(), "bash -s", strings.NewReader("echo fed"), &out, io.Discard)
	if err != nil || out.String() != "fed\n" {
		t.Errorf("output %q, error %v", out.String(), err)
	}
	if <-forwarded {
		t.Error("the agent was forwarded")
	}
	other := cfg
	other.HostKey = jump.Host.AuthorizedKey
	if _, err := sshclient.Dial(t.Context(), other); !errors.Is(err, sshclient.ErrHostKey) {
		t.Errorf("another host behind it: %v", err)
	}
	other = cfg
	other.Addr = "198.18.0.22:22"
	_, err = sshclient.Dial(t.Context(), other)
	if err == nil || !strings.Contains(err.Error(), "no route to 198.18.0.22:22") {
		t.Errorf("a host that is not there: %v", err)
	}
}

func TestDialRefuses(t *testing.T) {
	s := sshtest.New(t, echo)
	other, err := pki.NewSSHKey("other")
	if err != nil {
		t.Fatal(err)
	}
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	is := func(target error) func(error) bool {
		return func(err error) bool { return errors.Is(err, target) }
	}
	says := func(text string) func(error) bool {
		return func(err error) bool { return strings.Contains(err.Error(), text) }
	}
	tests := []struct {
		name   string
		change func(*sshclient.Config)
		check  func(error) bool
	}{
		{"another host", func(c *sshclient.Config) { c.HostKey = other.AuthorizedKey }, is(sshclient.ErrHostKey)},
		{"another user's key", func(c *sshclient.Config) { c.Keys = [][]byte{other.PrivatePEM} }, func(err error) bool {
			return errors.Is(err, sshclient.ErrRefused) && strings.Contains(err.Error(), "(1 tried)")
		}},
		{"no key", func(c *sshclient.Config) { c.Keys = [][]byte{[]byte("x")} }, says("read SSH key")},
		{"no host key", func(c *sshclient.Config) { c.HostKey = "" }, says("its host key is not known (SHA256:")},
		{"a broken host key", func(c *sshclient.Config) { c.HostKey = "x" }, says("read the host key")},
		{"a closed port", func(c *sshclient.Config) { c.Addr = "127.0.0.1:1" }, says("refused")},
		{"a host that says nothing", func(c *sshclient.Config) {
			c.Addr, c.Timeout = silent.Addr().String(), 100*time.Millisecond
		}, is(context.DeadlineExceeded)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := config(s)
			tt.change(&cfg)
			_, err := sshclient.Dial(t.Context(), cfg)
			if err == nil || !tt.check(err) {
				t.Errorf("error %v", err)
			}
			if err != nil && bytes.Contains([]byte(err.Error()), []byte("PRIVATE KEY")) {
				t.Error("the error shows a key")
			}
		})
	}
}

// knownHosts makes a known_hosts file for a server.
func knownHosts(t *testing.T, addr, key string) string {
	t.Helper()
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "known_hosts")
	if err := os.WriteFile(file, []byte("["+host+"]:"+port+" "+key), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// A host key that the installer did not make must be in known_hosts or accepted
// by Unknown. The user's agent is never forwarded.
func TestUnknownHostKeys(t *testing.T) {
	s := sshtest.New(t, func(_ context.Context, s sshtest.Session) int {
		if s.Agent != nil {
			return 1
		}
		return 0
	})
	other, err := pki.NewSSHKey("other")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := ssh.ParseRawPrivateKey(other.PrivatePEM)
	if err != nil {
		t.Fatal(err)
	}
	users := agent.NewKeyring()
	if err := users.Add(agent.AddedKey{PrivateKey: raw}); err != nil {
		t.Fatal(err)
	}
	accept := func(string, string) error { return nil }
	tests := []struct {
		name    string
		known   string
		unknown func(addr, fingerprint string) error
		ok      bool
	}{
		{"known", knownHosts(t, s.Addr, s.Host.AuthorizedKey), nil, true},
		{"unknown and accepted", "/nonexistent", accept, true},
		{"unknown and refused", "/nonexistent", func(addr, fingerprint string) error {
			return errors.New(addr + " " + fingerprint)
		}, false},
		{"unknown, without a decision", "/nonexistent", nil, false},
		{"known by another key", knownHosts(t, s.Addr, other.AuthorizedKey), accept, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := config(s)
			cfg.HostKey, cfg.KnownHosts, cfg.Unknown, cfg.Agent = "", []string{tt.known}, tt.unknown, users
			c, err := sshclient.Dial(t.Context(), cfg)
			if (err == nil) != tt.ok {
				t.Fatalf("error %v", err)
			}
			if err != nil {
				return
			}
			defer func() { _ = c.Close() }()
			if err := c.Run(t.Context(), "ssh core@master", io.Discard, io.Discard); err != nil {
				t.Error("the agent was forwarded:", err)
			}
		})
	}
}

// Hosts close the connection after a few wrong keys, so wanted keys come first,
// however many others the agent has.
func TestWantedKeysComeFirst(t *testing.T) {
	s := sshtest.New(t, echo)
	users := agent.NewKeyring()
	for range 8 {
		other, err := pki.NewSSHKey("other")
		if err != nil {
			t.Fatal(err)
		}
		add(t, users, other.PrivatePEM)
	}
	add(t, users, s.User.PrivatePEM)
	cfg := config(s)
	cfg.Keys, cfg.Agent = nil, users
	if _, err := sshclient.Dial(t.Context(), cfg); err == nil {
		t.Error("the server allows more attempts than sshd does, so this test proves nothing")
	}
	cfg.Wanted = []string{s.User.AuthorizedKey}
	c, err := sshclient.Dial(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
}

func add(t *testing.T, ring agent.Agent, pem []byte) {
	t.Helper()
	raw, err := ssh.ParseRawPrivateKey(pem)
	if err != nil {
		t.Fatal(err)
	}
	if err := ring.Add(agent.AddedKey{PrivateKey: raw}); err != nil {
		t.Fatal(err)
	}
}

// The user's agent alone is enough to log in.
func TestLoginByAgent(t *testing.T) {
	s := sshtest.New(t, echo)
	raw, err := ssh.ParseRawPrivateKey(s.User.PrivatePEM)
	if err != nil {
		t.Fatal(err)
	}
	ring := agent.NewKeyring()
	if err := ring.Add(agent.AddedKey{PrivateKey: raw}); err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(t.TempDir(), "agent")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _ = agent.ServeAgent(ring, conn) }()
		}
	}()
	env := func(key string) string { return map[string]string{"SSH_AUTH_SOCK": socket}[key] }
	cfg := config(s)
	cfg.Keys, cfg.Agent = nil, sshclient.UserAgent(t.Context(), env)
	c, err := sshclient.Dial(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
	at := func(socket string) func(string) string { return func(string) string { return socket } }
	if sshclient.UserAgent(t.Context(), at("")) != nil || sshclient.UserAgent(t.Context(), at(socket+".none")) != nil {
		t.Error("an agent that is not there")
	}
}

func TestKeyWithPassphrase(t *testing.T) {
	s := sshtest.New(t, echo)
	raw, err := ssh.ParseRawPrivateKey(s.User.PrivatePEM)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKeyWithPassphrase(raw.(crypto.PrivateKey), "", []byte("a passphrase"))
	if err != nil {
		t.Fatal(err)
	}
	locked := pem.EncodeToMemory(block)
	cfg := config(s)
	cfg.Keys = [][]byte{locked}
	if _, err := sshclient.Dial(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "ssh-add") {
		t.Errorf("error %v", err)
	}
}
