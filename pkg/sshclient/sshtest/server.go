// Package sshtest is an SSH server on loopback for tests. It passes every command to the test.
package sshtest

import (
	"context"
	"errors"
	"io"
	"net"
	"os/exec"
	"strconv"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/okd-install/okd-install/pkg/pki"
)

// Session is one command that a client runs.
type Session struct {
	Command        string
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// Agent is the agent that the client forwards, nil without.
	Agent agent.Agent
}

// Server is a running server.
type Server struct {
	Addr string
	Host pki.SSHKey // host key
	User pki.SSHKey // the key that may log in
	// Forward connects to addr for a client that uses the server as jump host; nil refuses.
	Forward func(addr string) (net.Conn, error)

	t      testing.TB
	config *ssh.ServerConfig
	handle func(ctx context.Context, s Session) int

	mu     sync.Mutex
	conns  map[net.Conn]bool
	Logins int
}

// New starts a server; handle returns the exit status of a command.
func New(t testing.TB, handle func(ctx context.Context, s Session) int) *Server {
	t.Helper()
	return At(t, "127.0.0.1:0", handle)
}

// At is New with an address to listen on.
func At(t testing.TB, addr string, handle func(ctx context.Context, s Session) int) *Server {
	t.Helper()
	s := &Server{t: t, handle: handle, conns: map[net.Conn]bool{}}
	var err error
	if s.Host, err = pki.NewSSHKey("host"); err != nil {
		t.Fatal(err)
	}
	if s.User, err = pki.NewSSHKey("user"); err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.ParsePrivateKey(s.Host.PrivatePEM)
	if err != nil {
		t.Fatal(err)
	}
	s.config = &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		want, _, _, _, err := ssh.ParseAuthorizedKey([]byte(s.User.AuthorizedKey))
		if err != nil || string(want.Marshal()) != string(key.Marshal()) {
			return nil, errors.New("unknown key")
		}
		return nil, nil
	}}
	s.config.AddHostKey(signer)
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	s.Addr = listener.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() { s.serve(ctx, conn) })
		}
	})
	t.Cleanup(func() {
		cancel()
		_ = listener.Close()
		s.Cut()
		running.Wait()
	})
	return s
}

// Cut drops every connection.
func (s *Server) Cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for conn := range s.conns {
		_ = conn.Close()
	}
}

func (s *Server) serve(ctx context.Context, raw net.Conn) {
	s.mu.Lock()
	s.conns[raw] = true
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.conns, raw)
		s.mu.Unlock()
		_ = raw.Close()
	}()
	conn, channels, requests, err := ssh.NewServerConn(raw, s.config)
	if err != nil {
		return
	}
	s.mu.Lock()
	s.Logins++
	s.mu.Unlock()
	go ssh.DiscardRequests(requests)
	for request := range channels {
		if request.ChannelType() == "direct-tcpip" {
			go s.forward(request)
			continue
		}
		channel, requests, err := request.Accept()
		if err != nil {
			return
		}
		go s.session(ctx, conn, channel, requests)
	}
}

// forward serves a "direct-tcpip" channel (RFC 4254, section 7.2).
func (s *Server) forward(request ssh.NewChannel) {
	var to struct {
		Host       string
		Port       uint32
		Originator string
		From       uint32
	}
	if err := ssh.Unmarshal(request.ExtraData(), &to); err != nil || s.Forward == nil {
		_ = request.Reject(ssh.Prohibited, "forwarding is off")
		return
	}
	target, err := s.Forward(net.JoinHostPort(to.Host, strconv.Itoa(int(to.Port))))
	if err != nil {
		_ = request.Reject(ssh.ConnectionFailed, err.Error())
		return
	}
	channel, requests, err := request.Accept()
	if err != nil {
		_ = target.Close()
		return
	}
	go ssh.DiscardRequests(requests)
	go func() {
		_, _ = io.Copy(channel, target)
		_ = channel.Close()
	}()
	_, _ = io.Copy(target, channel)
	_ = target.Close()
}

func (s *Server) session(ctx context.Context, conn *ssh.ServerConn, channel ssh.Channel, requests <-chan *ssh.Request) {
	defer func() { _ = channel.Close() }()
	var keys agent.Agent
	for r := range requests {
		switch r.Type {
		case "auth-agent-req@openssh.com":
			_ = r.Reply(true, nil)
			if back, requests, err := conn.OpenChannel("auth-agent@openssh.com", nil); err == nil {
				go ssh.DiscardRequests(requests)
				keys = agent.NewClient(back)
			}
		case "exec":
			var command struct{ Text string }
			_ = ssh.Unmarshal(r.Payload, &command)
			_ = r.Reply(true, nil)
			status := s.handle(ctx, Session{
				Command: command.Text, Stdin: channel, Stdout: channel, Stderr: channel.Stderr(), Agent: keys,
			})
			_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{uint32(status)}))
			return
		default:
			_ = r.Reply(false, nil)
		}
	}
}

// Shell runs the command with the local bash and returns its exit status.
func Shell(ctx context.Context, s Session, env ...string) int {
	cmd := exec.CommandContext(ctx, "bash", "-c", s.Command)
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = append(cmd.Environ(), env...), s.Stdin, s.Stdout, s.Stderr
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.ExitCode()
	}
	return 127
}
