package inventory

import (
	"context"
	"slices"
	"testing"

	"github.com/okd-install/okd-install/pkg/agent"
)

func TestUnusable(t *testing.T) {
	const mounts = "22 1 0:20 / / rw - overlay overlay rw\n"
	for name, c := range map[string]struct {
		changes map[string]string
		want    string
	}{
		"usable": {nil, ""},
		"mounted": {map[string]string{"proc/self/mountinfo": mounts + "30 22 8:0 / /mnt/a\\040b rw - xfs /dev/x " +
			"rw\n"}, "mounted at /mnt/a b"},
		"partition mounted": {map[string]string{
			"sys/block/sda/sda1/partition": "1\n", "sys/block/sda/sda1/dev": "8:1\n",
			"proc/self/mountinfo": mounts + "30 22 8:1 / /var/mnt rw shared:1 - xfs /dev/root rw\n",
		}, "mounted at /var/mnt"},
		"btrfs mounted": {map[string]string{
			"sys/block/sda/sda1/partition": "1\n", "sys/block/sda/sda1/dev": "8:1\n",
			"proc/self/mountinfo": mounts + "30 22 0:44 /root /mnt rw - btrfs /dev/sda1 rw\n",
		}, "mounted at /mnt"},
		"medium": {map[string]string{
			"proc/self/mountinfo": mounts + "30 22 8:0 / /run/media/iso ro - iso9660 /dev/sda ro\n",
		}, "the live system was started from it"},
		"medium, not mounted": {map[string]string{
			"proc/cmdline":       "ignition.firstboot coreos.liveiso=fedora-coreos-42 quiet\n",
			"run/udev/data/b8:0": "E:ID_FS_LABEL=fedora-coreos-42\n",
		}, "the live system was started from it"},
		"volume mounted": {map[string]string{
			"sys/block/sda/holders/dm-0": "->../../dm-0", "sys/block/dm-0/dev": "253:0\n",
			"sys/block/dm-0/dm/name": "vg-data\n", "proc/self/mountinfo": mounts + "30 22 0:50 / /d rw - btrfs " +
				"/dev/mapper/vg-data rw\n",
		}, "mounted at /d"},
		"volume not mounted": {map[string]string{
			"sys/block/sda/holders/dm-0": "->../../dm-0", "sys/block/dm-0/dev": "253:0\n",
			"sys/block/dm-0/dm/name": "vg-data\n", "sys/block/dm-0/dm/uuid": "LVM-abc\n",
		}, ""},
		"multipath": {map[string]string{
			"sys/block/sda/holders/dm-0": "->../../dm-0", "sys/block/dm-0/dm/name": "mpatha\n",
			"sys/block/dm-0/dm/uuid": "mpath-3600\n",
		}, "a path of multipath device mpatha"},
		"swap":      {map[string]string{"proc/swaps": "Filename Type\n/dev/sda partition 1 0 -2\n"}, "used as swap"},
		"read-only": {map[string]string{"sys/block/sda/ro": "1\n"}, "read-only"},
		"removable": {map[string]string{"sys/block/sda/removable": "1\n"}, "removable medium"},
		"drive":     {map[string]string{"run/udev/data/b8:0": "E:ID_CDROM=1\n"}, "a CD or DVD drive"},
		"empty":     {map[string]string{"sys/block/sda/size": "0\n"}, "has no medium: its size is 0"},
		"tiny":      {map[string]string{"sys/block/sda/size": "2047\n"}, "smaller than 1 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			disks, err := fixture(t, c.changes).disks(context.Background())
			if err != nil || len(disks) != 1 || disks[0].Unusable != c.want {
				t.Errorf("got %+v, %v; want %q", disks, err, c.want)
			}
		})
	}
}

