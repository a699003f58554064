// Package inventory reads the hardware of a host: from sysfs, from udev's database and from
// /proc below a directory, so that tests have trees of their own. It asks no program and
// changes nothing.
package inventory

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/okd-install/okd-install/pkg/agent"
)

// maxFile bounds what is read of one file; the largest is the list of mounts.
const maxFile = 4 << 20

// Read returns what the host has. The root is "/", except in tests; only there the addresses
// of network interfaces are known.
func Read(ctx context.Context, root string) (agent.Inventory, error) {
	var known []link
	if filepath.Clean(root) == "/" {
		var err error
		if known, err = systemLinks(); err != nil {
			return agent.Inventory{}, err
		}
	}
	return read(ctx, tree{root}, known)
}

func read(ctx context.Context, t tree, known []link) (agent.Inventory, error) {
	inv := agent.Inventory{
		UUID:         strings.ToLower(t.text("sys/class/dmi/id/product_uuid")),
		Vendor:       t.text("sys/class/dmi/id/sys_vendor"),
		Product:      t.text("sys/class/dmi/id/product_name"),
		Serial:       t.text("sys/class/dmi/id/product_serial"),
		Hostname:     t.text("proc/sys/kernel/hostname"),
		Architecture: architecture(),
		UEFI:         t.exists("sys/firmware/efi"),
	}
	var err error
	if inv.CPUs, err = t.cpus(); err != nil {
		return inv, err
	}
	if inv.MemoryMiB, err = t.memory(); err != nil {
		return inv, err
	}
	if inv.NICs, err = t.nics(known); err != nil {
		return inv, err
	}
	if inv.Gateways, err = t.gateways(); err != nil {
		return inv, err
	}
	if inv.Disks, err = t.disks(ctx); err != nil {
		return inv, err
	}
	inv.ID, err = hostID(inv.UUID, inv.NICs)
	return inv, err
}

// sharedUUIDs are those that vendors ship on whole series of boards, apart from those of one
// repeated digit.
var sharedUUIDs = []string{
	"03000200-0400-0500-0006-000700080009",
	"00020003-0004-0005-0006-000700080009",
	"12345678-1234-5678-90ab-cddeefaabbcc",
	"fefefefe-fefe-fefe-fefe-fefefefefefe",
}

// hostID is the first half of the SHA-256 sum of the system's UUID, a line feed and the lowest
// MAC address of its cards, in hexadecimal digits. Both are the same after every boot. A UUID
// that is none of this host's own counts as empty.
//
// Of a host without any card all interfaces count.
func hostID(uuid string, nics []agent.NIC) (string, error) {
	var macs, all []string
	for _, n := range nics {
		if n.MAC == "" {
			continue
		}
		all = append(all, n.MAC)
		if n.Physical {
			macs = append(macs, n.MAC)
		}
	}
	if len(macs) == 0 {
		macs = all
	}
	if !ownUUID(uuid) {
		uuid = ""
	}
	if uuid == "" && len(macs) == 0 {
		return "", errors.New("the host has neither a network card nor a UUID of its own in " +
			"/sys/class/dmi/id/product_uuid, so that nothing tells it from other hosts")
	}
	lowest := ""
	if len(macs) > 0 {
		lowest = slices.Min(macs)
	}
	sum := sha256.Sum256([]byte(uuid + "\n" + lowest))
	return hex.EncodeToString(sum[:16]), nil
}

// ownUUID reports whether a UUID can be of this host only.
func ownUUID(uuid string) bool {
	digits := strings.ReplaceAll(uuid, "-", "")
	if len(digits) != 32 || slices.Contains(sharedUUIDs, uuid) {
		return false
	}
	return strings.Trim(digits, digits[:1]) != ""
}

// architecture is that of the host in the words of images.
func architecture() string {
	switch runtime.GOARCH {
	case "amd64":
		return "x86_64"
	case "arm64":
		return "aarch64"
	}
	return runtime.GOARCH
}

