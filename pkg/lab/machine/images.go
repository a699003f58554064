package machine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/okd-install/okd-install/pkg/lab/command"
	"github.com/okd-install/okd-install/pkg/lab/loop"
	"github.com/okd-install/okd-install/pkg/lab/volume"
)

// images mounts the root partitions that machines boot from, once per image
// however many disks are copies of it, so that the page cache is shared too.
type images struct {
	dir string

	mu   sync.Mutex
	used map[string]map[string]bool // key of the image: ids of machines
}

func newImages(dir string) *images {
	return &images{dir: dir, used: map[string]map[string]bool{}}
}

// mount returns where the partition is mounted, read-only, until release.
func (i *images) mount(ctx context.Context, id string, b volume.Bootable) (string, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	at := filepath.Join(i.dir, b.Key)
	if len(i.used[b.Key]) > 0 {
		i.used[b.Key][id] = true
		return at, nil
	}
	if err := os.MkdirAll(at, 0o700); err != nil {
		return "", err
	}
	if err := mountPartition(ctx, b, at); err != nil {
		return "", fmt.Errorf("mount root partition: %w", err)
	}
	i.used[b.Key] = map[string]bool{id: true}
	return at, nil
}

// mountPartition uses a loop device of its own: mount would take one that a
// daemon before this one has left, and with it what the kernel remembers of a
// disk that has been written again since.
func mountPartition(ctx context.Context, b volume.Bootable, at string) error {
	node, err := loop.Attach(ctx, b.Image, "--read-only", fmt.Sprintf("--offset=%d", b.Offset),
		fmt.Sprintf("--sizelimit=%d", b.Size))
	if err != nil {
		return err
	}
	// noload: the image must not be written, not even to replay a journal.
	_, err = command.Run(ctx, "mount", "-t", "ext4", "-o", "ro,noload", node, at)
	// While it is mounted, this only means that the device goes with the mount.
	_, lost := command.Run(context.WithoutCancel(ctx), "losetup", "--detach", node)
	return errors.Join(err, lost)
}

// release gives up a machine's claim on its image.
func (i *images) release(id string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for key, users := range i.used {
		delete(users, id)
		if len(users) == 0 {
			delete(i.used, key)
			at := filepath.Join(i.dir, key)
			_ = unix.Unmount(at, unix.MNT_DETACH) // detaches the loop device too
			_ = os.Remove(at)
		}
	}
}

// root is where the machine's root is mounted.
func (m *machine) root() string { return filepath.Join(m.dir, "root") }

// mountRoot puts what the machine wrote over what its disk was made from.
func (m *machine) mountRoot(ctx context.Context, b device) error {
	lower, err := m.lower(), error(nil)
	if b.initramfs != nil {
		err = m.mountLive(ctx, b)
	} else {
		lower, err = m.sup.images.mount(ctx, m.hw.ID, b.Bootable)
	}
	if err != nil {
		return err
	}
	upper, work := filepath.Join(b.Writes, "root"), filepath.Join(b.Writes, "work")
	at := m.root()
	if hasOSTree(lower) {
		at = m.sysroot()
	}
	dirs := []string{upper, work, at, m.root()}
	for name := range plain {
		dirs = append(dirs, filepath.Join(b.Writes, name))
	}
	for _, dir := range dirs {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	if err := overlayAt(at, lower, upper, work); err != nil {
		return err
	}
	if at == m.root() {
		return nil
	}
	return m.mountDeployment()
}

func (m *machine) unmountRoot() error {
	var errs []error
	for _, at := range []string{m.root(), m.sysroot(), m.lower()} {
		err := unix.Unmount(at, unix.MNT_DETACH)
		if err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOENT) {
			errs = append(errs, fmt.Errorf("unmount %s: %w", at, err))
		}
	}
	return errors.Join(errs...)
}

// Container stores cannot be on an overlay themselves: on one, containerd's
// snapshotter starts and then fails at every mount, and podman refuses. They
// get plain directories.
var plain = map[string]string{
	"containerd": "/var/lib/containerd",
	"containers": "/var/lib/containers",
}
