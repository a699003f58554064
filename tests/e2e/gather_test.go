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
)

// gathersWithoutAgent gathers logs without an SSH agent. If ~/.ssh has the private half
// of the install-config's sshKey, the bundle has the logs of every master; if not, the
// output names the reason for each master.
func (c *cluster) gathersWithoutAgent(t *testing.T) {
	key, err := os.ReadFile(c.facts(t).SSHKey)
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	if err := os.Mkdir(filepath.Join(home, ".ssh"), 0o700); err != nil {
		t.Fatal(err)
	}
	missing := regexp.MustCompile(`missing control-plane host \S*master-\d \([0-9.]+\): .*none of the keys in: ` +
		`the private half of SHA256:\S+ .*was not found`)
	for _, have := range []bool{false, true} {
		if have {
			if err := os.WriteFile(filepath.Join(home, ".ssh", "the-lab"), key, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		began := time.Now()
		r := c.start(t, c.dir, []string{"SSH_AUTH_SOCK=", "HOME=" + home}, "gather", "bootstrap", "--skipAnalysis")
		if code := r.end(t, 2*time.Minute); code != 0 {
			t.Fatalf("exit code %d:\n%s", code, last(r.stderr.String(), 20))
		}
		measured(t, "gather from the masters: %.1f s", time.Since(began).Seconds())
		bundles, err := filepath.Glob(filepath.Join(c.dir, "log-bundle-*.tar.gz"))
		if err != nil || len(bundles) == 0 {
			t.Fatalf("no log bundle: %v", err)
		}
		masters := mastersIn(t, bundles[len(bundles)-1])
		for _, b := range bundles {
			if err := os.Remove(b); err != nil {
				t.Error(err)
			}
		}
		switch said := r.stderr.String(); {
		case have && len(masters) != c.size.masters:
			t.Errorf("the bundle has logs of these masters only: %v\n%s", masters, last(said, 20))
		case !have && (len(masters) > 0 || !missing.MatchString(said)):
			t.Errorf("without a key there are logs of %v, and the output is\n%s", masters, last(said, 20))
		}
	}
}

// mastersIn counts the lines of the kubelet's log of each master in a bundle.
func mastersIn(t *testing.T, bundle string) map[string]int {
	t.Helper()
	f, err := os.Open(bundle)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	plain, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]int{}
	for files := tar.NewReader(plain); ; {
		h, err := files.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(files)
		if err != nil {
			t.Fatal(err)
		}
		parts := strings.Split(h.Name, "/")
		if len(parts) == 5 && parts[1] == "control-plane" && parts[4] == "kubelet.log" && len(text) > 0 {
			out[parts[2]] = strings.Count(string(text), "\n")
		}
	}
}
