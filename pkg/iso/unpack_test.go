package iso_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"strconv"
	"strings"
	"testing"

	"github.com/ulikunitz/xz"
)

type unpacked struct {
	name string
	mode uint64
	data []byte
}

// unpack does what the kernel does with the archives of an initial RAM disk (init/initramfs.c), and is as strict: a
// plain archive begins at a multiple of 4 bytes, and the directory of a file comes before it.
func unpack(t *testing.T, data []byte) (list []unpacked) {
	t.Helper()
	dirs := map[string]bool{".": true, "": true}
	var plain func(data []byte) (n int)
	plain = func(data []byte) (n int) {
		number := func(field int) int {
			v, err := strconv.ParseUint(string(data[n+6+8*field:n+14+8*field]), 16, 32)
			if err != nil {
				t.Fatal(err)
			}
			return int(v)
		}
		for {
			if string(data[n:n+6]) != "070701" {
				t.Fatalf("no cpio header at byte %d: %q", n, data[n:n+6])
			}
			mode, size, length := number(1), number(6), number(11)
			name := string(data[n+110 : n+110+length-1])
			start := (n + 110 + length + 3) &^ 3
			content := data[start : start+size]
			n = (start + size + 3) &^ 3
			if name == "TRAILER!!!" {
				return n
			}
			if at := strings.LastIndex(name, "/"); at > 0 && !dirs[name[:at]] {
				t.Errorf("the kernel drops %s: its directory is not there", name)
			}
			if mode&0o040000 != 0 {
				dirs[name] = true
			}
			list = append(list, unpacked{name, uint64(mode), content})
		}
	}
	for n := 0; n < len(data); {
		switch rest := data[n:]; {
		case rest[0] == 0:
			n++
		case rest[0] == '0':
			if n%4 != 0 {
				t.Fatalf("a cpio archive at byte %d", n)
			}
			n += plain(rest)
		case rest[0] == 0x1f:
			in := bytes.NewReader(rest)
			r, err := gzip.NewReader(in)
			if err != nil {
				t.Fatal(err)
			}
			r.Multistream(false)
			out, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			plain(out)
			n = len(data) - in.Len()
		default: // the last one, and zeros
			end := bytes.LastIndex(rest, []byte("YZ")) + 2
			r, err := xz.NewReader(bytes.NewReader(rest[:end]))
			if err != nil {
				t.Fatal(err)
			}
			out, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			plain(out)
			return list
		}
	}
	return list
}
