//go:build integration

package machine_test

import (
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/lab/engine"
	"github.com/okd-install/okd-install/pkg/lab/host"
)

// physical makes a host with two disks and two cards, all with a character.
func (l *lab) physical(name string) engine.Hardware {
	l.t.Helper()
	hw := engine.Hardware{
		ID: host.ID(name), Name: name, CPUs: 6, MemoryMB: 12288, Standalone: true,
		Host: &host.Spec{UEFI: true, Vendor: "Acme", Product: "Server 1", Serial: "ACME42", Disks: []host.Disk{
			{Size: 120 << 30, Model: "SSD 870 EVO with a long name", Vendor: "ATA", Serial: "S6PN1", Rotational: false},
			{Size: 10 << 30, Model: "ST10", Rotational: true, WWN: "0x5000c500aabbccdd", HCTL: "1:0:2:0"},
		}},
	}
	if err := hw.Host.Complete(name); err != nil {
		l.t.Fatal(err)
	}
	for i := range 2 {
		hw.NICs = append(hw.NICs, engine.NIC{MAC: host.MAC(name, i)})
	}
	for i, d := range hw.Host.Disks {
		id := fmt.Sprintf("%s-%d", name, i)
		if err := l.volumes.Create(l.t.Context(), id, d.Size); err != nil {
			l.t.Fatal(err)
		}
		hw.Disks = append(hw.Disks, engine.Disk{ID: id, Bootable: true, Active: true})
	}
	return hw
}

// seen is what a host must look like, to a live system and to an installed one.
var seen = []struct{ name, command, want string }{
	{"disks", "export $(systemctl show-environment | grep VERIFY); " +
		"lsblk -d -n -b -o NAME,SIZE,MODEL,SERIAL,WWN,ROTA,TYPE,HCTL,PATH,VENDOR | sed '/^sr0/d; s/  */ /g; s/ $//'",
		"sda 128849018880 SSD 870 EVO with a long name S6PN1 WWN-A 0 disk 0:0:0:0 /dev/sda ATA\n" +
			"sdb 10737418240 ST10 SERIAL-B 0x5000c500aabbccdd 1 disk 1:0:2:0 /dev/sdb LABDISK"},
	{"no other disk", "ls -x /sys/block /sys/class/block /sys/dev/block | grep -Ec 'loop|vda'; true", "0"},
	{"no other disk in a list", "awk 'NR > 2 && !/ (sd[ab]|sr0)$/' /proc/partitions", ""},
	{"padded model", "cat /sys/block/sda/device/model", "SSD 870 EVO with"},
	{"size of the device", "blockdev --getsize64 /dev/sda /dev/sdb | xargs", "128849018880 10737418240"},
	{"device number", "test $(cat /sys/class/block/sdb/dev) = $(stat -c '%Hr:%Lr' /dev/sdb) && echo same", "same"},
	{"links", "readlink /dev/disk/by-id/wwn-0x5000c500aabbccdd", "../../sdb"},
	{"serial number page", "tail -c +5 /sys/block/sda/device/vpd_pg80", "S6PN1"},
	{"udev", "grep ^E:ID_WWN= /run/udev/data/b$(cat /sys/block/sdb/dev)", "E:ID_WWN=0x5000c500aabbccdd"},
	{"identity", "cd /sys/class/dmi/id && cat sys_vendor product_name product_serial product_uuid | xargs",
		"Acme Server 1 ACME42 UUID"},
	{"firmware", "test -d /sys/firmware/efi && echo uefi", "uefi"},
	{"cards", "ls /sys/class/net | xargs", "ens3 ens4 lo"},
	{"cards on a bus", "realpath /sys/class/net/ens4/device", "/sys/devices/pci0000:00/0000:00:01.0/0000:01:01.0"},
	{"address of a card", "cat /sys/class/net/ens3/address", "MAC-A"},
	{"processors", "grep -c ^processor /proc/cpuinfo; cat /sys/devices/system/cpu/online", "6\n0-5"},
	{"processors for control groups", "ls -d /sys/devices/system/cpu/cpu[0-9]* | wc -l", strconv.Itoa(runtime.NumCPU())},
	{"memory", "awk '/^MemTotal/ && $2 > 12000000 && $2 < 12582912 { print \"plausible\" }' /proc/meminfo", "plausible"},
	{"control groups", "test -w /sys/fs/cgroup/pids/cgroup.procs -o -w /sys/fs/cgroup/cgroup.procs && echo writable",
		"writable"},
	{"no failed unit", "systemctl list-units --failed --no-legend --plain", ""},
}

// looks compares what a system sees with what it should.
func (l *lab) looks(hw engine.Hardware) {
	l.t.Helper()
	values := strings.NewReplacer("WWN-A", hw.Host.Disks[0].WWN, "SERIAL-B", hw.Host.Disks[1].Serial,
		"UUID", hw.Host.UUID, "MAC-A", hw.NICs[0].MAC)
	for _, s := range seen {
		out, err := l.run(hw.ID, "sh", "-c", s.command)
		if want := values.Replace(s.want); err != nil || out != want {
			l.t.Errorf("%s: %v\n%s\nwant\n%s", s.name, err, out, want)
		}
	}
}

func TestHostIsPhysical(t *testing.T) {
	l := newLab(t)
	hw := l.physical("metal")
	hw.Media = &engine.Media{Volume: "template", Ignition: []byte(`{"ignition": {"version": "3.2.0"}}`)}
	if err := l.sup.Start(t.Context(), hw); err != nil {
		t.Fatal(err)
	}
	up := func() bool {
		_, err := l.run(hw.ID, "systemctl", "is-active", "-q", "multi-user.target")
		return err == nil
	}
	l.eventually("the live system", up)
	l.looks(hw)
	if out, err := l.run(hw.ID, "sh", "-c", "echo '{\"ignition\":{\"version\":\"3.2.0\"}}' >/root/x.ign && "+
		"coreos-installer install -i /root/x.ign /dev/sda && systemctl reboot"); err != nil {
		t.Fatal(err, out)
	}
	l.eventually("the installed system", func() bool {
		out, err := l.run(hw.ID, "sh", "-c", "test ! -e /run/media/iso && systemctl is-active multi-user.target")
		return err == nil && out == "active"
	})
	l.looks(hw)
	l.podman(hw.ID)
	if _, err := l.run(hw.ID, "touch", "/var/lib/mark"); err != nil {
		t.Fatal(err)
	}
	once := func(h *engine.Hardware) error { h.Host.Once = host.FromMedia; return nil }
	for _, write := range []bool{false, true} {
		if err := l.sup.Change(hw.ID, once); err != nil {
			t.Fatal(err)
		}
		if err := l.sup.Reset(t.Context(), hw.ID); err != nil {
			t.Fatal(err)
		}
		l.eventually("the live system again", func() bool {
			_, err := l.run(hw.ID, "test", "-e", "/run/media/iso")
			return err == nil && up()
		})
		script := "systemctl reboot"
		if write {
			script = "coreos-installer install /dev/sda && systemctl reboot"
		}
		if out, err := l.run(hw.ID, "sh", "-c", script); err != nil {
			t.Fatal(err, out)
		}
		l.eventually("the disk's system again", func() bool {
			_, err := l.run(hw.ID, "test", "!", "-e", "/run/media/iso")
			return err == nil && up()
		})
		if _, err := l.run(hw.ID, "test", "-e", "/var/lib/mark"); (err == nil) == write {
			t.Errorf("disk written: %v; what the first system wrote: %v", write, err)
		}
	}
}
