package inventory

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/agent"
)

// sector is the unit of sizes in sysfs, whatever the disk's own is.
const sector = 512

// least is the size of the smallest disk that is worth a look.
const least = 1 << 20

// notDisks are the beginnings of names of block devices that are no disks of the host: made
// by the kernel, or made of disks.
var notDisks = []string{"loop", "zram", "ram", "md", "dm-", "fd"}

// disks are the disks of the host in the order of their names.
func (t tree) disks(ctx context.Context) ([]agent.Disk, error) {
	if !t.exists("sys/block") {
		return nil, fmt.Errorf("list the disks: %s does not exist", t.path("sys/block"))
	}
	used, err := t.uses()
	if err != nil {
		return nil, err
	}
	byPath := t.linksTo("dev/disk/by-path")
	byID := t.linksTo("dev/disk/by-id")
	medium := t.mediumLabel()
	disks := []agent.Disk{}
	for _, name := range t.list("sys/block") {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		isPrefix := func(p string) bool { return strings.HasPrefix(name, p) }
		// Paths of an NVMe disk that the kernel joins, such as nvme0c1n1, have no device file.
		if slices.ContainsFunc(notDisks, isPrefix) || t.text("sys/block/"+name+"/hidden") == "1" {
			continue
		}
		disks = append(disks, t.disk(name, used, byPath[name], byID[name], medium))
	}
	slices.SortFunc(disks, func(a, b agent.Disk) int {
		return cmp.Or(cmp.Compare(len(a.Name), len(b.Name)), strings.Compare(a.Name, b.Name)) // sdz, sdaa
	})
	return disks, nil
}

func (t tree) disk(name string, used uses, byPath, byID []string, medium string) agent.Disk {
	at := "sys/block/" + name + "/"
	dev := t.udev(at)
	for _, l := range dev.links {
		switch l = "/dev/" + l; {
		case strings.HasPrefix(l, "/dev/disk/by-path/"):
			byPath = append(byPath, l)
		case strings.HasPrefix(l, "/dev/disk/by-id/"):
			byID = append(byID, l)
		}
	}
	slices.Sort(byPath)
	byPath = slices.Compact(byPath)
	d := agent.Disk{
		Name: name, Path: "/dev/" + name, Links: byPath, ByID: bestID(byID),
		Model:      cmp.Or(t.text(at+"device/model"), dev.text("ID_MODEL")),
		Vendor:     cmp.Or(vendor(t.text(at+"device/vendor")), dev.text("ID_VENDOR")),
		Serial:     t.serial(at, dev),
		WWN:        t.wwn(at, dev),
		SizeBytes:  t.number(at+"size") * sector,
		Rotational: t.text(at+"queue/rotational") == "1",
		Removable:  t.text(at+"removable") == "1",
	}
	if len(byPath) > 0 {
		d.ByPath = byPath[0]
	}
	if hctl := t.target(at + "device"); address.MatchString(hctl) {
		d.HCTL = hctl
	}
	d.Unusable = t.unusable(d, used, medium)
	return d
}

// udev returns udev's entry of a block device, which is named after its number.
func (t tree) udev(at string) device {
	number := t.text(at + "dev")
	if number == "" || strings.ContainsAny(number, "/") {
		return device{}
	}
	b, err := t.read("run/udev/data/b" + number)
	if err != nil {
		return device{} // no udev
	}
	return parseDevice(b)
}

// vendor drops the numbers of PCI that virtio disks have instead of a name.
func vendor(s string) string {
	if strings.HasPrefix(s, "0x") {
		return ""
	}
	return s
}

// serial prefers what is printed on the disk: ID_SERIAL may be a world wide name or begin
// with the model.
func (t tree) serial(at string, dev device) string {
	page, err := t.read(at + "device/vpd_pg80")
	if err != nil {
		page = nil
	}
	return cmp.Or(
		dev.first("ID_SCSI_SERIAL", "ID_SERIAL_SHORT"),
		t.text(at+"device/serial"), // NVMe
		t.text(at+"serial"),        // virtio
		parseUnitSerial(page),
		dev.first("ID_SERIAL"),
	)
}

func (t tree) wwn(at string, dev device) string {
	return cmp.Or(
		dev.first("ID_WWN_WITH_EXTENSION", "ID_WWN"),
		wwnOf(t.text(at+"device/wwid")),
		wwnOf(t.text(at+"wwid")), // NVMe
	)
}

// idOrder are the kinds of names in /dev/disk/by-id, the best first.
var idOrder = []string{"wwn-", "nvme-", "scsi-", "ata-", "virtio-"}

func bestID(links []string) string {
	slices.Sort(links)
	for _, kind := range idOrder {
		for _, l := range links {
			if strings.HasPrefix(filepath.Base(l), kind) {
				return l
			}
		}
	}
	if len(links) > 0 {
		return links[0]
	}
	return ""
}

// linksTo returns the symbolic links in a directory, by the name of the device.
func (t tree) linksTo(dir string) map[string][]string {
	out := map[string][]string{}
	for _, name := range t.list(dir) {
		if to := t.target(dir + "/" + name); to != "" {
			out[to] = append(out[to], "/"+dir+"/"+name)
		}
	}
	return out
}
