package host

import (
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// adapter is the host bus adapter, with all disks behind it.
const (
	adapter     = "0000:03:00.0"
	adapterPath = sysDir + "/devices/pci0000:00/0000:00:02.0/" + adapter
)

// storage describes the disks and the drive for media. Only these are seen, none
// of the lab's computer.
func (t *tree) storage(v View) {
	for _, dir := range []string{
		"block", "class/block", "class/scsi_host", "dev/block", "bus/pci/devices", "devices/pci0000:00",
	} {
		t.instead(sysDir + "/" + dir)
	}
	t.dir(udevDir + "/data")
	t.dir(diskDir + "/by-id")
	t.dir(diskDir + "/by-path")
	t.files(adapterPath, map[string]string{"vendor": "0x1000", "device": "0x0097", "class": "0x010700"})
	t.link(sysDir+"/bus/pci/devices/"+adapter, adapterPath)
	for i, d := range v.Disks {
		if i < len(v.Nodes) {
			t.disk(DiskName(i), d, v.Nodes[i])
		}
	}
	for i, o := range v.Opticals {
		t.optical(i, o)
	}
}

// scsi is one device behind the adapter.
type scsi struct {
	name, hctl          string
	node                Node
	size                int64
	block               int // logical
	vendor, model, rev  string
	kind                string // SCSI's number of the type
	removable, readOnly bool
	rotational          bool
	links               []string          // below /dev/disk
	properties          map[string]string // of udev
	serial, wwid        string
}

func (t *tree) disk(name string, d Disk, node Node) {
	wwn := strings.TrimPrefix(d.WWN, "0x")
	model := strings.ReplaceAll(d.Model, " ", "_")
	path := "pci-" + adapter + "-scsi-" + d.HCTL
	id := "3" + wwn
	t.device(scsi{
		name: name, hctl: d.HCTL, node: node, size: d.Size, block: 512, vendor: d.Vendor, model: d.Model, rev: "1.04",
		kind: "0", rotational: d.Rotational, serial: d.Serial, wwid: "naa." + wwn,
		links: []string{
			"by-id/scsi-" + id, "by-id/wwn-" + d.WWN, "by-id/scsi-S" + d.Vendor + "_" + model + "_" + d.Serial,
			"by-path/" + path,
		},
		properties: map[string]string{
			"ID_BUS": "scsi", "ID_TYPE": "disk", "ID_SCSI": "1", "ID_MODEL": model, "ID_VENDOR": d.Vendor,
			"ID_MODEL_ENC": encoded(d.Model), "ID_VENDOR_ENC": encoded(d.Vendor), "ID_REVISION": "1.04",
			"ID_SERIAL": id, "ID_SERIAL_SHORT": wwn, "ID_SCSI_SERIAL": d.Serial,
			"SCSI_IDENT_SERIAL": d.Serial, "ID_WWN": d.WWN, "ID_WWN_WITH_EXTENSION": d.WWN, "ID_PATH": path,
			"ID_PATH_TAG": strings.NewReplacer(":", "_", ".", "_").Replace(path),
		},
	})
}

func (t *tree) optical(index int, o Optical) {
	hctl := fmt.Sprintf("15:0:%d:0", index)
	path := "pci-" + adapter + "-scsi-" + hctl
	links := []string{"by-path/" + path}
	if index == 0 {
		links = append(links, "by-id/scsi-0Virtual_CDROM")
	}
	properties := map[string]string{
		"ID_BUS": "scsi", "ID_TYPE": "cd", "ID_CDROM": "1", "ID_CDROM_DVD": "1", "ID_CDROM_MEDIA": "1",
		"ID_MODEL": "Virtual_CDROM", "ID_MODEL_ENC": encoded("Virtual CDROM"), "ID_VENDOR": "LABBMC",
		"ID_PATH": path, "ID_FS_TYPE": "iso9660",
		"ID_FS_USAGE": "filesystem",
	}
	if o.Label != "" {
		links = append(links, "by-label/"+o.Label)
		properties["ID_FS_LABEL"] = o.Label
		properties["ID_FS_LABEL_ENC"] = o.Label
	}
	t.device(scsi{
		name: o.Name, hctl: hctl, node: o.Node, size: o.Size, block: 2048, vendor: "LABBMC",
		model: "Virtual CDROM", rev: "1.00", kind: "5", removable: true, readOnly: true, rotational: true,
		links: links, properties: properties,
	})
}

// device writes what Linux shows of a SCSI device.
func (t *tree) device(d scsi) {
	number := fmt.Sprintf("%d:%d", d.node.Major, d.node.Minor)
	c := strings.Split(d.hctl, ":")
	at := fmt.Sprintf("%s/host%s/target%s/%s", adapterPath, c[0], strings.Join(c[:3], ":"), d.hctl)
	block := at + "/block/" + d.name
	t.files(at, map[string]string{
		"vendor": fmt.Sprintf("%-8s", d.vendor), "model": fmt.Sprintf("%-16.16s", d.model), "rev": d.rev, "type": d.kind,
		"state": "running", "scsi_level": "7", "queue_depth": "64", "device_blocked": "0",
		"uevent": "DEVTYPE=scsi_device\nDRIVER=sd\nMODALIAS=scsi:t-0x0" + d.kind,
	})
	if d.serial != "" {
		t.file(at+"/wwid", d.wwid)
		t.raw(at+"/vpd_pg80", append([]byte{0, 0x80, 0, byte(len(d.serial))}, d.serial...), 0o444)
		name, _ := hex.DecodeString(strings.TrimPrefix(d.wwid, "naa.")) // checked with the disk
		t.raw(at+"/vpd_pg83", append([]byte{0, 0x83, 0, byte(4 + len(name)), 0x61, 0x03, 0, byte(len(name))}, name...), 0o444)
	}
	t.files(block, map[string]string{
		"size": fmt.Sprint(d.size / 512), "ro": flag(d.readOnly), "removable": flag(d.removable), "dev": number,
		"hidden": "0", "range": "16", "ext_range": "256", "alignment_offset": "0", "discard_alignment": "0",
		"capability": "0", "inflight": "       0        0",
		"stat":   strings.Repeat("        0", 17),
		"uevent": fmt.Sprintf("MAJOR=%d\nMINOR=%d\nDEVNAME=%s\nDEVTYPE=disk", d.node.Major, d.node.Minor, d.name),
	})
	t.files(block+"/queue", map[string]string{
		"rotational": flag(d.rotational), "logical_block_size": fmt.Sprint(d.block),
		"physical_block_size": fmt.Sprint(d.block),
		"hw_sector_size":      fmt.Sprint(d.block), "minimum_io_size": fmt.Sprint(d.block), "optimal_io_size": "0",
		"discard_granularity": "0", "discard_max_bytes": "0", "write_same_max_bytes": "0", "zoned": "none",
		"scheduler": "[mq-deadline] none", "nr_requests": "64", "read_ahead_kb": "128", "max_sectors_kb": "1280",
		"add_random": "0", "dax": "0", "fua": "0", "write_cache": "write back",
	})
	t.dir(block + "/holders")
	t.dir(block + "/slaves")
	t.symlink(block+"/device", "../../../"+d.hctl)
	t.link(block+"/subsystem", sysDir+"/class/block")
	t.link(at+"/subsystem", sysDir+"/bus/scsi")
	for _, link := range []string{"block/" + d.name, "class/block/" + d.name, "dev/block/" + number} {
		t.link(sysDir+"/"+link, block)
	}
	t.udev(number, d)
}

// udev writes the record of a device in udev's data base, and the links below
// /dev/disk.
func (t *tree) udev(number string, d scsi) {
	var b strings.Builder
	for _, link := range d.links {
		fmt.Fprintf(&b, "S:disk/%s\n", link)
		t.symlink(diskDir+"/"+link, "../../"+d.name)
	}
	b.WriteString("I:1000000\n")
	for _, key := range slices.Sorted(maps.Keys(d.properties)) {
		fmt.Fprintf(&b, "E:%s=%s\n", key, d.properties[key])
	}
	b.WriteString("G:systemd\nQ:systemd\nV:1")
	t.file(udevDir+"/data/b"+number, b.String())
}

// encoded is a text as udev writes it where blanks count.
func encoded(text string) string { return strings.ReplaceAll(text, " ", `\x20`) }

func flag(on bool) string {
	if on {
		return "1"
	}
	return "0"
}

// network puts the cards on the bus. What the kernel shows of them is mounted
// into the directories that are made here.
func (t *tree) network(v View) {
	for i, name := range v.NICs {
		slot := fmt.Sprintf("0000:01:%02x.0", i)
		at := sysDir + "/devices/pci0000:00/0000:00:01.0/" + slot
		t.files(at, map[string]string{
			"vendor": "0x8086", "device": "0x1521", "class": "0x020000", "numa_node": "-1",
			"uevent": "DRIVER=igb\nPCI_CLASS=20000\nPCI_ID=8086:1521\nPCI_SLOT_NAME=" + slot,
		})
		t.link(sysDir+"/bus/pci/devices/"+slot, at)
		t.link(at+"/driver", sysDir+"/bus/pci/drivers/igb")
		t.dir(sysDir + "/bus/pci/drivers/igb")
		t.dir(at + "/net/" + name)
		t.symlink(nicDir+"/"+name+"/device", "../../../"+slot)
		t.link(sysDir+"/class/net/"+name, at+"/net/"+name)
	}
}
