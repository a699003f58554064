package disk

import (
	"errors"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/types"
)

func testDisks() []agent.Disk {
	return []agent.Disk{
		{
			Name: "sda", Path: "/dev/sda", ByPath: "/dev/disk/by-path/pci-0:1", HCTL: "0:0:0:0", Model: "ST1000NM 0001",
			Vendor: "SEAGATE", Serial: "S1", WWN: "0x5000c500a1b2c3d4", SizeBytes: 1000e9, Rotational: true,
		},
		{
			Name: "sdb", Path: "/dev/sdb", ByPath: "/dev/disk/by-path/pci-0:2", HCTL: "0:0:1:0", Model: "PERC H740P",
			Vendor: "DELL", Serial: "S2", WWN: "0x600508b1001c7e1d0123456789abcdef", SizeBytes: 480e9,
			Links: []string{"/dev/disk/by-path/pci-0:2", "/dev/disk/by-path/pci-0:2.0"},
		},
		{Name: "nvme0n1", Path: "/dev/nvme0n1", Model: "Samsung SSD 980", Serial: "S3", WWN: "eui.0025", SizeBytes: 480e9},
		{Name: "sdc", Path: "/dev/sdc", Model: "Flash", SizeBytes: 200e9, Unusable: "removable medium"},
		{Name: "sdd", Path: "/dev/sdd", Model: "Small", SizeBytes: 64e9},
	}
}

func TestChoose(t *testing.T) {
	yes, no := true, false
	type hints = types.RootDeviceHints
	for name, c := range map[string]struct {
		hints *hints
		want  string   // the disk
		fails []string // in the error
	}{
		// nvme0n1 and sdb have the same size; nothing sorts before a path.
		"none":       {nil, "nvme0n1", nil},
		"empty":      {&hints{}, "nvme0n1", nil},
		"name":       {&hints{DeviceName: "/dev/sda"}, "sda", nil},
		"path":       {&hints{DeviceName: "/dev/disk/by-path/pci-0:1"}, "sda", nil},
		"other path": {&hints{DeviceName: "/dev/disk/by-path/pci-0:2.0"}, "sdb", nil},
		"part of a name": {
			&hints{DeviceName: "/dev/sd"}, "",
			[]string{"match no usable disk", "/dev/sda (SEAGATE ST1000NM 0001, serial S1, wwn 0x5000c500a1b2c3d4, hctl " +
				"0:0:0:0, 1000.0 GB): deviceName is /dev/sda, not /dev/sd;"},
		},
		"hctl": {&hints{HCTL: "0:0:1:0"}, "sdb", nil},
		"another hctl": {&hints{HCTL: "0:0:1"}, "", []string{"hctl is 0:0:1:0, not 0:0:1",
			"hctl is unknown, not 0:0:1"}},
		"model":         {&hints{Model: "PERC"}, "sdb", nil},
		"udev's model":  {&hints{Model: "ST1000NM_0001"}, "sda", nil},
		"another model": {&hints{Model: "perc"}, "", []string{"model is PERC H740P, not perc"}},
		"vendor":        {&hints{Vendor: "SEA"}, "sda", nil},
		"another vendor": {&hints{Vendor: "HP"}, "", []string{"vendor is SEAGATE, not HP",
			"vendor is unknown, not HP"}},
		"serial":                {&hints{SerialNumber: "S3"}, "nvme0n1", nil},
		"part of serial":        {&hints{SerialNumber: "S"}, "", []string{"serialNumber is S1, not S"}},
		"wwn":                   {&hints{WWN: "0x5000C500A1B2C3D4"}, "sda", nil},
		"part of wwn":           {&hints{WWN: "0x5000c500"}, "", []string{"wwn is 0x5000c500a1b2c3d4, not 0x5000c500"}},
		"wwn without extension": {&hints{WWN: "0x600508b1001c7e1d"}, "sdb", nil},
		"size":                  {&hints{MinSizeGigabytes: 900}, "sda", nil},
		"too large": {&hints{MinSizeGigabytes: 1000}, "",
			[]string{"minSizeGigabytes is 931.3 GiB, not at least 1000 GiB"}},
		"rotational":    {&hints{Rotational: &yes}, "sda", nil},
		"several":       {&hints{Rotational: &no}, "", []string{"match 2 disks", "/dev/sdb (", "): matches"}},
		"two hints":     {&hints{Rotational: &no, Model: "Samsung"}, "nvme0n1", nil},
		"contradictory": {&hints{Rotational: &yes, Model: "Samsung"}, "", []string{"rotational is false, not true"}},
		"unusable": {&hints{DeviceName: "/dev/sdc"}, "",
			[]string{"/dev/sdc (Flash, 200.0 GB): removable medium"}},
		"too small": {&hints{DeviceName: "/dev/sdd"}, "",
			[]string{"/dev/sdd (Small, 64.0 GB): smaller than 100.0 GB"}},
		"extension":        {&hints{WWNWithExtension: "0x1"}, "", []string{"wwnWithExtension is unknown, not 0x1"}},
		"vendor extension": {&hints{WWNVendorExtension: "0x1"}, "", []string{"wwnVendorExtension is unknown, not 0x1"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Choose(c.hints, testDisks(), 100e9)
			if got.Name != c.want || (err == nil) != (c.fails == nil) {
				t.Fatalf("got %q, %v", got.Name, err)
			}
			for _, want := range c.fails {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("no %q in %v", want, err)
				}
			}
			if choice := new(ChoiceError); err != nil && (!errors.As(err, &choice) || len(choice.Reasons) != 5) {
				t.Errorf("%T", err)
			}
		})
	}
}

func TestChooseAmongNone(t *testing.T) {
	if _, err := Choose(nil, nil, 0); err == nil || err.Error() != "the host has no disk" {
		t.Error(err)
	}
	if _, err := Choose(nil, testDisks()[3:], 100e9); err == nil || !strings.Contains(err.Error(),
		"no disk can be installed to") {
		t.Error(err)
	}
}

// Whatever the order in which the kernel found the disks, the choice is the same.
func TestChooseIsPredictable(t *testing.T) {
	disks := testDisks()
	for range disks {
		disks = append(disks[1:], disks[0])
		if d, err := Choose(nil, disks, 100e9); err != nil || d.Name != "nvme0n1" {
			t.Errorf("got %q, %v", d.Name, err)
		}
	}
}
