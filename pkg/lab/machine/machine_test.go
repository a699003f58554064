package machine

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPresets(t *testing.T) {
	got := presets(`# a comment
enable kubelet.service
disable zincati.service
enable serial-getty@.service ttyS0 ttyS1
enable plain@.service
ignore
nonsense x
`)
	want := map[string][]string{
		"enable":  {"kubelet.service", "serial-getty@ttyS0.service", "serial-getty@ttyS1.service", "plain@.service"},
		"disable": {"zincati.service"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("presets differ (-want +got):\n%s", d)
	}
}

// TestConfigStaysHidden feeds what Ignition prints when it fails, in pieces.
func TestConfigStaysHidden(t *testing.T) {
	const log = "INFO     : Stage: files\nfiles failed\n" +
		"Full config:\n{\n  \"secret\": \"hunter2\"\n}\nCRITICAL : Ignition failed: no such group\n"
	for size := 1; size < len(log); size += 7 {
		var out bytes.Buffer
		w := &withoutConfig{out: &out}
		for rest := log; rest != ""; {
			n := min(size, len(rest))
			if got, err := w.Write([]byte(rest[:n])); got != n || err != nil {
				t.Fatalf("Write = %d, %v", got, err)
			}
			rest = rest[n:]
		}
		if strings.Contains(out.String(), "hunter2") {
			t.Fatalf("in pieces of %d the config shows:\n%s", size, out.String())
		}
		for _, keep := range []string{"Stage: files", "no such group"} {
			if !strings.Contains(out.String(), keep) {
				t.Errorf("in pieces of %d the log lost %q:\n%s", size, keep, out.String())
			}
		}
	}
}
