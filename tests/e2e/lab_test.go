//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/okd-install/okd-install/pkg/lab/daemon"
	"github.com/okd-install/okd-install/pkg/lab/engine"
	"github.com/okd-install/okd-install/pkg/lab/machine"
	"github.com/okd-install/okd-install/pkg/lab/netns"
	"github.com/okd-install/okd-install/pkg/lab/network"
	"github.com/okd-install/okd-install/pkg/lab/site"
)

// lab is the lab of these tests.
type lab struct {
	site.Site
	root string // of the source tree
	work string // what the tests write; it stays for a look
	// watch records every command line of this host.
	watch *watch
}

// newLab makes a lab whose files are in a directory below _test/e2e.
func newLab(t *testing.T, work string) *lab {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("these tests need root: they make network namespaces and start machines")
	}
	name := os.Getenv("OKD_LAB")
	if name == "" {
		name = "test"
	}
	cache := os.Getenv("OKD_LAB_CACHE")
	if cache == "" {
		cache = site.DefaultCache
	}
	s, err := site.New(name, cache)
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	l := &lab{Site: s, root: root, work: filepath.Join(root, "_test", "e2e", work), watch: newWatch()}
	if err := os.MkdirAll(l.work, 0o755); err != nil {
		t.Fatal(err)
	}
	go l.watch.run(t.Context())
	return l
}

// up starts a new lab, and removes it if the test succeeds.
func (l *lab) up(t *testing.T) {
	t.Helper()
	l.okdLab(t, "down")
	if err := os.RemoveAll(l.work); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(l.work, 0o755); err != nil {
		t.Fatal(err)
	}
	l.okdLab(t, "up")
	t.Cleanup(func() {
		if !t.Failed() {
			l.okdLab(t, "down")
		}
	})
}

// okdLab runs a command of okd-lab, which must succeed.
func (l *lab) okdLab(t *testing.T, args ...string) string {
	t.Helper()
	out, err := l.tryLab(t, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (l *lab) tryLab(t *testing.T, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 2*time.Minute)
	defer cancel()
	cmd := l.command(ctx, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("okd-lab %s: %w\n%s%s", strings.Join(args, " "), err, &stdout, &stderr)
	}
	return stdout.String(), nil
}

// releaseOverride names the release in scenarios that are not about choosing one.
const releaseOverride = "OPENSHIFT_INSTALL_RELEASE_IMAGE_OVERRIDE"

func (l *lab) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(l.root, "bin", "okd-lab"), args...)
	cmd.Env = append(os.Environ(), "OKD_LAB="+l.Name, "OKD_LAB_CACHE="+l.Cache)
	if f, err := l.Facts(); err == nil { // there is a lab
		if r, err := f.ReleaseFor(firstRelease()); err == nil {
			cmd.Env = append(cmd.Env, releaseOverride+"="+r.PullSpec)
		}
	}
	return cmd
}

// inside runs a command in the lab, as an operator would.
func (l *lab) inside(t *testing.T, args ...string) (string, error) {
	t.Helper()
	return l.tryLab(t, append([]string{"exec", "--"}, args...)...)
}

// on runs a script in a machine, as its root.
func (l *lab) on(t *testing.T, machine, script string) (string, error) {
	t.Helper()
	return l.tryLab(t, "machines", "exec", machine, "--", "sh", "-c", script)
}

func (l *lab) facts(t *testing.T) site.Facts {
	t.Helper()
	f, err := l.Facts()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// firstRelease is the release that the tests install, empty for the lab's usual.
func firstRelease() string {
	first, _, _ := strings.Cut(os.Getenv("OKD_LAB_RELEASE"), ",")
	return first
}

// release is the one that the tests install.
func (l *lab) release(t *testing.T) site.ReleaseFacts {
	t.Helper()
	r, err := l.facts(t).ReleaseFor(firstRelease())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// machines returns the machines that run or have run.
func (l *lab) machines(t *testing.T) []machine.Status {
	t.Helper()
	st, err := daemon.Dial(l.Site).Status(context.WithoutCancel(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	return st.Machines
}

func (l *lab) press(t *testing.T, name, action string) {
	t.Helper()
	if err := daemon.Dial(l.Site).Press(t.Context(), name, action); err != nil {
		t.Fatalf("%s machine %s: %v", action, name, err)
	}
}

func (l *lab) inventory(t *testing.T) engine.Inventory {
	t.Helper()
	var inv engine.Inventory
	if err := json.Unmarshal([]byte(l.okdLab(t, "inventory")), &inv); err != nil {
		t.Fatal(err)
	}
	return inv.Objects()
}

// sameAs checks that the engine has exactly what it had before.
func (l *lab) sameAs(t *testing.T, before engine.Inventory) {
	t.Helper()
	if diff := cmp.Diff(before, l.inventory(t)); diff != "" {
		t.Errorf("the engine is not as it was (- before, + now):\n%s", diff)
	}
}

// dial connects from the provisioner's network namespace.
func (l *lab) dial(ctx context.Context, proto, addr string) (conn net.Conn, err error) {
	inNamespace := netns.Do(network.File(l.Network().ProvisionerNamespace()), func() error {
		var d net.Dialer
		conn, err = d.DialContext(ctx, proto, addr)
		return nil
	})
	if inNamespace != nil {
		return nil, inNamespace
	}
	return conn, err
}

// consoles logs the last lines of the machines' consoles, to find out why a test
// failed.
func (l *lab) consoles(t *testing.T) {
	t.Helper()
	st, err := daemon.Dial(l.Site).Status(context.WithoutCancel(t.Context()))
	if err != nil {
		t.Logf("lab: %v", err)
		return
	}
	for _, m := range st.Machines {
		t.Logf("machine %s is %s at %v; end of %s:\n%s", m.Name, m.State, m.Addresses, m.Console, tail(m.Console, 12))
	}
}

// tail returns the last lines of a file.
func tail(path string, lines int) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimRight(string(data), "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// eventually polls until why is empty.
func eventually(t *testing.T, within time.Duration, why func() string) time.Duration {
	t.Helper()
	start := time.Now()
	for {
		reason := why()
		took := time.Since(start)
		if reason == "" {
			return took
		}
		if took > within {
			t.Fatalf("after %s: %s", took.Round(time.Second), reason)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// measured logs a figure for the report.
func measured(t *testing.T, format string, args ...any) {
	t.Helper()
	t.Logf("MEASURED "+format, args...)
}
