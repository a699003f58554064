//go:build livesuite

package enginetest_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/lab/engine"
	"github.com/okd-install/okd-install/pkg/lab/engine/enginetest"
)

// clientModule is the client whose own tests for real engines are run against
// ours. They come with the module: the version is the one of our go.mod.
const clientModule = "github.com/ovirt/go-ovirt-client/v3"

// slow tests retry a refusal until the client gives up, after 511 s each.
var slow = []string{"TestCannotRemoveTemplateIfVMIsNotCloned", "TestCannotRemoveTemplateIfVMCloneIsNotSet"}

// unfit tests need a public web site.
var unfit = []string{"TestBadURL"}

// TestLiveSuite runs the client's live suite. It has a build tag of its own, for
// it takes minutes; OKD_LAB_LIVE_SUITE is short, which leaves the slow tests
// out, or full. See hack/ovirt-live-suite.sh.
func TestLiveSuite(t *testing.T) {
	mode := os.Getenv("OKD_LAB_LIVE_SUITE")
	skip := unfit
	switch mode {
	case "short":
		skip = append(slices.Clone(skip), slow...)
	case "full":
	default:
		t.Fatalf("OKD_LAB_LIVE_SUITE is %q, neither short nor full", mode)
	}
	dir := checkout(t)
	// The times of a real engine, shortened, so that clients meet locks. Two of
	// the suite's VM names are longer than an engine allows by default.
	e := enginetest.Start(t, enginetest.Config(func(c *engine.Config) {
		c.MaxVMName = 255
		c.Delays = engine.Delays{Disk: 300 * time.Millisecond, VM: 300 * time.Millisecond, Template: 500 * time.Millisecond,
			Launch: 100 * time.Millisecond, Stop: 100 * time.Millisecond, Transfer: 100 * time.Millisecond,
			Poll: 50 * time.Millisecond, GiveUp: time.Minute}
	}))
	before := e.Inventory()

	ctx, cancel := context.WithTimeout(t.Context(), 32*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", "test", "-v", "-client=live", "-parallel", "24", "-timeout", "30m",
		"-skip", "^("+strings.Join(skip, "|")+")$", ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "OVIRT_URL="+e.URL, "OVIRT_USERNAME="+e.Username, "OVIRT_PASSWORD="+e.Password.Reveal(),
		"OVIRT_CAFILE="+e.CAFile, "GOFLAGS=-mod=mod", "GOWORK=off")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	passed, failed, skipped := results(out.String())
	t.Logf("%s: %d passed, %d failed, skipped: %v", clientModule, len(passed), len(failed), skipped)
	if err != nil || len(failed) > 0 || len(passed) < 70 {
		log := filepath.Join(os.TempDir(), "ovirt-live-suite.log")
		_ = os.WriteFile(log, out.Bytes(), 0o600)
		t.Fatalf("the suite failed (%v): %v; its output is in %s", err, failed, log)
	}
	for _, name := range skipped {
		if name != "TestVMIPAddressReporting" { // needs an image that is downloaded
			t.Errorf("%s was skipped", name)
		}
	}
	enginetest.Eventually(t, "the removal of the suite's objects", func() bool {
		return enginetest.Same(before, e.Inventory())
	})
}

var result = regexp.MustCompile(`(?m)^--- (PASS|FAIL|SKIP): (\S+)`)

func results(out string) (passed, failed, skipped []string) {
	for _, m := range result.FindAllStringSubmatch(out, -1) {
		switch m[1] {
		case "PASS":
			passed = append(passed, m[2])
		case "FAIL":
			failed = append(failed, m[2])
		default:
			skipped = append(skipped, m[2])
		}
	}
	return passed, failed, skipped
}

// checkout copies the module out of the module cache: the cache is read-only,
// and the suite's own dependencies may have to be resolved.
func checkout(t *testing.T) string {
	t.Helper()
	src, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", clientModule).Output()
	if err != nil {
		t.Fatalf("find module %s: %v", clientModule, err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(strings.TrimSpace(string(src)))); err != nil {
		t.Fatalf("copy module: %v", err)
	}
	err = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		mode := os.FileMode(0o644)
		if d.IsDir() {
			mode = 0o755
		}
		return os.Chmod(path, mode)
	})
	if err != nil {
		t.Fatal(fmt.Errorf("make module writable: %w", err))
	}
	return dir
}
