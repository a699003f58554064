package cli

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// passed are the environment variables that the program gets from a script. It gets no
// others, so that the machine on which the tests run does not matter.
var passed = []string{
	"HOME", "PATH", "TMPDIR", "OVIRT_CONFIG", "OKD_INSTALL_IMAGE_CACHE", "HTTPS_PROXY",
	"OKD_INSTALL_STATE_PASSPHRASE", "OKD_INSTALL_STATE_PASSPHRASE_FILE",
	"OPENSHIFT_INSTALL_RELEASE_IMAGE_OVERRIDE", "OPENSHIFT_INSTALL_OS_IMAGE_OVERRIDE",
	"OPENSHIFT_INSTALL_PRESERVE_BOOTSTRAP", "OPENSHIFT_INSTALL_GATHER_BOOTSTRAP",
	"OPENSHIFT_INSTALL_BOOTSTRAP_NODE_IP", "OPENSHIFT_INSTALL_INVOKER",
	"OPENSHIFT_INSTALL_SKIP_HOSTCRYPT_VALIDATION",
	"OKD_INSTALL_UPDATE_SERVICE", "OKD_INSTALL_RELEASE_REPOSITORY", "OKD_INSTALL_SIGNATURE_STORE",
	"OKD_INSTALL_RELEASE_KEY",
}

// process is a run of the program that has not ended yet.
type process struct {
	cmd  *exec.Cmd
	out  *watched
	err  *watched
	done chan struct{}
	wait error
}

// watched keeps what is written; seen is closed once that matches a pattern.
type watched struct {
	mu      sync.Mutex
	buf     bytes.Buffer
	pattern *regexp.Regexp
	seen    chan struct{}
}

func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.buf.Write(p)
	if w.pattern != nil && w.pattern.Match(w.buf.Bytes()) {
		w.pattern = nil
		close(w.seen)
	}
	return len(p), nil
}

func (w *watched) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buf.String()
}

// okdBeside is okd while another run goes on.
func okdBeside(ts *testscript.TestScript, neg bool, args []string) {
	w := worldOf(ts)
	first := w.running
	w.running = nil
	defer func() { w.running = first }()
	okd(ts, neg, args)
}

var signals = map[string]os.Signal{"INT": syscall.SIGINT, "TERM": syscall.SIGTERM, "KILL": syscall.SIGKILL}

// okd runs the program: okd [-exit N] [-within D] [-until REGEXP [-signal S]] ARGS...
// A run that fails must leave stdout empty. With -until, once stderr matches, the run
// gets the signal, or is left to finish. With -as NAME the program is called by a link
// of that name.
func okd(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("name the expected exit code: okd -exit N")
	}
	f := flag.NewFlagSet("okd", flag.ContinueOnError)
	exit := f.Int("exit", 0, "")
	within := f.Duration("within", time.Minute, "")
	until := f.String("until", "", "")
	sig := f.String("signal", "", "")
	as := f.String("as", "", "")
	ts.Check(f.Parse(args))
	w := worldOf(ts)
	if w.running != nil {
		ts.Fatalf("the run before this one has not ended")
	}
	called := program
	if *as != "" {
		called = ts.MkAbs(filepath.Join("bin", *as))
		ts.Check(os.MkdirAll(filepath.Dir(called), 0o755))
		if err := os.Symlink(program, called); err != nil && !errors.Is(err, os.ErrExist) {
			ts.Check(err)
		}
	}
	p := &process{
		cmd: exec.Command(called, f.Args()...), out: &watched{}, err: &watched{seen: make(chan struct{})},
		done: make(chan struct{}),
	}
	if *until != "" {
		p.err.pattern = regexp.MustCompile(*until)
	}
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = ts.MkAbs("."), p.out, p.err
	for _, key := range passed {
		if v := ts.Getenv(key); v != "" {
			p.cmd.Env = append(p.cmd.Env, key+"="+v)
		}
	}
	ts.Check(p.cmd.Start())
	w.running = p
	go func() { p.wait = p.cmd.Wait(); close(p.done) }()
	if *until != "" {
		select {
		case <-p.err.seen:
		case <-p.done:
			w.running = nil
			ts.Fatalf("ended without printing %q: %v\n%s", *until, p.wait, p.err)
		case <-time.After(*within):
			ts.Fatalf("did not print %q within %s:\n%s", *until, *within, p.err)
		}
		if *sig == "" {
			return
		}
		ts.Check(p.cmd.Process.Signal(signals[*sig]))
	}
	w.end(ts, *exit, *within)
}

// finish waits for the run that okd -until left: finish [-signal S] [-exit N] [-within D]
func finish(ts *testscript.TestScript, _ bool, args []string) {
	f := flag.NewFlagSet("finish", flag.ContinueOnError)
	exit := f.Int("exit", 0, "")
	within := f.Duration("within", time.Minute, "")
	sig := f.String("signal", "", "")
	ts.Check(f.Parse(args))
	w := worldOf(ts)
	if w.running == nil {
		ts.Fatalf("there is no run to finish")
	}
	if *sig != "" {
		ts.Check(w.running.cmd.Process.Signal(signals[*sig]))
	}
	w.end(ts, *exit, *within)
}

// end waits for the run, hands its output to the script and checks the code.
// As in a shell, the code of a killed process is 137.
func (w *world) end(ts *testscript.TestScript, want int, within time.Duration) {
	p := w.running
	select {
	case <-p.done:
	case <-time.After(within):
		ts.Fatalf("did not end within %s:\n%s", within, p.err)
	}
	w.running = nil
	_, _ = io.WriteString(ts.Stdout(), p.out.String())
	_, _ = io.WriteString(ts.Stderr(), p.err.String())
	got := 0
	var failed *exec.ExitError
	if errors.As(p.wait, &failed) {
		got = failed.ExitCode()
		if s := failed.Sys().(syscall.WaitStatus); s.Signaled() {
			got = 128 + int(s.Signal())
		}
	}
	if got != want {
		ts.Fatalf("%s: exit code %d, want %d", strings.Join(p.cmd.Args[1:], " "), got, want)
	}
	if want != 0 && p.out.String() != "" {
		ts.Fatalf("%s failed and wrote to stdout", strings.Join(p.cmd.Args[1:], " "))
	}
}

func worldOf(ts *testscript.TestScript) *world { return ts.Value("world").(*world) }
