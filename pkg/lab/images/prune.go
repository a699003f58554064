package images

import (
	"os"
	"path/filepath"
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
	files, _ := filepath.Glob(filepath.Join(cache, "*"))
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil || now.Sub(info.ModTime()) < pruneAge {
			continue
		}
		if s, ok := info.Sys().(*syscall.Stat_t); ok && s.Nlink == 1 {
			_ = os.Remove(f)
		}
	}
}
