//go:build e2e

package e2e

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/phases"
)

// bootstrapCannotSucceed cuts off the release registry as soon as the bootstrap host
// is running.
func bootstrapCannotSucceed(t *testing.T, l *lab) {
	c := l.newCluster(t, "demo", standard)
	step(t, "Fails", func(t *testing.T) {
		r := c.create(t, "--timeout", "40s")
		if !r.reach(t, phases.APIAnswers.Name, 3*time.Minute) {
			t.Fatalf("ended with exit code %d:\n%s", r.code, last(r.stderr.String(), 20))
		}
		l.okdLab(t, "fault", "service", "registry", "off")
		defer l.okdLab(t, "fault", "service", "registry", "on")
		c.saysWhileItWaits(t, r)
		if code := r.end(t, installBudget); code != exit.Bootstrap {
			t.Errorf("exit code %d, want %d", code, exit.Bootstrap)
		}
		t.Logf("gave up after %s", r.took.Round(time.Second))
		if cause := causeLine.FindString(r.stderr.String()); cause == "" {
			t.Error("standard error names no cause")
		} else {
			t.Log(cause)
		}
		if t.Failed() {
			t.Logf("standard error:\n%s", r.stderr.String())
		}
	})
	step(t, "LogBundle", func(t *testing.T) { c.logBundle(t) })
	step(t, "CompletesOnceItCan", func(t *testing.T) {
		if *tier == "full" {
			c.complete(t)
			c.nodesReady(t)
			c.nothingTwice(t)
		}
		l.finish(t, 5*time.Minute, 0, c.dir, "destroy", "cluster")
	})
}

// causeLine is the cause that create cluster finds in the log bundle.
var causeLine = regexp.MustCompile(`Cause: bootstrap host: the release image could not be downloaded .*: .+`)

// lastError is the line with which the wait names the stage and the last error.
var lastError = regexp.MustCompile(`bootstrap host: ([a-z-]+: )?\S.*; last error.*: .+`)

// saysWhileItWaits checks that the run prints the bootstrap host's last error while it
// still waits.
func (c *cluster) saysWhileItWaits(t *testing.T, r *run) {
	t.Helper()
	for !lastError.MatchString(r.stderr.String()) {
		select {
		case <-r.ended:
			t.Errorf("the wait ended without the last error of the bootstrap host")
			return
		case <-time.After(100 * time.Millisecond):
		}
	}
	t.Logf("printed while waiting: %s", lastError.FindString(r.stderr.String()))
}

// logBundle checks the log bundle of a failed bootstrap.
func (c *cluster) logBundle(t *testing.T) {
	found, err := filepath.Glob(filepath.Join(c.dir, "log-bundle-*.tar.gz"))
	if err != nil || len(found) != 1 {
		t.Fatalf("log bundles: %v (%v), want one", found, err)
	}
	f, err := os.Open(found[0])
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%s has mode %v (%v)", found[0], info.Mode(), err)
	}
	plain, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	secrets := c.secrets(t, c.dir)
	journals := 0
	var names []string
	for files := tar.NewReader(plain); ; {
		h, err := files.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(files)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, h.Name)
		if strings.Contains(h.Name, "/bootstrap/journals/") && len(data) > 0 {
			journals++
		}
		if name := secrets.In(string(data)); name != "" {
			t.Errorf("%s in the log bundle shows %s", h.Name, name)
		}
	}
	if journals == 0 {
		t.Errorf("no journal of the bootstrap host among %d files: %v", len(names), names)
	}
}
