// Package medium makes a live system that belongs to no cluster one of a cluster: with what is
// on a medium that `agent create config-image` has made. The file system of the medium is read
// here, because not every kernel can mount it.
package medium

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/atomicfile"
	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/iso/initrd"
	"github.com/okd-install/okd-install/pkg/iso/iso9660"
)

const (
	releaseFile = agent.Dir + "/release-image"
	// proxyDir has a file for systemd itself.
	proxyDir = "etc/systemd/system.conf.d/"

	maxConfig = 32 << 20 // compressed
	interval  = 5 * time.Second
)

// ErrNone is that there is no medium.
var ErrNone = errors.New("waiting for a medium with the label " + agent.ConfigLabel)

// Loader is the system that gets a configuration.
type Loader struct {
	Root string // "/" but in tests
	Run  func(ctx context.Context, name string, args ...string) error
	Log  *slog.Logger
}

// Early takes the configuration before the system has a network. It is no error if there is no
// medium: Wait follows.
func (l Loader) Early(ctx context.Context) error {
	err := l.load(ctx)
	if errors.Is(err, ErrNone) {
		return nil
	}
	return err
}

// Wait takes the configuration when there is one, and restarts what has begun without.
func (l Loader) Wait(ctx context.Context, clk clock.Clock) error {
	said := ""
	for {
		err := l.load(ctx)
		if err == nil {
			break
		}
		if text := err.Error(); text != said {
			l.Log.Warn(text)
			said = text
		}
		select {
		case <-clk.After(interval):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for _, args := range [][]string{
		{"restart", "okd-agent-network.service"},
		{"try-restart", "NetworkManager.service", "chronyd.service"},
		{
			"start", "--no-block", "okd-agent.service", "okd-agent-console.service",
			"okd-agent-console@ttyS0.service",
		},
	} {
		if err := l.Run(ctx, "systemctl", args...); err != nil {
			return fmt.Errorf("take the configuration into use: %w", err)
		}
	}
	return nil
}

// load looks for a medium and writes its files.
func (l Loader) load(ctx context.Context) error {
	device, packed, err := l.find()
	if err != nil {
		return err
	}
	archive, err := initrd.Read(packed)
	if err == nil {
		err = l.check(archive)
	}
	if err != nil {
		return fmt.Errorf("configuration on %s: %w", device, err)
	}
	if err := l.write(archive); err != nil {
		return fmt.Errorf("take the configuration from %s: %w", device, err)
	}
	l.Log.Info("this host has a configuration", "from", device)
	if !slices.ContainsFunc(archive.Names(), func(name string) bool { return strings.HasPrefix(name, proxyDir) }) {
		return nil
	}
	return l.Run(ctx, "systemctl", "daemon-reload")
}

// passed over: they have no media of users, and floppy drives take long.
var passedOver = []string{"loop", "ram", "zram", "dm-", "md", "fd", "nbd"}

// find reads the configuration of the only medium.
func (l Loader) find() (device string, packed []byte, err error) {
	entries, err := os.ReadDir(filepath.Join(l.Root, "sys/class/block"))
	if err != nil {
		return "", nil, fmt.Errorf("look for a medium: %w", err)
	}
	for _, e := range entries {
		if slices.ContainsFunc(passedOver, func(p string) bool { return strings.HasPrefix(e.Name(), p) }) {
			continue
		}
		found, err := read(filepath.Join(l.Root, "dev", e.Name()))
		switch at := "/dev/" + e.Name(); {
		case errors.Is(err, ErrNone):
		case err != nil:
			return "", nil, fmt.Errorf("configuration on %s: %w", at, err)
		case device != "":
			return "", nil, fmt.Errorf("%s and %s have the label %s: remove the one that is not for this cluster",
				device, at, agent.ConfigLabel)
		default:
			device, packed = at, found
		}
	}
	if device == "" {
		return "", nil, ErrNone
	}
	return device, packed, nil
}

// read reads the configuration on a device, with ErrNone if that is another one, or has none.
func read(device string) ([]byte, error) {
	// Not to wait for a drive without a medium.
	f, err := os.OpenFile(device, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, ErrNone
	}
	defer f.Close()
	size, err := f.Seek(0, 2)
	if err != nil {
		return nil, ErrNone
	}
	volume, err := iso9660.Open(f, size)
	if err != nil || volume.Label != agent.ConfigLabel {
		return nil, ErrNone
	}
	return volume.ReadFile(agent.ConfigArchive, maxConfig)
}

// check refuses what is not a configuration for this system.
func (l Loader) check(a *initrd.Archive) error {
	mine, err := os.ReadFile(filepath.Join(l.Root, releaseFile))
	if err != nil {
		return err
	}
	release, has := a.File(releaseFile[1:])
	if !has {
		return errors.New("it names no release: make it again with `agent create config-image`")
	}
	if !bytes.Equal(mine, release) {
		return fmt.Errorf("it is for release %s, but this system was made for %s: make the config image again, "+
			"with --release",
			bytes.TrimSpace(release), bytes.TrimSpace(mine))
	}
	config, has := a.File(agent.ConfigFile[1:])
	if !has {
		return errors.New("it has no " + agent.ConfigFile)
	}
	_, err = agent.Decode(config)
	return err
}

// write writes the files; last the one that says that all are there.
func (l Loader) write(a *initrd.Archive) error {
	for _, last := range []bool{false, true} {
		for _, name := range a.Names() {
			if (name == agent.ConfigFile[1:]) != last {
				continue
			}
			if err := l.writeOne(a, name); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l Loader) writeOne(a *initrd.Archive, name string) error {
	data, has := a.File(name)
	perm, regular := a.Mode(name)
	if !has || !regular {
		return &fs.PathError{Op: "write", Path: name, Err: errors.New("it is not a regular file")}
	}
	path := filepath.Join(l.Root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return atomicfile.Write(path, data, perm)
}
