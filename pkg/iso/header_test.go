package iso

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/iso/iso9660"
	"github.com/okd-install/okd-install/pkg/iso/isotest"
)

// files finds two files of 1000 bytes.
func files(path string) (iso9660.Extent, error) {
	switch path {
	case "a":
		return iso9660.Extent{Offset: 100 << 10, Size: 1000}, nil
	case "b":
		return iso9660.Extent{Offset: 200 << 10, Size: 1000}, nil
	}
	return iso9660.Extent{}, fs.ErrNotExist
}

func TestParseIgnition(t *testing.T) {
	tests := []struct{ name, json, want string }{
		{"whole file", `{"file":"a"}`, `{"file":"a","offset":102400,"length":1000}`},
		{"part", `{"file":"b","offset":100,"length":200}`, `{"file":"b","offset":204900,"length":200}`},
		{"rest", `{"file":"b","offset":100}`, `{"file":"b","offset":204900,"length":900}`},
		{"not JSON", `{`, "parse coreos/igninfo.json"},
		{"no such file", `{"file":"c"}`, "file does not exist"},
		{"beyond", `{"file":"a","offset":900,"length":200}`, "a in the ISO image has 1000 bytes"},
		{"before", `{"file":"a","offset":-1,"length":200}`, "a in the ISO image has 1000 bytes"},
		{"overflow", `{"file":"a","offset":1,"length":9223372036854775807}`, "a in the ISO image has 1000 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			area, err := parseIgnition([]byte(tt.json), files)
			got, _ := json.Marshal(area)
			if err != nil {
				got = []byte(err.Error())
			}
			if !strings.Contains(string(got), tt.want) {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestParseKargs(t *testing.T) {
	areas, byDefault, err := parseKargs([]byte(`{"default":"x y","size":50,"files":[`+
		`{"path":"a","offset":10,"pad":"#","end":"\n"},{"path":"b","offset":20,"pad":" ","end":" "},`+
		`{"path":"b","offset":80}]}`), files)
	if err != nil || byDefault != "x y" || len(areas) != 3 {
		t.Fatalf("%+v, %q, %v", areas, byDefault, err)
	}
	if a := areas[1]; a.Offset != 200<<10+20 || a.Length != 50 || a.pad != ' ' || a.end != ' ' {
		t.Errorf("%+v", a)
	}
	if a := areas[2]; a.pad != '#' || a.end != '\n' {
		t.Errorf("%+v", a)
	}
	for name, tt := range map[string]struct{ json, want string }{
		"not JSON": {`[]`, "parse coreos/kargs.json"},
		"no file":  {`{"default":"x","size":50,"files":[]}`, "names 0 files"},
		"many":     {`{"files":[` + strings.Repeat(`{"path":"a"},`, 16) + `{"path":"a"}]}`, "names 17 files"},
		"missing":  {`{"size":50,"files":[{"path":"c"}]}`, "file does not exist"},
		"beyond":   {`{"size":50,"files":[{"path":"a","offset":990}]}`, "a in the ISO image has 1000 bytes"},
		"padding":  {`{"size":50,"files":[{"path":"a","pad":"##"}]}`, "not with one byte each"},
	} {
		if _, _, err := parseKargs([]byte(tt.json), files); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
	}
}

// TestAreasAreSafe has areas that would destroy what boots the image.
func TestAreasAreSafe(t *testing.T) {
	const size, data = 1 << 20, iso9660.SystemArea + iso9660.SectorSize
	for _, tt := range []struct {
		offset, length int64
		want           string
	}{
		{data, 100, ""},
		{size - 100, 100, ""},
		{data, 0, "has 0 bytes to write to"},
		{data, 1001, "has 1001 bytes to write to"},
		{0, 100, "outside of the data"},
		{iso9660.SystemArea, 100, "outside of the data"},
		{size - 99, 100, "outside of the data"},
		{-1, 100, "outside of the data"},
	} {
		err := Area{Offset: tt.offset, Length: tt.length}.check(size, 1000)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%d bytes at %d: got %v, want %q", tt.length, tt.offset, err, tt.want)
		}
	}
	i := &Image{}
	i.replace(patch{Area: Area{File: "b", Offset: 150, Length: 10}})
	i.replace(patch{Area: Area{File: "a", Offset: 100, Length: 50}})
	if c, err := i.planned(); err != nil || len(c.patches) != 2 || c.patches[0].File != "a" {
		t.Errorf("%+v, %v", c, err)
	}
	i.replace(patch{Area: Area{File: "c", Offset: 159, Length: 10}})
	if _, err := i.planned(); err == nil || !strings.Contains(err.Error(), "b and c overlap") {
		t.Errorf("overlapping areas: %v", err)
	}
}

// FuzzHeaders checks that no header names an area outside of its file.
func FuzzHeaders(f *testing.F) {
	f.Add([]byte(`{"file":"b","offset":100,"length":200}`))
	f.Add([]byte(`{"default":"x","size":50,"files":[{"path":"a","offset":10,"pad":"#","end":"\n"}]}`))
	f.Add([]byte(`{"live-initrd-network":true,"installer-config":true}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		check := func(a Area) {
			file, err := files(a.File)
			if err != nil || a.Length < 0 || a.Offset < file.Offset || a.Offset+a.Length > file.Offset+file.Size {
				t.Errorf("%+v is not in its file, %+v, %v", a, file, err)
			}
		}
		if a, err := parseIgnition(raw, files); err == nil {
			check(a)
		}
		areas, _, _ := parseKargs(raw, files)
		for _, a := range areas {
			check(a.Area)
		}
		_, _ = parseFeatures(raw)
	})
}

// sameStructures checks that all files of an image are still where they were.
func sameStructures(t *testing.T, before, after []byte) {
	t.Helper()
	l, err := iso9660.ReadLayout(bytes.NewReader(before), int64(len(before)))
	if err != nil {
		t.Fatalf("an image was written to whose layout is not known: %v", err)
	}
	for _, e := range l.Structures {
		from, to := min(e.Offset, int64(len(before))), min(e.Offset+e.Size, int64(len(before)))
		if !bytes.Equal(before[from:to], after[from:to]) {
			t.Fatalf("the directory or descriptor at byte %d was overwritten", e.Offset)
		}
	}
}

// TestDamagedHeaders has old headers that point to where nothing must be written.
func TestDamagedHeaders(t *testing.T) {
	path := filepath.Join(t.TempDir(), "live.iso")
	if err := isotest.Write(path, isotest.Layout{IgnitionSize: 2048, Legacy: true}); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	pvd := good[iso9660.SystemArea:]
	block := func(n uint32) int64 { return int64(n) * iso9660.SectorSize }
	root := block(binary.LittleEndian.Uint32(pvd[156+2:]))
	ignition := int64(binary.LittleEndian.Uint64(good[legacyIgnitionOffset+8:]))
	const kargs, area = legacyKargsOffset + 8 + 16, legacyIgnitionOffset + 8 // the first place of arguments; the config
	for _, tt := range []struct {
		name   string
		header int
		offset int64
		want   string
	}{
		{"the directory at the root", kargs, root + 40, "in a directory"},
		{"the end of a directory", kargs, root + iso9660.SectorSize - 1, "in a directory"},
		{"what ends the descriptors", kargs, iso9660.SystemArea + 2*iso9660.SectorSize, "in a directory or"},
		{"a path table", kargs, block(binary.LittleEndian.Uint32(pvd[140:])), "in a directory or"},
		{"a path table for other processors", kargs, block(binary.BigEndian.Uint32(pvd[148:])), "in a directory or"},
		{"two files", kargs, ignition + 2000, "in no file"},
		{"the config in a directory", area, root, "in a directory"},
		{"the config in no file", area, int64(len(good)) - 2048, "in no file"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			data := bytes.Clone(good)
			binary.LittleEndian.PutUint64(data[tt.header:], uint64(tt.offset))
			i, err := Open(bytes.NewReader(data), int64(len(data)))
			if err != nil {
				t.Fatal(err)
			}
			if err := i.Reset(); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("reset: got %v, want %q", err, tt.want)
			}
			if tt.header != kargs {
				return
			}
			if err := i.SetKargs("a=b"); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("kernel arguments: got %v, want %q", err, tt.want)
			}
		})
	}
}

// FuzzImage damages an image in two places and changes it in every way, with and without growth. Boot loaders and
// descriptors have to stay as they are, unless the image grows.
func FuzzImage(f *testing.F) {
	var images [3][]byte
	for n, l := range []isotest.Layout{{IgnitionSize: 2048}, {IgnitionSize: 2048, Legacy: true}, {IgnitionSize: 2048}} {
		path := filepath.Join(f.TempDir(), "live.iso")
		err := isotest.Write(path, l)
		if err == nil && n == 2 {
			err = Edit(f.Context(), path, "", nil, growBy(5000))
		}
		if err == nil {
			images[n], err = os.ReadFile(path)
		}
		if err != nil {
			f.Fatal(err)
		}
	}
	json := uint32(bytes.Index(images[0], []byte(`{"file":`)))
	note := uint32(bytes.Index(images[2], []byte(noteMagic)))
	f.Add(uint8(0), json, []byte(`{"file":"images/efiboot.img","offset":1`), uint32(0), []byte(nil))
	f.Add(uint8(1), uint32(legacyKargsOffset+8), []byte("\x05\x00"), uint32(legacyIgnitionOffset+8), []byte("\x00"))
	f.Add(uint8(2), note+uint32(len(noteMagic))+4, []byte("\x00\x80\x05"), note+40, []byte("\xff"))
	f.Add(uint8(2), uint32(512), []byte("EFI PART"), uint32(446), []byte("\x00"))
	f.Fuzz(func(t *testing.T, which uint8, at uint32, damage []byte, also uint32, another []byte) {
		data := bytes.Clone(images[int(which)%len(images)])
		copy(data[int(at)%len(data):], damage)
		copy(data[int(also)%len(data):], another)
		if n := int(note); which%3 == 2 { // or a damaged note would never be read
			binary.LittleEndian.PutUint32(data[n+len(noteMagic):],
				crc32.ChecksumIEEE(data[n+len(noteMagic)+4:n+iso9660.SectorSize]))
		}
		open := func(data []byte) *Image {
			i, err := Open(bytes.NewReader(data), int64(len(data)))
			if err != nil {
				return nil
			}
			return i
		}
		i := open(data)
		if i == nil {
			return
		}
		_, _ = i.Inspect()
		_ = i.SetIgnition([]byte("{}"), true)
		_ = i.SetKeyfiles([]Keyfile{{Name: "a.nmconnection", Data: []byte("x")}}, true)
		_ = i.SetKargs("a=b")
		if i.Reset() == nil {
			_ = apply(t, i, data)
		}
		i = open(data)
		want := emptied(t, i, data)
		i = open(data)
		if growBy(9000)(i) != nil {
			return
		}
		grown := apply(t, i, data)
		if grown == nil {
			return
		}
		i, err := Open(bytes.NewReader(grown), int64(len(grown)))
		if err != nil {
			t.Fatalf("cannot open an image that has grown: %v", err)
		}
		if got := emptied(t, i, grown); want != nil && !bytes.Equal(got, want) {
			t.Errorf("after it has grown it cannot be undone: %d bytes, not %d, or others", len(got), len(want))
		}
	})
}

// emptied is an image without what was embedded, nil if it cannot be reset.
func emptied(t *testing.T, i *Image, data []byte) []byte {
	if i.Reset() != nil {
		return nil
	}
	return apply(t, i, data)
}

func growBy(size int) func(*Image) error {
	return func(i *Image) error { return i.SetArchives(Bytes(bytes.Repeat([]byte("070701"), size/6))) }
}

// apply changes an image in memory. It is nil if the image cannot be changed.
func apply(t *testing.T, i *Image, data []byte) []byte {
	c, err := i.planned()
	if err != nil {
		return nil
	}
	var out bytes.Buffer
	out.Write(data[:min(c.from, c.size)])
	out.Write(make([]byte, c.size-int64(out.Len())))
	end := int64(0)
	if i.undo == nil && i.grown == nil {
		end = iso9660.SystemArea + iso9660.SectorSize // nothing before is written
	}
	for _, p := range c.patches {
		var b bytes.Buffer
		if err := p.writeTo(t.Context(), &b); err != nil {
			t.Fatal(err)
		}
		if p.Offset < end || p.Offset+p.Length > c.size || int64(b.Len()) != p.Length {
			t.Fatalf("writes %d of %d bytes at %d of %d, after %d", b.Len(), p.Length, p.Offset, c.size, end)
		}
		copy(out.Bytes()[p.Offset:], b.Bytes())
		end = p.Offset + p.Length
	}
	if i.undo == nil && i.grown == nil {
		sameStructures(t, data, out.Bytes())
	}
	return out.Bytes()
}
