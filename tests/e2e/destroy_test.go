//go:build e2e

package e2e

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// destroyed removes a cluster: first while the engine fails, then with nothing but the
// infrastructure ID while the engine ignores search queries, then once more. A disk that
// somebody else plugged into a master survives.
func destroyed(t *testing.T, c *cluster) {
	infra := c.infraID(t)
	disk, seen := c.plugForeignDisk(t), ""
	step(t, "DestroyWithFailingEngine", func(t *testing.T) {
		c.okdLab(t, "fault", "add", "--method", "DELETE", "--path", "/vms/*", "--status", "400",
			"--reason", "Operation Failed", "--detail", "[Cannot remove VM. Storage is not available.]", "--count", "-1")
		r := c.start(t, c.dir, nil, "destroy", "cluster")
		code := r.end(t, 5*time.Minute)
		seen = r.stderr.String()
		c.okdLab(t, "fault", "clear")
		if code == 0 {
			t.Error("exit code 0, although machines could not be removed")
		}
		for _, name := range append(c.masters(t), c.workers(t)...) {
			if !strings.Contains(r.stderr.String(), "vm "+name) {
				t.Errorf("standard error does not name vm %s", name)
			}
		}
		said := r.stderr.String()
		if !strings.Contains(said, "still there") || !strings.Contains(said, "Storage is not available") {
			t.Error("standard error does not name what is still there and why")
		}
		if t.Failed() {
			t.Logf("standard error:\n%s", last(r.stderr.String(), 30))
		}
	})
	step(t, "DestroyByInfraID", func(t *testing.T) {
		for _, name := range []string{"metadata.json", ".openshift_install_state.json"} {
			if err := os.Remove(filepath.Join(c.dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			}
		}
		c.okdLab(t, "fault", "add", "--kind", "ignore-search", "--path", "/**", "--count", "-1")
		r := c.finish(t, 5*time.Minute, 0, c.dir, "destroy", "cluster", "--infra-id", infra)
		c.okdLab(t, "fault", "clear")
		c.survived(t, disk, seen+r.stderr.String())
		measured(t, "destroy cluster took %.1f s", r.took.Seconds())
		if left := c.machines(t); len(left) > 0 {
			t.Errorf("the hypervisors still have %v", left)
		}
	})
	step(t, "DestroyAgain", func(t *testing.T) {
		r := c.finish(t, time.Minute, 0, c.dir, "destroy", "cluster", "--infra-id", infra)
		if want := "Nothing of cluster " + infra + " is left"; !strings.Contains(r.stderr.String(), want) {
			t.Errorf("standard error has no %q:\n%s", want, r.stderr.String())
		}
	})
}
