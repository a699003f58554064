package host

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParseDisk(t *testing.T) {
	for _, c := range []struct {
		text string
		want Disk
	}{
		{"size=120G", Disk{Size: 120 << 30}},
		{"model=X", Disk{Size: DefaultDisk, Model: "X"}},
		{"size=2TB,model=ST 1,serial=S,wwn=0x5000c500aabbccdd,vendor=V,hctl=1:0:2:0,rotational=true", Disk{
			Size: 2_000_000_000_000 &^ 511, Model: "ST 1", Serial: "S", WWN: "0x5000c500aabbccdd", Vendor: "V", HCTL: "1:0:2:0",
			Rotational: true,
		}},
	} {
		if got, err := ParseDisk(c.text); err != nil || got != c.want {
			t.Errorf("%s: %+v, %v", c.text, got, err)
		}
	}
	for _, text := range []string{
		"", "size", "size=12", "size=0G", "size=99T", "size=999999999T", "rotational=maybe", "color=red",
	} {
		if d, err := ParseDisk(text); err == nil {
			t.Errorf("%q is a disk: %+v", text, d)
		}
	}
}

func FuzzParseDisk(f *testing.F) {
	f.Add("size=120G,model=MZ7LH960,rotational=true")
	f.Add("size=999999999TB")
	f.Fuzz(func(t *testing.T, text string) {
		d, err := ParseDisk(text)
		if err == nil && (d.Size < 1<<20 || d.Size > maxDisk || d.Size%512 != 0) {
			t.Errorf("%q has %d bytes", text, d.Size)
		}
	})
}

func TestComplete(t *testing.T) {
	one, two := Spec{Disks: make([]Disk, 2)}, Spec{Disks: make([]Disk, 2)}
	if err := one.Complete("a"); err != nil {
		t.Fatal(err)
	}
	if err := two.Complete("a"); err != nil {
		t.Fatal(err)
	}
	first, _ := json.Marshal(one)
	if again, _ := json.Marshal(two); string(first) != string(again) {
		t.Errorf("the same name gives %s and %s", first, again)
	}
	other := Spec{Disks: make([]Disk, 2)}
	if err := other.Complete("b"); err != nil {
		t.Fatal(err)
	}
	if one.UUID == other.UUID || one.Serial == other.Serial || one.Disks[0].WWN == one.Disks[1].WWN ||
		one.Disks[0].Serial == other.Disks[0].Serial || MAC("a", 0) == MAC("a", 1) {
		t.Errorf("not unique: %+v, %+v", one, other)
	}
	for name, bad := range map[string]Spec{
		"uuid": {UUID: "x"}, "vendor": {Vendor: "tab\t"}, "order": {Order: []Source{"floppy"}},
		"twice": {Order: []Source{FromDisk, FromDisk}}, "place": {Disks: []Disk{{HCTL: "0:0:1:0"}, {}}},
		"wwn": {Disks: []Disk{{WWN: "naa.1"}}}, "hctl": {Disks: []Disk{{HCTL: "0:0"}}},
		"size": {Disks: []Disk{{Size: 1000}}}, "many": {Disks: make([]Disk, 25)},
		"text": {Disks: []Disk{{Vendor: "too long for it"}}},
	} {
		if err := bad.Complete("a"); err == nil {
			t.Errorf("%s: %+v is taken", name, bad)
		}
	}
}

func TestCheckMAC(t *testing.T) {
	if got, err := CheckMAC("52-54-00-AB-00-01"); err != nil || got != "52:54:00:ab:00:01" {
		t.Errorf("%q, %v", got, err)
	}
	for _, bad := range []string{"", "01:00:5e:00:00:01", "00:11:22:33:44:55:66:77"} {
		if got, err := CheckMAC(bad); err == nil {
			t.Errorf("%q gives %q", bad, got)
		}
	}
}

