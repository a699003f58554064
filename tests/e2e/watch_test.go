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

// watch collects the command lines that anyone on this host could have read.
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

// lines are all command lines that there have been.
func (w *watch) lines() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := make([]string, 0, len(w.seen))
	for line := range w.seen {
		out = append(out, line)
	}
	return out
}

// saw says whether a program has been seen at work.
func (w *watch) saw(text string) bool {
	for _, line := range w.lines() {
		if strings.Contains(line, text) {
			return true
		}
	}
	return false
}
