package firmware

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// file is one of a test's archives.
type file struct {
	name, data string
	mode       uint32
	inode      uint32
	links      uint32
}

func dir(name string) file { return file{name: name, mode: typeDir | 0o750} }

func text(name, data string) file { return file{name: name, data: data, mode: typeRegular | 0o640} }

// cpio makes an archive.
func cpio(files ...file) []byte {
	var b bytes.Buffer
	pad := func() { b.Write(make([]byte, (4-b.Len()%4)%4)) }
	for i, f := range append(files, file{name: trailer}) {
		if f.inode == 0 {
			f.inode = uint32(1000 + i)
		}
		fmt.Fprintf(&b, "%s%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%s\x00", magic, f.inode, f.mode, os.Geteuid(),
			os.Getegid(), max(f.links, 1), 0, len(f.data), 0, 0, 0, 0, len(f.name)+1, 0, f.name)
		pad()
		b.WriteString(f.data)
		pad()
	}
	return b.Bytes()
}

func gzipped(plain []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(plain)
	_ = z.Close()
	return b.Bytes()
}

func unpack(t *testing.T, data []byte) (string, []string, error) {
	t.Helper()
	at := t.TempDir()
	root, err := os.OpenRoot(at)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	u := &unpacker{ctx: t.Context(), root: root, bytes: 1 << 20, files: 100}
	err = u.archives(bytes.NewReader(data), true)
	return at, u.skipped, err
}

