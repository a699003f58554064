//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// watch records the command lines of all programs, which every user of this host can
// read, and the environment of okd-install and of the programs that it starts.
type watch struct {
	mu       sync.Mutex
	seen     map[string]bool
	environs map[string]bool
	own      map[string]bool // processes of okd-install
}

func newWatch() *watch {
	return &watch{seen: map[string]bool{}, environs: map[string]bool{}, own: map[string]bool{}}
}

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
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range entries {
		if name := e.Name(); name[0] < '0' || name[0] > '9' {
			continue
		}
		dir := filepath.Join("/proc", e.Name())
		line, err := os.ReadFile(filepath.Join(dir, "cmdline"))
		if err != nil || len(line) == 0 {
			continue // it is gone, or a thread of the kernel
		}
		w.seen[string(bytes.ReplaceAll(line, []byte{0}, []byte{' '}))] = true
		program, _, _ := bytes.Cut(line, []byte{0})
		// Children have higher numbers than their parents, until the numbers begin anew.
		if filepath.Base(string(program)) == "okd-install" || w.own[parent(dir)] {
			w.own[e.Name()] = true
			if env, err := os.ReadFile(filepath.Join(dir, "environ")); err == nil {
				w.environs[string(env)] = true
			}
		}
	}
}

// parent is the number of a process's parent; empty if the process is gone.
func parent(dir string) string {
	stat, _ := os.ReadFile(filepath.Join(dir, "stat"))
	_, rest, _ := strings.Cut(string(stat[bytes.LastIndexByte(stat, ')')+1:]), " ")
	fields := strings.Fields(rest) // state, parent
	if len(fields) < 2 {
		return ""
	}
	return fields[1]
}

// lines returns all command lines so far.
func (w *watch) lines() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Collect(maps.Keys(w.seen))
}

// environments returns those of okd-install and of what it has started, so far.
func (w *watch) environments() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Collect(maps.Keys(w.environs))
}

// saw reports whether a program has run.
func (w *watch) saw(text string) bool {
	return slices.ContainsFunc(w.lines(), func(line string) bool { return strings.Contains(line, text) })
}
