package inventory

import (
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/agent"
)

// fixture writes a tree of files, those of a host with a disk and a card, with changes. A
// value that begins with "->" is a symbolic link, "-" removes a file.
func fixture(t *testing.T, changes map[string]string) tree {
	t.Helper()
	files := map[string]string{
		"sys/class/dmi/id/product_uuid":                  "4C4C4544-0031-3010-8057-B7C04F4A4B32\n",
		"sys/class/dmi/id/sys_vendor":                    "Dell Inc.\n",
		"sys/class/dmi/id/product_name":                  "PowerEdge R650\n",
		"sys/class/dmi/id/product_serial":                "J100W1\n",
		"sys/devices/system/cpu/online":                  "0-3,8\n",
		"sys/devices/system/memory/block_size_bytes":     "8000000\n",
		"sys/devices/system/memory/memory0/online":       "1\n",
		"sys/devices/system/memory/memory1/online":       "1\n",
		"sys/devices/system/memory/memory2/online":       "0\n",
		"proc/sys/kernel/hostname":                       "localhost\n",
		"proc/self/mountinfo":                            "22 1 0:20 / / rw - overlay overlay rw\n",
		"proc/net/route":                                 routes4,
		"sys/class/net/eno1/type":                        "1\n",
		"sys/class/net/eno1/address":                     "52:54:00:AA:BB:02\n",
		"sys/class/net/eno1/mtu":                         "1500\n",
		"sys/class/net/eno1/carrier":                     "1\n",
		"sys/class/net/eno1/speed":                       "10000\n",
		"sys/class/net/eno1/device":                      "->../../../devices/pci0000:00/0000:00:05.0",
		"sys/devices/pci0000:00/0000:00:05.0/x":          "",
		"sys/block/sda/dev":                              "8:0\n",
		"sys/block/sda/size":                             "209715200\n",
		"sys/block/sda/queue/rotational":                 "1\n",
		"sys/block/sda/device":                           "->../../devices/ata1/2:0:0:1",
		"sys/devices/ata1/2:0:0:1/model":                 "ST1000NM0001    \n",
		"sys/devices/ata1/2:0:0:1/vendor":                "SEAGATE \n",
		"sys/devices/ata1/2:0:0:1/wwid":                  "naa.5000c500a1b2c3d4\n",
		"sys/devices/ata1/2:0:0:1/vpd_pg80":              "\x00\x80\x00\x08Z1X00001",
		"sys/block/loop0/size":                           "2048\n",
		"sys/block/dm-0/size":                            "2048\n",
		"dev/disk/by-path/pci-0000:00:17.0-ata-1":        "->../../sda",
		"dev/disk/by-id/wwn-0x5000c500a1b2c3d4":          "->../../sda",
		"dev/disk/by-id/ata-ST1000NM0001_Z1X00001":       "->../../sda",
		"dev/disk/by-id/ata-ST1000NM0001_Z1X00001-part1": "->../../sda1",
	}
	for name, content := range changes {
		files[name] = content
	}
	root := t.TempDir()
	for name, content := range files {
		path := filepath.Join(root, name)
		if content == "-" {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if to, ok := strings.CutPrefix(content, "->"); ok {
			err = os.Symlink(to, path)
		} else {
			err = os.WriteFile(path, []byte(content), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return tree{root}
}

const routes4 = "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n" +
	"eno2 00000000 020200C0 0003 0 0 101 00000000 0 0 0\n" +
	"eno1 00000000 010200C0 0003 0 0 100 00000000 0 0 0\n" +
	"tun0 00000000 090200C0 0003 0 0 50 00000080 0 0 0\n" + // half of all addresses
	"eno1 000200C0 00000000 0001 0 0 100 00FFFFFF 0 0 0\n"

func TestRead(t *testing.T) {
	got, err := Read(context.Background(), fixture(t, nil).root)
	if err != nil {
		t.Fatal(err)
	}
	want := agent.Inventory{
		ID: got.ID, UUID: "4c4c4544-0031-3010-8057-b7c04f4a4b32",
		Vendor: "Dell Inc.", Product: "PowerEdge R650", Serial: "J100W1", Hostname: "localhost",
		Architecture: architecture(), CPUs: 5, MemoryMiB: 256,
		Disks: []agent.Disk{{
			Name: "sda", Path: "/dev/sda", ByPath: "/dev/disk/by-path/pci-0000:00:17.0-ata-1",
			Links: []string{"/dev/disk/by-path/pci-0000:00:17.0-ata-1"},
			ByID:  "/dev/disk/by-id/wwn-0x5000c500a1b2c3d4", HCTL: "2:0:0:1",
			Model: "ST1000NM0001", Vendor: "SEAGATE", Serial: "Z1X00001", WWN: "0x5000c500a1b2c3d4",
			SizeBytes: 100 << 30, Rotational: true,
		}},
		NICs: []agent.NIC{{
			Name: "eno1", MAC: "52:54:00:aa:bb:02", Physical: true, Carrier: true, MTU: 1500, SpeedMbps: 10000,
		}},
		Gateways: []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if len(got.ID) != 32 {
		t.Errorf("ID %q", got.ID)
	}
}

func TestReadThisHost(t *testing.T) {
	if _, err := os.Stat("/sys/block"); err != nil {
		t.Fatal("there is no sysfs; hosts run Linux")
	}
	inv, err := Read(context.Background(), "/")
	if err != nil {
		t.Fatal(err)
	}
	if inv.CPUs < 1 || inv.MemoryMiB < 1 || inv.Hostname == "" {
		t.Errorf("got %+v", inv)
	}
}

func TestMemoryAndCPUsOfProc(t *testing.T) {
	tree := fixture(t, map[string]string{
		"sys/devices/system/memory/block_size_bytes": "-",
		"sys/devices/system/cpu/online":              "-",
		"proc/meminfo":                               "MemTotal:       16265416 kB\nMemFree: 1 kB\n",
		"proc/cpuinfo":                               "processor\t: 0\nmodel name: x\n\nprocessor\t: 1\n",
	})
	inv, err := read(context.Background(), tree, nil)
	if err != nil || inv.CPUs != 2 || inv.MemoryMiB != 15884 {
		t.Errorf("%d CPUs, %d MiB, %v", inv.CPUs, inv.MemoryMiB, err)
	}
}

func TestReadFails(t *testing.T) {
	for name, c := range map[string]struct {
		changes map[string]string
		want    string
	}{
		"no CPUs":   {map[string]string{"sys/devices/system/cpu/online": "-"}, "count the CPUs"},
		"no memory": {map[string]string{"sys/devices/system/memory/block_size_bytes": "-"}, "size of the memory"},
		"no routes": {map[string]string{"proc/net/route": "-"}, "routes"},
		"no mounts": {map[string]string{"proc/self/mountinfo": "-"}, "mounted"},
		"no ID": {map[string]string{
			"sys/class/dmi/id/product_uuid": "00000000-0000-0000-0000-000000000000\n", "sys/class/net/eno1/type": "772\n",
		}, "tells it from other hosts"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := read(context.Background(), fixture(t, c.changes), nil)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q in it", err, c.want)
			}
		})
	}
}

func TestHostID(t *testing.T) {
	const own = "4c4c4544-0031-3010-8057-b7c04f4a4b32"
	cards := []agent.NIC{
		{MAC: "52:54:00:aa:bb:02", Physical: true}, {MAC: "52:54:00:aa:bb:01", Physical: true}, {MAC: "02:00:00:00:00:01"},
	}
	id := func(uuid string, nics ...agent.NIC) string {
		t.Helper()
		id, err := hostID(uuid, nics)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	first := id(own, cards...)
	if again := id(own, cards[1], cards[2], cards[0]); again != first {
		t.Error("the order of the cards changes the ID")
	}
	if id(own, cards[0]) == first {
		t.Error("another host with the same UUID has the same ID")
	}
	if id("4c4c4544-0031-3010-8057-b7c04f4a4b33", cards...) == first {
		t.Error("another UUID has the same ID")
	}
	if id(own, cards[2]) == first {
		t.Error("an interface that is no card was taken before the cards")
	}
	for _, shared := range []string{
		"", "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff",
		"03000200-0400-0500-0006-000700080009", "not settable",
	} {
		if id(shared, cards...) != id("", cards...) {
			t.Errorf("%q counts as a UUID of the host", shared)
		}
	}
}

func TestNICs(t *testing.T) {
	tree := fixture(t, map[string]string{
		"sys/class/net/eno1/bonding_slave/perm_hwaddr": "52:54:00:AA:BB:09\n",
		"sys/class/net/bond0/uevent":                   "DEVTYPE=bond\nINTERFACE=bond0\n",
		"sys/class/net/veth1/uevent":                   "INTERFACE=veth1\n",
		"sys/class/net/eno1/speed":                     "-1\n",
	})
	address := netip.MustParsePrefix("192.0.2.10/24")
	known := []link{
		{name: "eno1", mac: "52:54:00:aa:bb:02"}, {name: "bond0", mac: "52:54:00:aa:bb:02",
			addresses: []netip.Prefix{address}},
		{name: "veth1", mac: "02:00:00:00:00:01"}, {name: "tun0"},
	}
	nics, err := tree.nics(known)
	if err != nil {
		t.Fatal(err)
	}
	want := []agent.NIC{
		{Name: "bond0", MAC: "52:54:00:aa:bb:02", Addresses: []netip.Prefix{address}},
		{Name: "eno1", MAC: "52:54:00:aa:bb:09", Physical: true},
	}
	if !reflect.DeepEqual(nics, want) {
		t.Errorf("got %+v", nics)
	}
}

// In a container no interface is hardware.
func TestNICsOfContainer(t *testing.T) {
	tree := fixture(t, map[string]string{
		"sys/class/net/ens3/addr_assign_type":  "3\n",
		"sys/class/net/ens3/uevent":            "INTERFACE=ens3\n",
		"sys/class/net/bond0/uevent":           "DEVTYPE=bond\n",
		"sys/class/net/bond0/addr_assign_type": "3\n",
		"sys/class/net/veth1/addr_assign_type": "1\n",
	})
	nics, err := tree.nics([]link{{name: "bond0", mac: "a"}, {name: "ens3", mac: "a"}, {name: "veth1", mac: "0"}})
	want := []agent.NIC{{Name: "bond0", MAC: "a"}, {Name: "ens3", MAC: "a", Physical: true}}
	if err != nil || !reflect.DeepEqual(nics, want) {
		t.Errorf("got %+v, %v", nics, err)
	}
}
