// Package osimage makes the lab's OS image: a disk image that the installer's
// scripts cannot tell from SCOS where they look, described by a CoreOS stream.
package osimage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/diskfs/go-diskfs/partition/gpt"
	"github.com/google/uuid"
	"golang.org/x/sys/unix"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/cache"
	"github.com/okd-install/okd-install/pkg/lab/command"
)

// Version of the recipe below; raise it when the image changes in a way that
// its inputs do not show.
const recipe = "2"

// Builder makes images.
type Builder struct {
	Cache     cache.Dir
	Rootfs    string // Debian root; not changed
	Hyperkube string
	Clock     clock.Clock
}

// The files of a finished image.
const (
	DiskFile   = "scos-lab.x86_64.qcow2"
	StreamFile = "stream.json"
)

// Image is a directory with the disk and its description.
type Image struct{ Dir string }

// Disk is the path of the disk image.
func (i Image) Disk() string { return filepath.Join(i.Dir, DiskFile) }

// Stream is the CoreOS stream metadata, for which the image is at baseURL.
func (i Image) Stream() ([]byte, error) {
	b, err := os.ReadFile(filepath.Join(i.Dir, StreamFile))
	if err != nil {
		return nil, fmt.Errorf("read stream of the OS image: %w", err)
	}
	return b, nil
}

// Kinds of images in the cache.
const (
	PlainKind = "osimage"
	BareKind  = "bare"
)

// variant is one kind of image.
type variant struct {
	kind   string
	inputs []string // besides those of every image, for the key
	// system turns root, the complete OS, into what the disk holds, and returns
	// where that is. Files beside the disk go to dir.
	system func(ctx context.Context, root, dir string) (content string, err error)
	// finish is called when the disk is there; it may be nil.
	finish func(dir, key string) error
}

// Build makes the image, or finds it in the cache. It will be served at
// baseURL/DiskFile.
func (b Builder) Build(ctx context.Context, baseURL string) (Image, error) {
	return b.build(ctx, variant{
		kind: PlainKind, inputs: []string{baseURL},
		system: func(_ context.Context, root, _ string) (string, error) { return root, nil },
		finish: func(dir, key string) error {
			stream, err := describe(filepath.Join(dir, DiskFile), key, baseURL, b.Clock.Now())
			if err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(dir, StreamFile), stream, 0o644)
		},
	})
}

// inputs are what the root of the OS is made from, for keys in the cache.
func (b Builder) inputs() ([]string, error) {
	tree, err := cache.TreeKey(Tree())
	if err != nil {
		return nil, err
	}
	hyperkube, err := cache.FileKey(b.Hyperkube)
	if err != nil {
		return nil, err
	}
	// The layout is data in this package, and part of the key like the files.
	layout := fmt.Sprint(links, directories, enabled, masked)
	return []string{recipe, tree, hyperkube, filepath.Base(b.Rootfs), layout}, nil
}

// RootKey names the root of the OS in keys of what is made from it.
func (b Builder) RootKey() (string, error) {
	inputs, err := b.inputs()
	return cache.Key(inputs...), err
}

// WithRoot runs fn with the root of the complete OS, which fn may change and
// which is gone afterwards. dir is for temporary files, not on an overlay.
func (b Builder) WithRoot(ctx context.Context, dir string, fn func(root string) error) error {
	return b.onOverlay(dir, func(root string) error {
		if err := apply(ctx, root, b.Hyperkube, Tree()); err != nil {
			return err
		}
		return fn(root)
	})
}

func (b Builder) build(ctx context.Context, v variant) (Image, error) {
	inputs, err := b.inputs()
	if err != nil {
		return Image{}, err
	}
	key := cache.Key(append(inputs, v.inputs...)...)
	dir, err := b.Cache.Entry(ctx, b.Clock, v.kind, key, func(path string) error {
		if err := b.make(ctx, path, key, v); err != nil {
			return fmt.Errorf("make OS image of kind %s: %w", v.kind, err)
		}
		return nil
	})
	return Image{Dir: dir}, err
}

func (b Builder) make(ctx context.Context, dir, key string, v variant) error {
	work, raw := filepath.Join(dir, "build"), filepath.Join(dir, "disk.raw")
	err := b.WithRoot(ctx, work, func(root string) error {
		content, err := v.system(ctx, root, dir)
		if err != nil {
			return err
		}
		return makeDisk(ctx, raw, content, key)
	})
	if err != nil {
		return err
	}
	disk := filepath.Join(dir, DiskFile)
	_, err = command.Run(ctx, "qemu-img", "convert", "-f", "raw", "-O", "qcow2", "-t", "unsafe", "-W", raw, disk)
	if err != nil {
		return err
	}
	if v.finish != nil {
		if err := v.finish(dir, key); err != nil {
			return err
		}
	}
	return errors.Join(os.RemoveAll(raw), os.RemoveAll(work))
}

// onOverlay runs fn with a copy of the Debian root that costs nothing and may
// be changed.
func (b Builder) onOverlay(dir string, fn func(root string) error) (err error) {
	root, upper, work := filepath.Join(dir, "root"), filepath.Join(dir, "upper"), filepath.Join(dir, "work")
	for _, d := range []string{root, upper, work} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	options := fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s,volatile", b.Rootfs, upper, work)
	if err := unix.Mount("overlay", root, "overlay", 0, options); err != nil {
		return fmt.Errorf("mount overlay: %w", err)
	}
	defer func() { err = errors.Join(err, unix.Unmount(root, unix.MNT_DETACH)) }()
	return fn(root)
}

const (
	mib       = 1 << 20
	diskAlign = mib
	sector    = 512
)

// makeDisk makes a raw disk with one partition that holds root.
func makeDisk(ctx context.Context, path, root, key string) error {
	used, files, err := usage(root)
	if err != nil {
		return err
	}
	// Block groups, inode tables and some room; the machines write elsewhere.
	size := (used+used/10+int64(files)*512+64*mib)/mib*mib + mib
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	total := size + 2*diskAlign
	if err := f.Truncate(total); err != nil {
		return err
	}
	id := func(what string) string {
		return uuid.NewSHA1(uuid.MustParse(string(gpt.LinuxRootX86_64)), []byte(key+what)).String()
	}
	table := gpt.Table{ProtectiveMBR: true, GUID: id("disk"), Partitions: []*gpt.Partition{{
		Index: 1, Type: gpt.LinuxRootX86_64, GUID: id("root"), Name: "root",
		Start: diskAlign / sector, Size: uint64(size),
	}}}
	if err := table.Write(f, total); err != nil {
		return err
	}
	// No journal: the image is only ever mounted read-only.
	_, err = command.Run(ctx, "mkfs.ext4", "-q", "-F", "-L", "root", "-U", id("fs"), "-m", "0",
		"-O", "^has_journal,^metadata_csum,^64bit",
		"-E", "lazy_itable_init=1,nodiscard,root_owner=0:0,offset="+strconv.Itoa(diskAlign),
		"-N", strconv.Itoa(files+files/10+1000), "-b", "4096", "-d", root, path, strconv.FormatInt(size/1024, 10)+"k")
	return err
}

func usage(root string) (bytes int64, files int, err error) {
	err = filepath.WalkDir(root, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		files++
		info, err := d.Info()
		if err != nil {
			return err
		}
		bytes += (info.Size() + 4095) / 4096 * 4096
		return nil
	})
	return bytes, files, err
}
