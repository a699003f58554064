package images

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// pruneAge is how long a layer without a layout stays, for releases that are
// being built from the same cache right now.
const pruneAge = time.Hour

// prune removes old layers that no layout links any more: each change of an
// operator makes a layer of the size of okd-lab-release. A layer that is
// missed is made again.
func prune(cache string, now time.Time) {
	files, err := filepath.Glob(filepath.Join(cache, "*.tar"))
	if err != nil {
		return
	}
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil || now.Sub(info.ModTime()) < pruneAge {
			continue
		}
		if s, ok := info.Sys().(*syscall.Stat_t); ok && s.Nlink == 1 {
			// The record goes first: a layer without one is made again.
			_ = os.Remove(strings.TrimSuffix(f, ".tar") + ".json")
			_ = os.Remove(f)
		}
	}
}
