package inventory

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/agent"
)

// liveMount is where a live system of CoreOS has its medium.
const liveMount = "/run/media/iso"

// uses says what block devices are used for: by their number, such as 8:1, and by their name,
// because file systems such as btrfs show a number of their own.
type uses struct{ byNumber, byName map[string]string }

// uses reads which devices are mounted, or are swap.
func (t tree) uses() (uses, error) {
	u := uses{byNumber: map[string]string{}, byName: map[string]string{}}
	b, err := t.read("proc/self/mountinfo")
	if err != nil {
		// Without it nothing is known to be free.
		return u, fmt.Errorf("find out which disks are mounted: %w", err)
	}
	for _, m := range parseMounts(b) {
		why := "mounted at " + m.at
		if m.at == liveMount {
			why = "the live system was started from it"
		}
		u.byNumber[m.number] = why
		if name, ok := strings.CutPrefix(m.source, "/dev/"); ok {
			u.byName[filepath.Base(name)] = why
			if to := t.target("dev/" + name); to != "" { // as in /dev/mapper
				u.byName[to] = why
			}
		}
	}
	b, err = t.read("proc/swaps")
	if err != nil {
		return u, nil // a kernel without swap
	}
	for _, fields := range lines(b) {
		if name, ok := strings.CutPrefix(fields[0], "/dev/"); ok {
			u.byName[filepath.Base(name)] = "used as swap"
		}
	}
	return u, nil
}

// mount is a line of mountinfo.
type mount struct{ number, at, source string }

// parseMounts reads mountinfo, see proc_pid_mountinfo(5): number, parent, device, root, mount
// point, options, optional fields, a hyphen, type, source, more options.
func parseMounts(b []byte) []mount {
	var out []mount
	for _, f := range lines(b) {
		hyphen := slices.Index(f, "-")
		if hyphen < 6 || len(f) < hyphen+3 {
			continue
		}
		out = append(out, mount{number: f[2], at: unescape(f[4]), source: unescape(f[hyphen+2])})
	}
	return out
}

// unescape replaces what mountinfo has for white space and backslashes.
var unescape = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace

// mediumLabel is the label of the file system that the live system was started from.
func (t tree) mediumLabel() string {
	for word := range strings.FieldsSeq(t.text("proc/cmdline")) {
		if label, ok := strings.CutPrefix(word, "coreos.liveiso="); ok {
			return label
		}
	}
	return ""
}

// unusable says why the disk cannot be installed to. Volume groups and arrays on it that
// nothing uses are no reason: they are what the installation overwrites.
func (t tree) unusable(d agent.Disk, used uses, medium string) string {
	at := "sys/block/" + d.Name + "/"
	why := t.used(at, used, medium, 0)
	switch {
	case why != "":
		return why
	case strings.HasPrefix(d.Name, "sr") || t.udev(at).first("ID_CDROM") == "1":
		return "a CD or DVD drive"
	case d.Removable:
		return "removable medium"
	case t.text(at+"ro") == "1":
		return "read-only"
	case d.SizeBytes == 0:
		return "has no medium: its size is 0"
	case d.SizeBytes < least:
		return "smaller than 1 MiB"
	}
	return ""
}

// maxDepth bounds the layers of devices on a disk.
const maxDepth = 8

// used says what a device, its partitions and the devices made of them are used for.
func (t tree) used(at string, u uses, medium string, depth int) string {
	if depth > maxDepth {
		return "more than eight layers of devices are on it"
	}
	name := filepath.Base(at)
	if why := u.byNumber[t.text(at+"dev")]; why != "" {
		return why
	}
	if why := u.byName[name]; why != "" {
		return why
	}
	if why := u.byName[t.text(at+"dm/name")]; why != "" {
		return why
	}
	if strings.HasPrefix(t.text(at+"dm/uuid"), "mpath-") {
		return "a path of multipath device " + t.text(at+"dm/name")
	}
	if medium != "" && medium == decodeHex(t.udev(at).first("ID_FS_LABEL_ENC", "ID_FS_LABEL")) {
		return "the live system was started from it"
	}
	for _, child := range t.list(at) {
		if t.exists(at + child + "/partition") {
			if why := t.used(at+child+"/", u, medium, depth+1); why != "" {
				return why
			}
		}
	}
	for _, holder := range t.list(at + "holders") {
		// The link itself leads through /sys/devices; the same device is in /sys/block.
		if why := t.used("sys/block/"+holder+"/", u, medium, depth+1); why != "" {
			return why
		}
	}
	return ""
}
