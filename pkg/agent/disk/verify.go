package disk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
)

// verify reads back what was written.
func (j *job) verify(ctx context.Context) error {
	if err := partitioned(j.Disk.Path); err != nil {
		return err
	}
	p, err := j.partition(ctx, "boot")
	if err != nil {
		j.say("warning: the Ignition config on %s was not read back: %v", j.Disk.Path, err)
		return nil
	}
	return j.compare(ctx, p.path)
}

// partition is one of the system's own.
type partition struct {
	path, name string
	number     int
}

// partition returns the partition of the disk with a name. It asks for what is on the disk
// now: udev may still know what was there before.
func (j *job) partition(ctx context.Context, name string) (partition, error) {
	devices, err := j.devices(ctx)
	if err != nil {
		return partition{}, err
	}
	for _, d := range devices {
		if d.kind != "part" {
			continue
		}
		lines, err := Output(ctx, j.Runner, "blkid", "--probe", "--output", "export", d.path)
		if err != nil {
			continue // there is nothing on it
		}
		if p := parsePartition(lines); p.name == name && p.number > 0 {
			p.path = d.path
			return p, nil
		}
	}
	return partition{}, fmt.Errorf("%s has no partition called %s", j.Disk.Path, name)
}

// parsePartition reads lines such as PART_ENTRY_NAME=boot.
func parsePartition(lines []string) partition {
	var p partition
	for _, l := range lines {
		switch key, value, _ := strings.Cut(l, "="); key {
		case "PART_ENTRY_NAME":
			p.name = value
		case "PART_ENTRY_NUMBER":
			if n, err := strconv.Atoi(value); err == nil && n > 0 {
				p.number = n
			}
		}
	}
	return p
}

// partitioned finds out whether a disk begins with a partition table: of GPT, with sectors of
// either size, or of DOS.
func partitioned(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("read back the partition table: %w", err)
	}
	defer f.Close()
	b := make([]byte, 4096+8)
	if _, err := io.ReadFull(f, b); err != nil {
		return fmt.Errorf("read back the partition table of %s: %w", path, err)
	}
	const dosTable, dosEnd = 446, 510
	gpt := []byte("EFI PART")
	dos := b[dosEnd] == 0x55 && b[dosEnd+1] == 0xaa && !bytes.Equal(b[dosTable:dosEnd], make([]byte, dosEnd-dosTable))
	if !dos && !bytes.HasPrefix(b[512:], gpt) && !bytes.HasPrefix(b[4096:], gpt) {
		return fmt.Errorf("coreos-installer reported success, and %s has no partition table", path)
	}
	return nil
}

// compare mounts the boot partition, which has the Ignition config.
func (j *job) compare(ctx context.Context, partition string) error {
	want, err := readIgnition(j.Ignition)
	if err != nil {
		return err
	}
	err = mounted(ctx, j.Runner, partition, "ro", func(dir string) error {
		got, err := readIgnition(filepath.Join(dir, "ignition", "config.ign"))
		if err != nil {
			return fmt.Errorf("read back from %s: %w", partition, err)
		}
		if !bytes.Equal(got, want) {
			return fmt.Errorf("the Ignition config on %s is not the one that was written", partition)
		}
		return nil
	})
	if errors.As(err, new(mountError)) {
		j.say("warning: the Ignition config on %s was not read back: %v", partition, err)
		return nil
	}
	return err
}

// mountError is why a file system could not be mounted.
type mountError struct{ error }

func (m mountError) Unwrap() error { return m.error }

// mounted does something with a file system.
func mounted(ctx context.Context, r Runner, partition, options string, do func(dir string) error) (err error) {
	dir, err := os.MkdirTemp("", "okd-agent-boot")
	if err != nil {
		return fmt.Errorf("mount %s: %w", partition, err)
	}
	defer os.Remove(dir)
	if err := r.Run(ctx, nil, "mount", "--options", options, partition, dir); err != nil {
		return mountError{err}
	}
	defer func() {
		// Mounted, the disk would be in use for the next try.
		if e := r.Run(context.WithoutCancel(ctx), nil, "umount", dir); e != nil {
			err = errors.Join(err, e)
		}
	}()
	return do(dir)
}

// bootName is the name of the firmware's entry for the disk.
const bootName = "OKD node"

// bootFirst lets the firmware start from the disk next time, and not from the medium. A host
// whose firmware refuses that is written nevertheless, so it warns.
func (j *job) bootFirst(ctx context.Context) {
	if !j.UEFI {
		return
	}
	if err := j.addBootEntry(ctx); err != nil {
		j.say("warning: the firmware's boot order was not changed: %v; if the host boots the medium again, "+
			"remove the medium, or put the disk first in the boot order", err)
	}
}

func (j *job) addBootEntry(ctx context.Context) error {
	entries, err := Output(ctx, j.Runner, "efibootmgr")
	if err != nil {
		return err
	}
	esp, err := j.partition(ctx, "EFI-SYSTEM")
	if err != nil {
		return err
	}
	// One entry is enough, however often the host is installed: firmware has room for few.
	for _, number := range bootEntries(entries, bootName) {
		if err := j.Runner.Run(ctx, nil, "efibootmgr", "--bootnum", number, "--delete-bootnum"); err != nil {
			return err
		}
	}
	loader := `\EFI\BOOT\BOOTX64.EFI`
	if runtime.GOARCH == "arm64" {
		loader = `\EFI\BOOT\BOOTAA64.EFI`
	}
	// A new entry becomes the first.
	return j.Runner.Run(ctx, nil, "efibootmgr", "--create", "--disk", j.Disk.Path, "--part", strconv.Itoa(esp.number),
		"--label", bootName, "--loader", loader)
}

// bootEntry is a line such as "Boot0003* OKD node", which newer versions follow with a tab and
// the path of the device.
var bootEntry = regexp.MustCompile(`^Boot([0-9A-Fa-f]{4})[* ] ?(.*)$`)

// bootEntries are the numbers of the entries with a name.
func bootEntries(lines []string, name string) []string {
	var out []string
	for _, l := range lines {
		m := bootEntry.FindStringSubmatch(l)
		if m == nil {
			continue
		}
		if label, _, _ := strings.Cut(m[2], "\t"); strings.TrimSpace(label) == name {
			out = append(out, m[1])
		}
	}
	return out
}
