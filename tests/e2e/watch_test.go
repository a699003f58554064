//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"os"
	"strings"
	"sync"
	"time"
)

// watch records the command lines of all programs, which every user of this host can
// read.
type watch struct {
	mu   sync.Mutex
	seen map[string]bool
}

func newWatch() *watch { return &watch{seen: map[string]bool{}} }

func (w *watch) run(ctx context.Context) {
	for {
		w.look()
		select {
		case <-ctx.Done():
			return
		case <-time.After(400 * time.Millisecond):
		}
	}
}

func (w *watch) look() {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return
	}
	for _, e := range entries {
		if name := e.Name(); name[0] < '0' || name[0] > '9' {
			continue
		}
		line, err := os.ReadFile("/proc/" + e.Name() + "/cmdline")
		if err != nil || len(line) == 0 {
			continue // it is gone, or a thread of the kernel
		}
		w.mu.Lock()
		w.seen[string(bytes.ReplaceAll(line, []byte{0}, []byte{' '}))] = true
		w.mu.Unlock()
	}
}

// lines returns all command lines so far.
func (w *watch) lines() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := make([]string, 0, len(w.seen))
	for line := range w.seen {
		out = append(out, line)
	}
	return out
}

// saw reports whether a program has run.
func (w *watch) saw(text string) bool {
	for _, line := range w.lines() {
		if strings.Contains(line, text) {
			return true
		}
	}
	return false
}