// cpus counts the processors that are online.
func (t tree) cpus() (int, error) {
	if list := t.text("sys/devices/system/cpu/online"); list != "" {
		if n, err := countList(list); err == nil {
			return n, nil
		}
	}
	b, err := t.read("proc/cpuinfo")
	if err != nil {
		return 0, fmt.Errorf("count the CPUs: %w", err)
	}
	n := 0
	for line := range strings.Lines(string(b)) {
		if key, _, _ := strings.Cut(line, ":"); strings.TrimSpace(key) == "processor" {
			n++
		}
	}
	if n == 0 {
		return 0, errors.New("count the CPUs: /proc/cpuinfo has none")
	}
	return n, nil
}

// maxCPUs is more than any kernel is built for.
const maxCPUs = 1 << 16

// countList counts the numbers of a list of the kernel, such as 0-3,8.
func countList(list string) (int, error) {
	n := 0
	for part := range strings.SplitSeq(list, ",") {
		low, high, isRange := strings.Cut(part, "-")
		if !isRange {
			high = low
		}
		a, errA := strconv.Atoi(low)
		b, errB := strconv.Atoi(high)
		if errA != nil || errB != nil || a < 0 || b < a || b >= maxCPUs {
			return 0, fmt.Errorf("%q is not a list of numbers", list)
		}
		n += b - a + 1
	}
	return n, nil
}

// memory is the size of the installed memory in MiB: MemTotal lacks what firmware and kernel
// have reserved, so that a host with 16 GiB would seem to have less.
func (t tree) memory() (int, error) {
	size, err := strconv.ParseUint(t.text("sys/devices/system/memory/block_size_bytes"), 16, 48)
	if err == nil && size >= 1<<20 {
		blocks := 0
		for _, name := range t.list("sys/devices/system/memory") {
			if strings.HasPrefix(name, "memory") && t.text("sys/devices/system/memory/"+name+"/online") == "1" {
				blocks++
			}
		}
		if blocks > 0 {
			return blocks * int(size>>20), nil
		}
	}
	b, err := t.read("proc/meminfo")
	if err != nil {
		return 0, fmt.Errorf("read the size of the memory: %w", err)
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "MemTotal:"); ok {
			kib, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(rest), " kB"))
			if err != nil {
				return 0, fmt.Errorf("read the size of the memory in /proc/meminfo: %w", err)
			}
			return kib / 1024, nil
		}
	}
	return 0, errors.New("read the size of the memory: /proc/meminfo has no MemTotal")
}

// tree is a file system of a host below a directory.
type tree struct{ root string }

func (t tree) path(name string) string { return filepath.Join(t.root, name) }

func (t tree) exists(name string) bool {
	_, err := os.Stat(t.path(name))
	return err == nil
}

// read returns the bounded content of a file.
func (t tree) read(name string) ([]byte, error) {
	f, err := os.Open(t.path(name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(b) > maxFile {
		err = fmt.Errorf("%s has more than %d MiB", f.Name(), maxFile>>20)
	}
	return b, err
}

// text returns the only line of a file, trimmed, or an empty string: drivers lack attributes,
// and reading some is an error.
func (t tree) text(name string) string {
	b, err := t.read(name)
	if err != nil {
		return ""
	}
	return clean(b)
}

// clean returns what is readable of a name that a device has for itself.
func clean(b []byte) string {
	b, _, _ = bytes.Cut(b, []byte{0})
	s := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\uFFFD' {
			return ' '
		}
		return r
	}, string(b))
	return strings.Join(strings.Fields(s), " ")
}

func (t tree) number(name string) int64 {
	n, err := strconv.ParseInt(t.text(name), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// list returns the sorted names in a directory, none if there is no such directory.
func (t tree) list(name string) []string {
	entries, err := os.ReadDir(t.path(name))
	if err != nil {
		return nil
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names
}

// target returns the last part of what a symbolic link points to.
func (t tree) target(name string) string {
	to, err := os.Readlink(t.path(name))
	if err != nil {
		return ""
	}
	return filepath.Base(to)
}

// lines are the fields of each line of a table.
func lines(b []byte) [][]string {
	var out [][]string
	s := bufio.NewScanner(bytes.NewReader(b))
	s.Buffer(nil, maxFile)
	for s.Scan() {
		if fields := strings.Fields(s.Text()); len(fields) > 0 {
			out = append(out, fields)
		}
	}
	return out
}