// TestWrite looks at what tools rely on. It needs root, for the marks of what hides
// the kernel's own directories.
func TestWrite(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	spec := Spec{Disks: []Disk{{Model: "A model that is long"}}}
	if err := spec.Complete("a"); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "hardware")
	v := View{
		Spec: spec, CPUs: 40, MemoryMiB: 16384, Cmdline: "a=b", NICs: []string{"ens3"}, Nodes: []Node{{7, 5}},
		Opticals: []Optical{{Name: "sr0", Node: Node{7, 6}, Size: 4096, Label: "medium"}},
	}
	for range 2 { // again, over what is there
		if err := v.Write(dir); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]string{
		"sys/class/block/sda/dev":                    "7:5\n",
		"sys/dev/block/7:5/device/model":             "A model that is ",
		"sys/block/sda/size":                         "251658240\n",
		"sys/block/sr0/removable":                    "1\n",
		"sys/class/dmi/id/product_uuid":              spec.UUID + "\n",
		"sys/devices/system/cpu/online":              "0-39\n",
		"proc/partitions":                            "major minor  #blocks  name\n\n   7        5  125829120 sda\n",
		"proc/cmdline":                               "a=b\n",
		"sys/devices/system/memory/block_size_bytes": "40000000\n",
		"sys/bus/pci/devices/0000:01:00.0/vendor":    "0x8086\n",
		"sys/class/net/ens3/../../uevent":            "DRIVER=igb\n",
		"sys/block/sda/device/../../../device":       "0x0097\n",
		"sys/class/block/sda/../../vendor":           "LABDISK \n",
	} {
		b, err := os.ReadFile(dir + "/" + path) // not cleaned: links lead elsewhere
		if err != nil || !strings.HasPrefix(string(b), want) {
			t.Errorf("%s: %q, %v; want %q", path, b, err, want)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "sys/devices/system/memory/memory15")); err != nil {
		t.Error("not all memory:", err)
	}
	if to, err := os.Readlink(filepath.Join(dir, "disk/by-label/medium")); err != nil || to != "../../sr0" {
		t.Errorf("label leads to %q, %v", to, err)
	}
}

func TestWithFault(t *testing.T) {
	cards := []string{"ens3", "ens4"}
	var f Faults
	for _, text := range []string{
		"dead-disk=sdb", "dead-disk=sdb", "slow-disk=sda:5MiB/s", "slow-disk=sda:512KiB/s", "cut-link=ens4",
	} {
		var err error
		if f, err = f.WithFault(text, 2, cards); err != nil {
			t.Fatal(err)
		}
	}
	got, _ := json.Marshal(f)
	if want := `{"deadDisks":["sdb"],"slowDisks":{"sda":524288},"cutLinks":["ens4"]}`; string(got) != want {
		t.Errorf("%s, want %s", got, want)
	}
	if f, err := f.WithFault("cut-link", 2, cards); err != nil || len(f.Cut) != 2 {
		t.Errorf("%+v, %v", f, err)
	}
	if f, err := f.WithFault("none", 2, cards); err != nil || f.Dead != nil || f.Slow != nil || f.Cut != nil {
		t.Errorf("%+v, %v", f, err)
	}
	for _, bad := range []string{
		"", "dead-disk", "dead-disk=sdc", "slow-disk=sda", "slow-disk=sda:5", "slow-disk=sda:0MiB/s", "slow-disk=sdz:1MiB/s",
		"cut-link=ens5", "clock=+10m",
	} {
		if f, err := f.WithFault(bad, 2, cards); err == nil {
			t.Errorf("%q is a fault: %+v", bad, f)
		}
	}
}

func FuzzWithFault(f *testing.F) {
	f.Add("slow-disk=sda:5MiB/s")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := Faults{}.WithFault(text, 2, []string{"ens3"})
		if err != nil {
			return
		}
		for disk, rate := range got.Slow {
			if rate < 1 || !isDisk(disk, 2) {
				t.Errorf("%q: %+v", text, got)
			}
		}
	})
}
