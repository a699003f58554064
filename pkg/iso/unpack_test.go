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

// kernel does what the kernel does with the archives of an initial RAM disk (init/initramfs.c), and is as strict.
type kernel struct {
	t     *testing.T
	dirs  map[string]bool
	files []unpacked
}

func unpack(t *testing.T, data []byte) []unpacked {
	t.Helper()
	k := &kernel{t: t, dirs: map[string]bool{}}
	for n := 0; n < len(data); {
		switch rest := data[n:]; {
		case rest[0] == 0:
			n++
		case rest[0] == '0':
			if n%4 != 0 {
				t.Fatalf("a cpio archive at byte %d", n)
			}
			n += k.cpio(rest)
		case rest[0] == 0x1f:
			in := bytes.NewReader(rest)
			r, err := gzip.NewReader(in)
			if err != nil {
				t.Fatal(err)
			}
			r.Multistream(false)
			k.cpio(k.all(r))
			n = len(data) - in.Len()
		default: // the last one, and zeros
			r, err := xz.NewReader(bytes.NewReader(rest[:bytes.LastIndex(rest, []byte("YZ"))+2]))
			if err != nil {
				t.Fatal(err)
			}
			k.cpio(k.all(r))
			return k.files
		}
	}
	return k.files
}

func (k *kernel) all(r io.Reader) []byte {
	out, err := io.ReadAll(r)
	if err != nil {
		k.t.Fatal(err)
	}
	return out
}

// cpio unpacks the archive at the beginning, and returns its size.
func (k *kernel) cpio(data []byte) (n int) {
	number := func(field int) int {
		v, err := strconv.ParseUint(string(data[n+6+8*field:n+14+8*field]), 16, 32)
		if err != nil {
			k.t.Fatal(err)
		}
		return int(v)
	}
	for {
		if string(data[n:n+6]) != "070701" {
			k.t.Fatalf("no cpio header at byte %d: %q", n, data[n:n+6])
		}
		mode, size, length := number(1), number(6), number(11)
		name := string(data[n+110 : n+110+length-1])
		start := (n + 110 + length + 3) &^ 3
		content := data[start : start+size]
		n = (start + size + 3) &^ 3
		if name == "TRAILER!!!" {
			return n
		}
		if at := strings.LastIndex(name, "/"); at > 0 && !k.dirs[name[:at]] {
			k.t.Errorf("the kernel drops %s: its directory is not there", name)
		}
		k.dirs[name] = k.dirs[name] || mode&0o040000 != 0
		k.files = append(k.files, unpacked{name, uint64(mode), content})
	}
}
