//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/phase"
)

// run is one run of okd-install inside the lab.
type run struct {
	dir     string
	cmd     *exec.Cmd
	started time.Time
	before  int // runs that the journal had
	stdout  output
	stderr  output
	ended   chan struct{}
	code    int
	took    time.Duration
}

// output keeps what is written, and can be read at any time.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// start runs okd-install for a directory, with the settings of env on top of
// the lab's. It has no terminal.
func (l *lab) start(t *testing.T, dir string, env []string, args ...string) *run {
	t.Helper()
	full := []string{"exec", "--", "env"}
	if slices.Contains(args, "--release") { // with nothing else set
		full = append(full, "--unset="+releaseOverride)
	}
	full = append(full, env...)
	full = append(append(full, filepath.Join(l.root, "bin", "okd-install")), args...)
	r := &run{
		dir: dir, cmd: l.command(context.WithoutCancel(t.Context()), append(full, "--dir", dir)...),
		started: time.Now(), before: len(journal(t, dir)), ended: make(chan struct{}),
	}
	// A process group of its own, so that a kill ends its children as well.
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	kept, err := os.OpenFile(dir+".stderr", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	r.cmd.Stdout, r.cmd.Stderr = &r.stdout, io.MultiWriter(&r.stderr, kept)
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(r.ended)
		defer kept.Close()
		err := r.cmd.Wait()
		r.took = time.Since(r.started)
		var exit *exec.ExitError
		if errors.As(err, &exit) || err == nil {
			r.code = r.cmd.ProcessState.ExitCode()
		} else {
			r.code = -2
		}
	}()
	t.Cleanup(func() {
		r.signal(syscall.SIGKILL) // nothing runs on after its test
		<-r.ended
	})
	return r
}

func (r *run) signal(s syscall.Signal) {
	select {
	case <-r.ended:
	default:
		_ = syscall.Kill(-r.cmd.Process.Pid, s) // gone at this moment, then
	}
}

// end waits for the run and returns its exit code, or -1 if it was killed.
func (r *run) end(t *testing.T, within time.Duration) int {
	t.Helper()
	select {
	case <-r.ended:
		return r.code
	case <-time.After(time.Until(r.started.Add(within))):
		t.Fatalf("%s still runs after %s; output:\n%s", r, within, last(r.stderr.String(), 30))
		return 0
	}
}

// String is the command line.
func (r *run) String() string {
	for i, arg := range r.cmd.Args {
		if filepath.Base(arg) == "okd-install" {
			return "okd-install " + strings.Join(r.cmd.Args[i+1:], " ")
		}
	}
	return r.cmd.String()
}

// finish runs okd-install and checks its exit code.
func (l *lab) finish(t *testing.T, within time.Duration, want int, dir string, args ...string) *run {
	t.Helper()
	r := l.start(t, dir, nil, args...)
	if got := r.end(t, within); got != want {
		l.explain(t, r)
		t.Fatalf("%s: exit code %d, want %d", r, got, want)
	}
	return r
}

// explain logs what is needed to find out what went wrong.
func (l *lab) explain(t *testing.T, r *run) {
	t.Helper()
	l.consoles(t)
	bundles, _ := filepath.Glob(filepath.Join(r.dir, "log-bundle-*"))
	t.Logf("log bundles: %v; log: %s", bundles, filepath.Join(r.dir, ".openshift_install.log"))
	t.Logf("end of the standard error of %s:\n%s", r, last(r.stderr.String(), 40))
}

// last returns the last lines of a text.
func last(text string, lines int) string {
	all := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

func journal(t *testing.T, dir string) []phase.Run {
	t.Helper()
	runs, err := phase.ReadJournal(dir)
	if err != nil {
		t.Fatal(err)
	}
	return runs
}

// phases returns the phases that this run has begun.
func (r *run) phases(t *testing.T) []phase.Entry {
	t.Helper()
	runs := journal(t, r.dir)
	if len(runs) <= r.before {
		return nil
	}
	return runs[len(runs)-1].Phases
}

// reach waits until the run is in a phase, and reports whether it did not end before.
func (r *run) reach(t *testing.T, name string, within time.Duration) bool {
	t.Helper()
	for deadline := time.Now().Add(within); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		for _, p := range r.phases(t) {
			if p.Name == name && p.Result == phase.Running {
				return true
			}
			if p.Name == name && (p.Result == phase.Done || p.Result == phase.Already) {
				t.Logf("phase %s was over before it could be seen", name)
				return true
			}
		}
		select {
		case <-r.ended:
			return false
		default:
		}
	}
	t.Fatalf("%s did not reach phase %s within %s:\n%s", r, name, within, last(r.stderr.String(), 20))
	return false
}

// now returns the phase in which the run is.
func (r *run) now(t *testing.T) string {
	t.Helper()
	if list := r.phases(t); len(list) > 0 {
		return list[len(list)-1].Name
	}
	return "before the first phase"
}
