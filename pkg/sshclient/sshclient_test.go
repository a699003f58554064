package sshclient_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

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

func TestForwardedKeys(t *testing.T) {
	s := sshtest.New(t, func(_ context.Context, s sshtest.Session) int {
		if s.Agent == nil {
			return 1
		}
		keys, err := s.Agent.List()
		if err != nil || len(keys) != 1 {
			return 2
		}
		return 0
	})
	cfg := config(s)
	cfg.ForwardAgent = true
	c, err := sshclient.Dial(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if err := c.Run(t.Context(), "ssh core@master", io.Discard, io.Discard); err != nil {
		t.Error(err)
	}
}

func TestDialRefuses(t *testing.T) {
	s := sshtest.New(t, echo)
	other, err := pki.NewSSHKey(rand.Reader, "other")
	if err != nil {
		t.Fatal(err)
	}
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	tests := []struct {
		name   string
		change func(*sshclient.Config)
		check  func(error) bool
	}{
		{"another host", func(c *sshclient.Config) { c.HostKey = other.AuthorizedKey }, func(err error) bool { return errors.Is(err, sshclient.ErrHostKey) }},
		{"another user's key", func(c *sshclient.Config) { c.Keys = [][]byte{other.PrivatePEM} }, func(err error) bool { return strings.Contains(err.Error(), "unable to authenticate") }},
		{"no key", func(c *sshclient.Config) { c.Keys = [][]byte{[]byte("x")} }, func(err error) bool { return strings.Contains(err.Error(), "read SSH key") }},
		{"no host key", func(c *sshclient.Config) { c.HostKey = "" }, func(err error) bool { return strings.Contains(err.Error(), "read the host key") }},
		{"a closed port", func(c *sshclient.Config) { c.Addr = "127.0.0.1:1" }, func(err error) bool { return strings.Contains(err.Error(), "refused") }},
		{"a host that says nothing", func(c *sshclient.Config) { c.Addr, c.Timeout = silent.Addr().String(), 100*time.Millisecond }, func(err error) bool { return errors.Is(err, context.DeadlineExceeded) }},
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
