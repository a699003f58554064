//go:build e2e

package e2e

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// newestByVersion returns the flags that choose the newest release of the lab by its
// minor version, and have its signature checked.
func (l *lab) newestByVersion(t *testing.T) []string {
	t.Helper()
	f := l.facts(t)
	parts := strings.SplitN(f.Release.Version, ".", 3)
	if len(parts) != 3 {
		t.Fatalf("the lab's release is %q", f.Release.Version)
	}
	return []string{"--release", parts[0] + "." + parts[1], "--release-key", f.Updates.KeyFile}
}

// releasePinned checks that the installation has recorded its release, and refuses
// another one.
func (c *cluster) releasePinned(t *testing.T) {
	f := c.facts(t)
	_, digest, _ := strings.Cut(f.Release.PullSpec, "@")
	r := c.finish(t, time.Minute, 0, c.dir, "release", "info", "-o", "json", "--release-key", f.Updates.KeyFile)
	var info struct{ Version, Digest, Signature string }
	if err := json.Unmarshal([]byte(r.stdout.String()), &info); err != nil {
		t.Fatal(err)
	}
	if info.Version != f.Release.Version || info.Digest != digest || info.Signature != "verified" {
		t.Errorf("release info: %+v, want %s %s", info, f.Release.Version, digest)
	}
	other := c.finish(t, time.Minute, 1, c.dir, "create", "cluster", "--release", "4.19")
	for _, want := range []string{"machines were started from release " + f.Release.Version, "Next: leave --release out"} {
		if !strings.Contains(other.stderr.String(), want) {
			t.Errorf("the refusal of another release lacks %q:\n%s", want, other.stderr.String())
		}
	}
}
