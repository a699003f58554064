package iso_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/iso"
)

// grows is the number of partitions that have the file system of the ISO. In an image with nothing but a GPT, xorriso
// puts partitions around the EFI system partition, and one that is followed by another one cannot grow.
var grows = map[string]int{"xorriso, MBR and GPT": 2, "xorriso, MBR": 1, "isohybrid": 2}

// TestToolsSeeGrownImages asks other tools what boots an image that has grown, which partitions it has, and what they
// read from every tree of files.
func TestToolsSeeGrownImages(t *testing.T) {
	const size = 5 << 20
	for kind := range hybrids {
		t.Run(kind, func(t *testing.T) {
			path := hybrid(t, kind)
			before := read(t, path)
			bootRecords, files, partitions := elTorito(t, path), tree(t, path), partitionsOf(t, path)
			edit(t, path, func(i *iso.Image) error { return i.SetArchives(agent(t, size)...) })
			after := read(t, path)
			if got := elTorito(t, path); got != bootRecords {
				t.Errorf("the boot records were:\n%s\nand are:\n%s", bootRecords, got)
			}
			if got := tree(t, path); got != files {
				t.Errorf("the files were:\n%s\nand are:\n%s", files, got)
			}
			checkPartitions(t, path, partitions, grows[kind])

			s := inspect(t, path)
			want := after[s.Ignition.Offset:][:s.Ignition.Length]
			for name, got := range everyTree(t, path) {
				if !bytes.Equal(got, want) {
					t.Errorf("%s reads %d bytes, not the %d that were embedded", name, len(got), len(want))
				}
			}
			edit(t, path, (*iso.Image).Reset)
			if !bytes.Equal(before, read(t, path)) {
				t.Error("reset does not restore the image")
			}
		})
	}
}

// elTorito is what firmware finds on a DVD.
func elTorito(t *testing.T, path string) string {
	return run(t, "xorriso", "-indev", path, "-report_el_torito", "plain")
}

// tree lists all files but the one that has moved, with address and size.
func tree(t *testing.T, path string) string {
	var out []string
	list := run(t, "xorriso", "-indev", path, "-find", "/", "-type", "f", "-exec", "report_lba")
	for line := range strings.Lines(list) {
		if !strings.Contains(line, "ignition.img") {
			out = append(out, line)
		}
	}
	if len(out) < 10 {
		t.Errorf("only %d files:\n%s", len(out), list)
	}
	return strings.Join(out, "")
}

// everyTree reads ignition.img by its names in Rock Ridge, Joliet, and plain ISO 9660.
func everyTree(t *testing.T, path string) map[string][]byte {
	out := map[string][]byte{}
	for name, options := range map[string][]string{
		"Rock Ridge": {"-osirrox", "on", "-indev", path, "-extract", "/images/ignition.img"},
		"Joliet":     {"-read_fs", "norock", "-osirrox", "on", "-indev", path, "-extract", "/images/ignition.img"},
	} {
		target := filepath.Join(t.TempDir(), "out")
		run(t, "xorriso", append(options, target)...)
		out["xorriso, "+name] = read(t, target)
	}
	out["isoinfo, Joliet"] = []byte(run(t, "isoinfo", "-J", "-i", path, "-x", "/images/ignition.img"))
	out["isoinfo, Rock Ridge"] = []byte(run(t, "isoinfo", "-R", "-i", path, "-x", "/images/ignition.img"))
	out["isoinfo, plain"] = []byte(run(t, "isoinfo", "-i", path, "-x", "/IMAGES/IGNITION.IMG;1"))
	return out
}

// partition is one of a table.
type partition struct {
	table      string // MBR or GPT
	start, end int64  // in bytes
	rest       string // type, name
}

var sfdiskLine = regexp.MustCompile(`(?m)^\S+ : start= *(\d+), size= *(\d+), (.*)$`)

// partitionsOf asks sfdisk. Where there is a GPT beside an MBR of its own, sfdisk sees the MBR only: it gets a copy
// with an MBR that stands for the GPT.
func partitionsOf(t *testing.T, path string) []partition {
	list := sfdisk(t, "MBR", path)
	data := bytes.Clone(read(t, path))
	if string(data[512:520]) != "EFI PART" {
		return list
	}
	clear(data[446:510])
	copy(data[446:], "\x00\x00\x02\x00\xee\xff\xff\xff\x01\x00\x00\x00")
	binary.LittleEndian.PutUint32(data[458:], uint32(len(data)/512-1))
	protective := filepath.Join(t.TempDir(), "gpt.iso")
	if err := os.WriteFile(protective, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("sfdisk", "--verify", protective).CombinedOutput(); err != nil ||
		!strings.Contains(string(out), "No errors detected") || strings.Contains(string(out), "corrupt") {
		t.Errorf("sfdisk --verify: %v\n%s", err, out)
	}
	return append(list, sfdisk(t, "GPT", protective)...)
}

func sfdisk(t *testing.T, table, path string) (list []partition) {
	out, err := exec.Command("sfdisk", "--dump", path).CombinedOutput()
	if err != nil && !strings.Contains(string(out), "does not contain a recognized partition table") {
		t.Fatalf("sfdisk: %v; hack/packages.sh installs fdisk\n%s", err, out)
	}
	for _, m := range sfdiskLine.FindAllStringSubmatch(string(out), -1) {
		start, _ := strconv.ParseInt(m[1], 10, 64)
		size, _ := strconv.ParseInt(m[2], 10, 64)
		list = append(list, partition{table, start * 512, (start + size) * 512, m[3]})
	}
	return list
}

// checkPartitions requires that partitions of the ISO reach up to the new data, and that others are as before.
func checkPartitions(t *testing.T, path string, before []partition, grown int) {
	t.Helper()
	s, size := inspect(t, path), int64(len(read(t, path)))
	after := partitionsOf(t, path)
	if len(after) != len(before) {
		t.Fatalf("the partitions were %v and are %v", before, after)
	}
	for n, p := range after {
		old := before[n]
		if p == old {
			continue
		}
		grown--
		old.end = p.end
		if p != old || p.start > 16*2048 || p.end < s.Ignition.Offset+s.Ignition.Length || p.end > size {
			t.Errorf("partition %d was %+v and is %+v", n+1, before[n], p)
		}
	}
	if grown != 0 {
		t.Errorf("%d partitions more should have grown: %+v", grown, after)
	}
}
