package iso9660_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/iso/iso9660"
	"github.com/okd-install/okd-install/pkg/iso/isotest"
)

func image(t testing.TB) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "live.iso")
	if err := isotest.Write(path, isotest.Layout{IgnitionSize: 4096}); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestFind(t *testing.T) {
	data := image(t)
	v, err := iso9660.Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	if v.Label != isotest.Label {
		t.Errorf("label %q", v.Label)
	}
	e, err := v.Find("images/pxeboot/vmlinuz")
	if err != nil || !bytes.HasPrefix(data[e.Offset:], []byte("kernel kernel")) || e.Size != 7000 {
		t.Errorf("%+v, %v", e, err)
	}
	raw, err := v.ReadFile("coreos/igninfo.json", 100)
	if err != nil || string(raw) != `{"file":"images/ignition.img"}` {
		t.Errorf("%q, %v", raw, err)
	}
	if _, err := v.ReadFile("coreos/igninfo.json", 10); err == nil || !strings.Contains(err.Error(), "has 30 bytes") {
		t.Errorf("read a file that is too large: %v", err)
	}
	for _, missing := range []string{"nothing", "coreos/nothing", "nothing/at/all", "coreos", "images/pxeboot", ""} {
		if _, err := v.Find(missing); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: %v", missing, err)
		}
	}
}

func TestRefuses(t *testing.T) {
	const descriptor = iso9660.SystemArea
	tests := []struct {
		name   string
		change func(data []byte) []byte
		want   string
	}{
		{"empty", func([]byte) []byte { return nil }, "not an ISO image"},
		{"a disk", func(d []byte) []byte { return make([]byte, len(d)) }, "not an ISO image"},
		{"truncated", func(d []byte) []byte { return d[:len(d)-2048] }, "is truncated"},
		{"other blocks", func(d []byte) []byte { d[descriptor+128] = 1; return d }, "blocks of 2049 bytes"},
		{"root far away", func(d []byte) []byte {
			binary.LittleEndian.PutUint32(d[descriptor+156+2:], 1<<30)
			return d
		}, "/ is at bytes"},
		{"a huge directory", func(d []byte) []byte {
			binary.LittleEndian.PutUint32(d[descriptor+156+10:], 2<<20)
			return append(d, make([]byte, 4<<20)...)
		}, "more than the 1048576 expected"},
		{"bad record", func(d []byte) []byte {
			root := binary.LittleEndian.Uint32(d[descriptor+156+2:]) * 2048
			d[root] = 3
			return d
		}, "bad record"},
	}
	good := image(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			data := tt.change(bytes.Clone(good))
			v, err := iso9660.Open(bytes.NewReader(data), int64(len(data)))
			if err == nil {
				_, err = v.Find("coreos/igninfo.json")
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// FuzzOpen damages an image in two places, and checks that nothing outside of it is named.
func FuzzOpen(f *testing.F) {
	good := image(f)
	root := binary.LittleEndian.Uint32(good[iso9660.SystemArea+156+2:]) * iso9660.SectorSize
	f.Add(uint32(iso9660.SystemArea), []byte("\x02"), uint32(0), []byte(nil))
	f.Add(uint32(iso9660.SystemArea+156), []byte("\x22\x00\xff"), root+34, []byte("\x00"))
	f.Add(root, []byte("\x21"), root+100, []byte("\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, at uint32, patch []byte, also uint32, another []byte) {
		data := bytes.Clone(good)
		copy(data[int(at)%len(data):], patch)
		copy(data[int(also)%len(data):], another)
		v, err := iso9660.Open(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		for _, name := range []string{"coreos/igninfo.json", "images/pxeboot/rootfs.img", "x"} {
			e, err := v.Find(name)
			if err == nil && (e.Offset < iso9660.SystemArea || e.Size < 0 || e.Offset+e.Size > int64(len(data))) {
				t.Errorf("%s: %+v of %d", name, e, len(data))
			}
		}
	})
}
