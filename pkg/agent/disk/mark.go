package disk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/okd-install/okd-install/pkg/agent"
)

const (
	// markFile, in the boot partition, says which image the disk was written from. It outlives the
	// first boot, which removes the Ignition config there.
	markFile = "okd-agent-image"
	maxMark  = 256 // bytes
)

// mark leaves the name of the image on the disk. A disk without it works as well, so that it warns.
func (j *job) mark(ctx context.Context) {
	if j.Image == "" {
		return
	}
	p, err := j.partition(ctx, "boot")
	if err == nil {
		err = mounted(ctx, j.Runner, p.path, "rw", func(dir string) error {
			return os.WriteFile(filepath.Join(dir, markFile), []byte(j.Image+"\n"), 0o644)
		})
	}
	if err != nil {
		j.say("warning: %s does not say which image it was written from: %v; remove the medium before the host reboots",
			j.Disk.Path, err)
	}
}

// ImageOn returns Options.Image of the installation that wrote a disk, empty if it had none. It fails
// if there is no boot partition of CoreOS that can be read.
func ImageOn(ctx context.Context, r Runner, d agent.Disk) (string, error) {
	j := &job{Options: Options{Disk: d, Runner: r}}
	p, err := j.partition(ctx, "boot")
	if err != nil {
		return "", err
	}
	var mark []byte
	err = mounted(ctx, r, p.path, "ro", func(dir string) error {
		f, err := os.Open(filepath.Join(dir, markFile))
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		defer f.Close()
		mark, err = io.ReadAll(io.LimitReader(f, maxMark))
		return err
	})
	if err != nil {
		return "", fmt.Errorf("look at what was written to %s: %w", d.Path, err)
	}
	return strings.TrimSpace(string(mark)), nil
}
