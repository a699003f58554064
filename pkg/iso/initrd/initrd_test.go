package initrd

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// cpioOf makes an archive by hand: pairs of name and content.
func cpioOf(pairs ...string) []byte {
	var out []byte
	for n := 0; n < len(pairs); n += 2 {
		out = appendMember(out, &member{name: pairs[n], inode: uint32(n + 1), mode: typeRegular | 0o644, links: 1,
			data: []byte(pairs[n+1])})
	}
	return appendMember(out, &member{name: trailer, links: 1})
}

func gzipped(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	write(t, w, data)
	return b.Bytes()
}

func xzipped(t testing.TB, data []byte, c xz.WriterConfig) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := c.NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	write(t, w, data)
	return b.Bytes()
}

func zstded(t testing.TB, data []byte, o ...zstd.EOption) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b, o...)
	if err != nil {
		t.Fatal(err)
	}
	write(t, w, data)
	return b.Bytes()
}

func write(t testing.TB, w io.WriteCloser, data []byte) {
	t.Helper()
	_, err := w.Write(data)
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// encodings are the ways in which an archive may be stored.
func encodings(t testing.TB, data []byte) map[string][]byte {
	t.Helper()
	return map[string][]byte{
		"raw":          data,
		"gzip":         gzipped(t, data),
		"xz CRC32":     xzipped(t, data, xz.WriterConfig{CheckSum: xz.CRC32}),
		"xz CRC64":     xzipped(t, data, xz.WriterConfig{CheckSum: xz.CRC64}),
		"xz SHA-256":   xzipped(t, data, xz.WriterConfig{CheckSum: xz.SHA256}),
		"xz blocks":    xzipped(t, data, xz.WriterConfig{BlockSize: 64}),
		"zstd":         zstded(t, data),
		"zstd, no sum": zstded(t, data, zstd.WithEncoderCRC(false)),
	}
}

func TestReadsEveryEncoding(t *testing.T) {
	firsts := encodings(t, cpioOf("config.ign", "old", "a/b", strings.Repeat("x", 5000)))
	seconds := encodings(t, cpioOf("/config.ign", "new", "./c", ""))
	for first, one := range firsts {
		for second, two := range seconds {
			data := slices.Concat(pad(slices.Clone(one)), make([]byte, 8), two, make([]byte, 100))
			a, err := Read(data)
			if err != nil {
				t.Errorf("%s, then %s: %v", first, second, err)
				continue
			}
			config, found := a.File("config.ign")
			if string(config) != "new" || !found {
				t.Errorf("%s, then %s: the first copy won: %q", first, second, config)
			}
			if got := a.Names(); !slices.Equal(got, []string{"a/b", "config.ign", "c"}) {
				t.Errorf("%s, then %s: %q", first, second, got)
			}
		}
	}
}

// TestReadsStreamsWithoutGaps has streams that end at bytes that are not a multiple of 4.
func TestReadsStreamsWithoutGaps(t *testing.T) {
	data := slices.Concat(gzipped(t, cpioOf("a", "1")), zstded(t, cpioOf("b", "2")),
		xzipped(t, cpioOf("c", "3"), xz.WriterConfig{}), gzipped(t, cpioOf("d", "4")))
	a, err := Read(data)
	if err != nil || !slices.Equal(a.Names(), []string{"a", "b", "c", "d"}) {
		t.Errorf("%v, %v", a, err)
	}
}

func TestPack(t *testing.T) {
	a := &Archive{}
	a.Set("etc/coreos-firstboot-network/eth0.nmconnection", []byte("[connection]\n"))
	a.Set("config.ign", []byte("{}"))
	data, err := a.Pack()
	if err != nil {
		t.Fatal(err)
	}
	if len(data)%4 != 0 || data[7] != 1 {
		t.Errorf("%d bytes with check %d; the kernel wants xz with CRC32 (1)", len(data), data[7])
	}
	again, err := Read(data)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range again.members {
		got = append(got, fmt.Sprintf("%o %s", m.mode, m.name))
	}
	want := []string{"40755 etc", "40755 etc/coreos-firstboot-network",
		"100600 etc/coreos-firstboot-network/eth0.nmconnection", "100600 config.ign"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, name := range []string{"config.ign", "etc/coreos-firstboot-network/eth0.nmconnection"} {
		if !again.Remove(name) {
			t.Errorf("%s was not there", name)
		}
	}
	if again.Remove("config.ign") {
		t.Error("removed twice")
	}
	if data, err := again.Pack(); !again.IsEmpty() || len(data) > 0 || err != nil {
		t.Errorf("directories are left: %v, %v", again.members, err)
	}
}

// TestKeepsOthers packs an archive again that has every type of file.
func TestKeepsOthers(t *testing.T) {
	device := &member{name: "dev/null", inode: 9, mode: 0o020666, links: 1, device: [4]uint32{8, 1, 1, 3}}
	first := &member{name: "one", inode: 7, mode: typeRegular | 0o755, uid: 1, gid: 2, time: 3, links: 2}
	second := &member{name: "two", inode: 7, mode: typeRegular | 0o755, uid: 1, gid: 2, time: 3, links: 2,
		data: []byte("linked")}
	symlink := &member{name: "link", inode: 8, mode: 0o120777, links: 1, data: []byte("one")}
	var data []byte
	for _, m := range []*member{device, first, second, symlink, {name: trailer}} {
		data = appendMember(data, m)
	}
	a, err := Read(slices.Concat(cpioOf("x", "y"), data)) // inodes start at 1 in both
	if err != nil {
		t.Fatal(err)
	}
	a.Set("config.ign", []byte("{}"))
	packed, err := a.Pack()
	if err == nil {
		a, err = Read(packed)
	}
	if err != nil {
		t.Fatal(err)
	}
	by := map[string]*member{}
	inodes := map[uint32]int{}
	for _, m := range a.members {
		by[m.name] = m
		inodes[m.inode]++
	}
	if m := by["dev/null"]; m.mode != 0o020666 || m.device != [4]uint32{0, 0, 1, 3} {
		t.Errorf("device %+v", m)
	}
	if m := by["two"]; m.inode != by["one"].inode || inodes[m.inode] != 2 || m.uid != 1 || m.gid != 2 || m.time != 3 {
		t.Errorf("hard link %+v, %v", m, inodes)
	}
	if m := by["link"]; m.mode != 0o120777 || string(m.data) != "one" || inodes[m.inode] != 1 {
		t.Errorf("symbolic link %+v", m)
	}
}

func TestRefuses(t *testing.T) {
	good := cpioOf("config.ign", "{}")
	huge := make([]byte, MaxSize+1)
	wide := xzipped(t, good, xz.WriterConfig{DictCap: 128 << 20})
	badNumber := bytes.Replace(good, []byte("000081A4"), []byte("00008xA4"), 1)
	tests := []struct {
		name string
		data []byte
		want string
	}{
		{"text", []byte("menuentry"), `"menuen" is neither a cpio archive nor compressed`},
		{"lz4", []byte("\x02\x21\x4c\x18"), "neither"},
		{"no end", good[:len(good)-110], "the archive ends in the middle"},
		{"half a file", good[:120], "the archive ends in the middle"},
		{"old format", []byte("070707" + strings.Repeat("0", 200)), `"070707" is not the header`},
		{"bad number", badNumber, `"00008xA4" is not a hexadecimal number`},
		{"no name", []byte("070701" + strings.Repeat("0", 104)), "a name of 0 bytes"},
		{"a bomb", gzipped(t, huge), "more than 67108864 bytes when unpacked"},
		{"a large dictionary", wide, "needs a dictionary of 134217728 bytes"},
		{"cut gzip", gzipped(t, good)[:30], "unexpected EOF"},
		{"cut xz", xzipped(t, good, xz.WriterConfig{})[:40], "xz: unexpected EOF"},
		{"cut zstd", zstded(t, good)[:20], "zstd: unexpected EOF"},
		{"many archives", bytes.Repeat(gzipped(t, good), 65), "more than 64 archives"},
		{"garbage after it", append(slices.Clone(good), "junk"...), `"junk" is neither`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := Read(tt.data); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// TestPackRefuses what could not be read again.
func TestPackRefuses(t *testing.T) {
	a := &Archive{}
	a.Set("config.ign", make([]byte, MaxSize))
	if _, err := a.Pack(); err == nil || !strings.Contains(err.Error(), "more than 67108864") {
		t.Errorf("got %v", err)
	}
}

// TestToolsAgree reads what is packed with the tools that everybody uses.
func TestToolsAgree(t *testing.T) {
	for _, tool := range []string{"xz", "cpio"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("%v; hack/packages.sh installs it", err)
		}
	}
	a := &Archive{}
	a.Set("etc/coreos-firstboot-network/eth0.nmconnection", []byte("[connection]\n"))
	a.Set("config.ign", bytes.Repeat([]byte("{}"), 100_000))
	data, err := a.Pack()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", "xz -dc | cpio -it --quiet")
	cmd.Stdin = bytes.NewReader(data)
	out, err := cmd.CombinedOutput()
	want := "etc\netc/coreos-firstboot-network\netc/coreos-firstboot-network/eth0.nmconnection\nconfig.ign\n"
	if err != nil || string(out) != want {
		t.Errorf("%v\n%s", err, out)
	}
}

// FuzzRead looks for panics, and checks that what was read can be packed and read again.
func FuzzRead(f *testing.F) {
	for _, data := range encodings(f, cpioOf("config.ign", "{}", "a/b", "c")) {
		f.Add(data)
	}
	wide := xzipped(f, cpioOf("a", "b"), xz.WriterConfig{})
	binary.LittleEndian.PutUint16(wide[12:], 0xffff)
	f.Add(wide)
	f.Add([]byte(magic + "FFFFFFFF"))
	f.Add(slices.Concat(cpioOf("a", "b"), make([]byte, 5), cpioOf("c", "d")))
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := Read(data)
		if err != nil || len(data) > 1<<16 {
			return
		}
		plain := a.cpio()
		again, err := Read(plain)
		if err != nil {
			t.Fatalf("cannot read what was written: %v", err)
		}
		for _, m := range a.members {
			got := slices.IndexFunc(again.members, func(x *member) bool { return x.name == m.name })
			if got < 0 || !bytes.Equal(again.members[got].data, m.data) || again.members[got].mode != m.mode {
				t.Errorf("%q was lost or changed", m.name)
			}
		}
	})
}
