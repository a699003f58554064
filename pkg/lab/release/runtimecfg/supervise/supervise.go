// Package supervise runs a program once its configuration exists, and reloads,
// stops or starts it when another container says so over a unix socket.
package supervise

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// Messages on the socket, one per line.
const (
	Reload = "reload"
	Stop   = "stop"
	Start  = "start"
)

// Program is what to run.
type Program struct {
	Argv   []string
	Config string         // start when this file exists
	Socket string         // listen here
	Reload syscall.Signal // makes the program read its configuration again
	Before func() error   // runs before every start; may be nil
	Log    *slog.Logger
	Poll   time.Duration // how often to look for the file; 0 means 500 ms
}

// Run returns when ctx ends, or the program by itself, which is an error.
func (p Program) Run(ctx context.Context) error {
	if p.Poll == 0 {
		p.Poll = 500 * time.Millisecond
	}
	orders, err := p.listen(ctx)
	if err != nil {
		return err
	}
	tick := time.NewTicker(p.Poll)
	defer tick.Stop()
	var (
		child   *exec.Cmd
		ended   chan error
		stopped bool
	)
	start := func() error {
		if child != nil || stopped {
			return nil
		}
		if _, err := os.Stat(p.Config); err != nil {
			return nil
		}
		if p.Before != nil {
			if err := p.Before(); err != nil {
				return fmt.Errorf("prepare %s: %w", p.Argv[0], err)
			}
		}
		// Not killed when ctx ends: halt asks it to end first.
		child = exec.CommandContext(context.WithoutCancel(ctx), p.Argv[0], p.Argv[1:]...)
		child.Stdout, child.Stderr = os.Stdout, os.Stderr
		if err := child.Start(); err != nil {
			return fmt.Errorf("start %s: %w", p.Argv[0], err)
		}
		p.Log.Info("started", "program", p.Argv[0], "pid", child.Process.Pid)
		ended = make(chan error, 1)
		go func(c *exec.Cmd, done chan<- error) { done <- c.Wait() }(child, ended)
		return nil
	}
	halt := func() {
		if child == nil {
			return
		}
		_ = child.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
			_ = child.Process.Kill()
			<-ended
		}
		child, ended = nil, nil
	}
	defer halt()
	for {
		if err := start(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case err := <-ended:
			child, ended = nil, nil
			if diedOf(err, p.Reload) {
				// The order came too early; it reads the new configuration on its next start.
				p.Log.Info("reloaded too early", "program", p.Argv[0])
				continue
			}
			return fmt.Errorf("%s ended by itself: %w", p.Argv[0], orExit(err))
		case <-tick.C:
		case order := <-orders:
			p.Log.Info("told", "order", order, "program", p.Argv[0])
			switch order {
			case Reload:
				if child != nil {
					if err := child.Process.Signal(p.Reload); err != nil {
						p.Log.Warn("reload failed", "error", err)
					}
				}
			case Stop:
				stopped = true
				halt()
			case Start:
				stopped = false
			}
		}
		if child != nil || stopped {
			tick.Stop() // nothing to look for any more
		} else {
			tick.Reset(p.Poll)
		}
	}
}

// diedOf reports whether that signal ended the program.
func diedOf(err error, s syscall.Signal) bool {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == s
}

func orExit(err error) error {
	if err == nil {
		return errors.New("exit status 0")
	}
	return err
}

func (p Program) listen(ctx context.Context) (<-chan string, error) {
	// A socket of the container's former life.
	if err := os.Remove(p.Socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("listen for orders: %w", err)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "unix", p.Socket)
	if err != nil {
		return nil, fmt.Errorf("listen for orders: %w", err)
	}
	context.AfterFunc(ctx, func() { l.Close() })
	orders := make(chan string)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
			for s := bufio.NewScanner(conn); s.Scan(); {
				select {
				case orders <- strings.TrimSpace(s.Text()):
				case <-ctx.Done():
				}
			}
			conn.Close()
		}
	}()
	return orders, nil
}

// Tell sends an order to the supervisor behind a socket.
func Tell(ctx context.Context, socket, order string) error {
	dialer := net.Dialer{Timeout: 2 * time.Second}
	conn, err := dialer.DialContext(ctx, "unix", socket)
	if err != nil {
		return fmt.Errorf("tell supervisor to %s: %w", order, err)
	}
	defer conn.Close()
	if _, err := fmt.Fprintln(conn, order); err != nil {
		return fmt.Errorf("tell supervisor to %s: %w", order, err)
	}
	return nil
}
