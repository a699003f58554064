package iso_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/iso"
)

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
			checkPartitions(t, path, partitions)

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

// partition is one of a table, as sfdisk sees it.
type partition struct{ start, size, rest string }

var sfdiskLine = regexp.MustCompile(`(?m)^\S+ : start= *(\d+), size= *(\d+), (.*)$`)

func partitionsOf(t *testing.T, path string) (list []partition) {
	out, err := exec.Command("sfdisk", "--dump", path).CombinedOutput()
	if err != nil && !strings.Contains(string(out), "does not contain a recognized partition table") {
		t.Fatalf("sfdisk: %v\n%s", err, out)
	}
	for _, m := range sfdiskLine.FindAllStringSubmatch(string(out), -1) {
		list = append(list, partition{m[1], m[2], m[3]})
	}
	return list
}

// checkPartitions requires that partitions of the ISO reach up to the new data, and that others are as before.
func checkPartitions(t *testing.T, path string, before []partition) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	s := inspect(t, path)
	after := partitionsOf(t, path)
	if len(after) != len(before) {
		t.Fatalf("the partitions were %v and are %v", before, after)
	}
	for n, p := range after {
		start, _ := strconv.ParseInt(p.start, 10, 64)
		size, _ := strconv.ParseInt(p.size, 10, 64)
		if end := (start + size) * 512; end > info.Size() {
			t.Errorf("partition %d ends behind the image: %+v", n+1, p)
		}
		old := before[n]
		if p != old && (p.start != old.start || p.rest != old.rest || start > 64 ||
			(start+size)*512 < s.Ignition.Offset+s.Ignition.Length) {
			t.Errorf("partition %d was %+v and is %+v", n+1, old, p)
		}
	}
	// Overlapping partitions are all that isohybrid images may be blamed for.
	for line := range strings.Lines(run(t, "sh", "-c", `sfdisk --verify "$1" 2>&1 || true`, "-", path)) {
		if strings.Contains(line, "orrupt") || strings.Contains(line, "CRC") || strings.Contains(line, "invalid") {
			t.Error(line)
		}
	}
}
