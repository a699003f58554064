//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// guide is a page of docs/user that an operator follows step by step. Its
// marked blocks are the files that the test uses and the commands that it runs.
type guide struct {
	*lab
	files, commands map[string]string
}

var marked = regexp.MustCompile("(?ms)^<!-- (file|run): ([a-zA-Z0-9.-]+) -->\n```\\w*\n(.*?)^```$")

// local replaces the addresses and names of the documentation by the lab's, as an
// operator replaces them by his own.
var local = strings.NewReplacer("198.51.100.", "198.18.0.", "example.org", "okd.test")

func (l *lab) guide(t *testing.T, name string) *guide {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(l.root, "docs", "user", name))
	if err != nil {
		t.Fatal(err)
	}
	g := &guide{lab: l, files: map[string]string{}, commands: map[string]string{}}
	for _, m := range marked.FindAllStringSubmatch(string(text), -1) {
		into := g.files
		if m[1] == "run" {
			into = g.commands
		}
		if into[m[2]] != "" {
			t.Fatalf("%s has two blocks %s", name, m[2])
		}
		into[m[2]] = local.Replace(m[3])
	}
	return g
}

// write writes a file of the page to the directory of the test.
func (g *guide) write(t *testing.T, name string) {
	t.Helper()
	if g.files[name] == "" {
		t.Fatalf("the page has no file %s", name)
	}
	g.put(t, name, g.files[name])
}

func (g *guide) put(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(g.work, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// command is a running block of the page.
type command struct {
	name  string
	out   output // standard output and error
	ended chan struct{}
	err   error
	kill  func()
}

// begin starts a block as a user in the lab would, in the directory of the test.
func (g *guide) begin(t *testing.T, name string) *command {
	t.Helper()
	if g.commands[name] == "" {
		t.Fatalf("the page has no commands %s", name)
	}
	script := filepath.Join(g.work, name+".sh")
	text := "set -euo pipefail\nexport PATH=" + filepath.Join(g.root, "bin") + ":$PATH\n" + g.commands[name]
	if err := os.WriteFile(script, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return g.beginArgs(t, name, "bash", script)
}

func (g *guide) beginArgs(t *testing.T, name string, args ...string) *command {
	t.Helper()
	c := &command{name: name, ended: make(chan struct{})}
	cmd := g.lab.command(context.WithoutCancel(t.Context()), append([]string{"exec", "--"}, args...)...)
	cmd.Dir = g.work
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	log, err := os.OpenFile(filepath.Join(g.work, name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	both := io.MultiWriter(&c.out, log)
	cmd.Stdout, cmd.Stderr = both, both
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c.kill = func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) } // gone by itself, then
	go func() {
		defer close(c.ended)
		defer log.Close()
		c.err = cmd.Wait()
	}()
	t.Cleanup(func() {
		c.kill()
		<-c.ended
	})
	return c
}

// end waits for the block to succeed.
func (c *command) end(t *testing.T, within time.Duration) string {
	t.Helper()
	select {
	case <-c.ended:
	case <-time.After(within):
		t.Fatalf("%s has not ended after %s; output:\n%s", c.name, within, last(c.out.String(), 20))
	}
	if c.err != nil {
		t.Fatalf("%s: %v\n%s", c.name, c.err, last(c.out.String(), 40))
	}
	return c.out.String()
}

// run runs a block to its end.
func (g *guide) run(t *testing.T, name string, within time.Duration) string {
	t.Helper()
	return g.begin(t, name).end(t, within)
}

// service runs a program of the operator's own, such as a load balancer, until
// the test ends.
func (g *guide) service(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := g.lab.command(context.WithoutCancel(t.Context()), append([]string{"exec", "--", name}, args...)...)
	cmd.Dir = g.work
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait() // it was killed
		if t.Failed() {
			t.Logf("output of %s:\n%s", name, last(out.String(), 20))
		}
	})
	return cmd
}