func TestDiskSources(t *testing.T) {
	disks, err := fixture(t, map[string]string{
		"run/udev/data/b8:0": "S:disk/by-path/pci-0000:00:17.0-ata-1.0\nS:disk/by-id/scsi-1\nE:ID_SCSI_SERIAL=S1\n" +
			"E:ID_SERIAL_SHORT=5000c500\nE:ID_WWN=0x5000c500\nE:ID_WWN_WITH_EXTENSION=0x5000c500aa\n",
		"sys/block/nvme0n1/dev": "259:0\n", "sys/block/nvme0n1/size": "4096\n",
		"sys/block/nvme0n1/wwid": "eui.0025385b71b12345\n", "sys/block/nvme0n1/device/serial": "S4EW  \n",
		"sys/block/nvme0n1/device/model": "Samsung SSD 980\n",
		"sys/block/vda/serial":           "disk-1\n", "sys/block/vda/size": "4096\n",
		"sys/block/vda/device/vendor": "0x1af4\n",
		"sys/block/sdaa/size":         "4096\n", "sys/block/sdaa/dev": "65:160\n",
		"run/udev/data/b65:160":      "E:ID_MODEL_ENC=QEMU\\x20HARDDISK\\x20\nE:ID_VENDOR=QEMU\nE:ID_SERIAL=0QEMU\n",
		"sys/block/nvme0c0n1/hidden": "1\n",
	}).disks(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	byName := map[string]agent.Disk{}
	for _, d := range disks {
		names = append(names, d.Name)
		byName[d.Name] = d
	}
	if want := []string{"sda", "vda", "sdaa", "nvme0n1"}; !slices.Equal(names, want) {
		t.Fatalf("got %v, want %v", names, want)
	}
	sda := byName["sda"]
	if sda.Serial != "S1" || sda.WWN != "0x5000c500aa" || len(sda.Links) != 2 ||
		sda.ByPath != "/dev/disk/by-path/pci-0000:00:17.0-ata-1" || sda.ByID != "/dev/disk/by-id/wwn-0x5000c500a1b2c3d4" {
		t.Errorf("sda is %+v", sda)
	}
	if d := byName["nvme0n1"]; d.Serial != "S4EW" || d.WWN != "eui.0025385b71b12345" || d.Model != "Samsung SSD 980" {
		t.Errorf("nvme0n1 is %+v", d)
	}
	if d := byName["vda"]; d.Serial != "disk-1" || d.Vendor != "" {
		t.Errorf("vda is %+v", d)
	}
	if d := byName["sdaa"]; d.Model != "QEMU HARDDISK" || d.Vendor != "QEMU" || d.Serial != "0QEMU" {
		t.Errorf("sdaa is %+v", d)
	}
}

func TestRoutes6(t *testing.T) {
	const table = "00000000000000000000000000000000 00 00000000000000000000000000000000 00 " +
		"fe800000000000000000000000000001 00000400 00000001 00000000 00000003 eno1\n" +
		"00000000000000000000000000000000 00 00000000000000000000000000000000 00 " +
		"00000000000000000000000000000000 ffffffff 00000001 00000000 00200200 lo\n" +
		"00000000000000000000000000000000 00 00000000000000000000000000000000 00 " +
		"fe800000000000000000000000000009 00000400 00000001 00000000 00000203 eno1\n" +
		"20010db8000000000000000000000000 40 00000000000000000000000000000000 00 " +
		"00000000000000000000000000000000 00000100 00000001 00000000 00000001 eno1\n"
	routes := parseRoutes6([]byte(table))
	if len(routes) != 1 || routes[0].gateway.String() != "fe80::1" || routes[0].metric != 1024 {
		t.Errorf("got %v", routes)
	}
}

func TestWWN(t *testing.T) {
	for in, want := range map[string]string{
		"naa.5000c500": "0x5000c500", "eui.0025": "eui.0025", "t10.ATA     QEMU HARDDISK": "", "": "",
	} {
		if got := wwnOf(in); got != want {
			t.Errorf("%q gave %q, want %q", in, got, want)
		}
	}
}

func TestUnitSerial(t *testing.T) {
	for in, want := range map[string]string{
		"\x00\x80\x00\x05 AB1 ": "AB1", "\x00\x80\x00\xffAB": "AB", "\x00\x83\x00\x02AB": "", "\x00\x80": "",
	} {
		if got := parseUnitSerial([]byte(in)); got != want {
			t.Errorf("%q gave %q, want %q", in, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("S:disk/by-id/a\nE:ID_MODEL_ENC=A\\x20B\nI:1\n"))
	f.Add([]byte("\x00\x80\x00\x08Z1X00001"))
	f.Add([]byte(routes4))
	f.Add([]byte("30 22 8:1 / /a\\040b rw shared:1 - xfs /dev/sda1 rw\n"))
	f.Add([]byte("0-3,8"))
	f.Fuzz(func(t *testing.T, b []byte) {
		d := parseDevice(b)
		d.text("ID_MODEL")
		for _, l := range d.links {
			if l == "" {
				t.Error("an empty link")
			}
		}
		if s := parseUnitSerial(b); len(s) > 3*len(b) {
			t.Errorf("a serial number of %d bytes", len(s))
		}
		for _, r := range append(parseRoutes4(b), parseRoutes6(b)...) {
			if !r.gateway.IsValid() {
				t.Error("a route without gateway")
			}
		}
		parseMounts(b)
		if n, err := countList(string(b)); err == nil && n < 1 {
			t.Errorf("%d CPUs in %q", n, b)
		}
	})
}