func TestUnpack(t *testing.T) {
	e, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	var data []byte
	for _, part := range [][]byte{
		cpio(dir("kernel"), text("kernel/microcode", "x")), make([]byte, 512),
		e.EncodeAll(cpio(dir("usr"), dir("usr/bin"), text("usr/bin/sh", "shell"),
			file{name: "bin", data: "usr/bin", mode: typeLink | 0o777}), nil),
		gzipped(cpio(text("/init", "first"), file{name: "dev", mode: typeDir | 0o755},
			file{name: "dev/null", mode: 0o020666})),
		make([]byte, 4),
		cpio(dir("okd-agent"), text("okd-agent/program", strings.Repeat("program ", 1000)),
			file{name: "one", mode: typeRegular | 0o4755, inode: 7, links: 2},
			file{name: "two", mode: typeRegular | 0o4755, inode: 7, links: 2, data: "linked"}),
		gzipped(append(cpio(text("config.ign", "{}")), cpio(text("./init", "second"), text("bin/ls", "list"),
			text("no/where", "lost"))...)),
	} {
		data = append(data, part...)
	}
	at, skipped, err := unpack(t, data)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"kernel/microcode": "x", "usr/bin/sh": "shell", "init": "second", "usr/bin/ls": "list", "config.ign": "{}",
		"okd-agent/program": strings.Repeat("program ", 1000), "one": "linked",
	} {
		if b, err := os.ReadFile(filepath.Join(at, name)); err != nil || string(b) != want {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
	for name, want := range map[string]os.FileMode{
		"okd-agent": os.ModeDir | 0o750, "config.ign": 0o640, "one": 0o755 | os.ModeSetuid, "bin": os.ModeSymlink | 0o777,
	} {
		if info, err := os.Lstat(filepath.Join(at, name)); err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	if info, err := os.Stat(filepath.Join(at, "two")); err != nil || info.Sys().(*syscall.Stat_t).Nlink != 2 {
		t.Errorf("two names of a file: %v, %v", info, err)
	}
	if _, err := os.Stat(filepath.Join(at, "dev/null")); err == nil {
		t.Error("a device was made")
	}
	if !reflect.DeepEqual(skipped, []string{"no/where"}) {
		t.Errorf("skipped %q", skipped)
	}
}

func TestUnpackBad(t *testing.T) {
	good := cpio(text("a", "abc"))
	for name, data := range map[string][]byte{
		"cut header": good[:50], "cut data": good[:len(good)-134], "no archive": []byte("hello, world"),
		"cut gzip": gzipped(good)[:40], "no archive in gzip": gzipped([]byte("hello")),
		"out of the directory": cpio(file{name: "up", data: "/etc", mode: typeLink | 0o777}, text("up/passwd", "x")),
		"directory is a file":  cpio(dir("a"), text("a", "x")),
		"too large":            cpio(text("a", strings.Repeat("x", 2<<20))),
		"nested compression":   gzipped(gzipped(good)),
	} {
		if _, _, err := unpack(t, data); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add(cpio(dir("a"), text("a/b", "c"), file{name: "l", data: "a", mode: typeLink | 0o777}))
	f.Add(append(make([]byte, 4), gzipped(cpio(text("../../x", "y")))...))
	f.Add(cpio(file{name: "up", data: "..", mode: typeLink | 0o777}, text("up/x", "x")))
	f.Fuzz(func(t *testing.T, data []byte) {
		outer := t.TempDir()
		at := filepath.Join(outer, "root")
		if err := os.Mkdir(at, 0o755); err != nil {
			t.Fatal(err)
		}
		root, err := os.OpenRoot(at)
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		u := &unpacker{ctx: t.Context(), root: root, bytes: 1 << 20, files: 50}
		_ = u.archives(bytes.NewReader(data), true)
		if entries, err := os.ReadDir(outer); err != nil || len(entries) != 1 {
			t.Errorf("left its directory: %v, %v", entries, err)
		}
	})
}

// TestOpen reads an ISO that another program made.
func TestOpen(t *testing.T) {
	if _, err := exec.LookPath("xorriso"); err != nil {
		t.Fatal("xorriso is missing: hack/packages.sh installs it")
	}
	tree := t.TempDir()
	squashfs := strings.Repeat("squashfs", 512)
	area := make([]byte, 4096)
	copy(area, cpio(text("config.ign", "{}")))
	info, _ := json.Marshal(map[string]any{"file": "images/ignition.img"})
	for name, data := range map[string][]byte{
		"images/pxeboot/rootfs.img": cpio(text("root.squashfs", squashfs)),
		"images/pxeboot/initrd.img": gzipped(cpio(text("init", "x"))),
		"images/ignition.img":       area,
		"coreos/igninfo.json":       info,
	} {
		path := filepath.Join(tree, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, data, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "test.iso")
	out, err := exec.CommandContext(t.Context(), "xorriso", "-as", "mkisofs", "-quiet", "-r", "-V", "label-1", "-o", path,
		tree).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	m, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if m.Cmdline != "" || m.Root.Type != "squashfs" || m.Root.Size != int64(len(squashfs)) {
		t.Errorf("%+v", m)
	}
	if label, size, err := Volume(path); err != nil || label != "label-1" || size < m.Root.Size {
		t.Errorf("volume %q of %d bytes, %v", label, size, err)
	}
	root := make([]byte, 8)
	if _, err := m.file.ReadAt(root, m.Root.Offset); err != nil || string(root) != "squashfs" {
		t.Errorf("root begins with %q, %v", root, err)
	}
	at := t.TempDir()
	if skipped, err := m.Unpack(t.Context(), at); err != nil || skipped != nil {
		t.Fatal(err, skipped)
	}
	for _, name := range []string{"init", "config.ign"} {
		if _, err := os.Stat(filepath.Join(at, name)); err != nil {
			t.Error(err)
		}
	}
	if _, err := Open("/dev/null"); err == nil {
		t.Error("nothing is a medium")
	}
}

func FuzzRootIn(f *testing.F) {
	f.Add(cpio(text("root.squashfs", "x")))
	f.Add(cpio(text("root.erofs", "x")))
	f.Fuzz(func(t *testing.T, data []byte) {
		in := bytes.NewReader(data)
		r, err := rootIn(in)
		if err == nil && (r.Offset%4 != 0 || r.Offset > int64(len(data))) {
			t.Errorf("root at %d of %d", r.Offset, len(data))
		}
	})
}

func TestRootIn(t *testing.T) {
	r, err := rootIn(bytes.NewReader(cpio(text("root.squashfs", "x"))))
	if want := (Root{Type: "squashfs", Offset: 124, Size: 1}); err != nil || r != want {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := rootIn(bytes.NewReader(cpio(text("other", "x")))); err == nil {
		t.Error("any file is a root")
	}
	if _, err := rootIn(io.LimitReader(bytes.NewReader(cpio(text("root.erofs", ""))), 100)); err == nil {
		t.Error("half a header is enough")
	}
}

const profile = `# of a host
[connection]
id=eno1
type=802-3-ethernet
interface-name=ens3

[ethernet]
mac-address=52:54:00:AB:00:01

[ipv4]
method=manual
address1=198.18.0.60/24,198.18.0.1
address2=198.18.0.61/32
dns=198.18.0.1;198.18.0.2;
dns-search=example.org;
route1=198.19.0.0/16,198.18.0.3,100

[ipv6]
address1=2001:db8::1/64
`

func TestParseProfile(t *testing.T) {
	got, err := ParseProfile(profile)
	want := Profile{
		Type: Ethernet, Interface: "ens3", MAC: "52:54:00:ab:00:01", Method: "manual",
		Addresses: []netip.Prefix{netip.MustParsePrefix("198.18.0.60/24"), netip.MustParsePrefix("198.18.0.61/32")},
		Gateway:   netip.MustParseAddr("198.18.0.1"),
		DNS:       []netip.Addr{netip.MustParseAddr("198.18.0.1"), netip.MustParseAddr("198.18.0.2")},
		Search:    []string{"example.org"},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	for card, matches := range map[Card]bool{
		{"ens3", "52:54:00:AB:00:01"}: true, {"ens4", "52:54:00:ab:00:01"}: false, {"ens3", "52:54:00:ab:00:02"}: false,
	} {
		if got.Matches(card) != matches {
			t.Errorf("%+v: %v", card, !matches)
		}
	}
	for _, bad := range []string{"[ipv4]\naddress1=x\n", "[ipv4]\ngateway=1\n", "[ipv4]\ndns=y;\n", "key\n"} {
		if p, err := ParseProfile(bad); err == nil {
			t.Errorf("%q is a profile: %+v", bad, p)
		}
	}
}

func FuzzParseProfile(f *testing.F) {
	f.Add(profile)
	f.Add("[ipv4]\naddress=1\naddresses=198.18.0.1/24\n")
	f.Fuzz(func(_ *testing.T, text string) { _, _ = ParseProfile(text) })
}

func TestProfiles(t *testing.T) {
	at := t.TempDir()
	for name, data := range map[string]string{"a.nmconnection": profile, "b": "no profile", "c.nmconnection": ""} {
		if err := os.WriteFile(filepath.Join(at, name), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	list, err := Profiles(at)
	if err != nil || len(list) != 2 || list[0].Name != "a.nmconnection" {
		t.Errorf("%+v, %v", list, err)
	}
	if list, err := Profiles(filepath.Join(at, "none")); err != nil || list != nil {
		t.Errorf("%+v, %v", list, err)
	}
}
