package firmware

import (
	"bytes"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

const script = `#!ipxe
# of a rack
initrd --name initrd http://198.18.0.9/agent/initrd.img
initrd rootfs.img

kernel --name=linux vmlinuz initrd=initrd,rootfs.img  coreos.live.rootfs_url=http://x/y ignition.firstboot
boot
`

func parse(t testing.TB, text string) (Script, error) {
	t.Helper()
	from, err := url.Parse("http://boot.example.org:8080/agent/a.ipxe")
	if err != nil {
		t.Fatal(err)
	}
	return ParseScript([]byte(text), from)
}

func TestParseScript(t *testing.T) {
	got, err := parse(t, script)
	want := Script{
		Kernel:  "http://boot.example.org:8080/agent/vmlinuz",
		Cmdline: "initrd=initrd,rootfs.img coreos.live.rootfs_url=http://x/y ignition.firstboot",
		Initrds: []string{"http://198.18.0.9/agent/initrd.img", "http://boot.example.org:8080/agent/rootfs.img"},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	for name, bad := range map[string]struct{ text, says string }{
		"no script":        {"kernel http://x/y\nboot\n", "line 1: it is not a script"},
		"settings":         {"#!ipxe\nkernel http://x/${net0/mac}\nboot\n", "line 2: settings of iPXE"},
		"another command":  {"#!ipxe\ndhcp\n", `line 2: command "dhcp" is not supported`},
		"no boot":          {"#!ipxe\nkernel http://x/y\n", "no command boot"},
		"no kernel":        {"#!ipxe\ninitrd http://x/y\nboot\n", "line 3: boot: there is no kernel"},
		"two kernels":      {"#!ipxe\nkernel http://x/y\nkernel http://x/y\nboot\n", "line 3: kernel: there is another"},
		"after boot":       {"#!ipxe\nkernel http://x/y\nboot\nboot\n", "line 4: there is something after"},
		"no URL":           {"#!ipxe\nkernel --name x\nboot\n", "line 2: kernel: there is no URL"},
		"no name":          {"#!ipxe\ninitrd --name\n", "option --name has no value"},
		"another option":   {"#!ipxe\ninitrd --timeout 3 http://x/y\n", "option --timeout is not supported"},
		"an argument":      {"#!ipxe\ninitrd http://x/y z\n", `an initrd has no arguments, as "z"`},
		"another protocol": {"#!ipxe\nkernel tftp://x/y\nboot\n", "by HTTP, not from tftp://x/y"},
		"unknown initrd":   {"#!ipxe\nkernel http://x/y initrd=z\nboot\n", "no image has the name in initrd=z"},
		"a character":      {"#!ipxe\nkernel http://x/y \x1b\nboot\n", `character "\x1b"`},
	} {
		if s, err := parse(t, bad.text); err == nil || !strings.Contains(err.Error(), bad.says) {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
}

func FuzzParseScript(f *testing.F) {
	f.Add(script)
	f.Add("#!ipxe\nkernel -n a http://h/k b c\nboot")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := parse(t, text)
		if err != nil {
			return
		}
		for _, at := range append(s.Initrds, s.Kernel) {
			if !strings.HasPrefix(at, "http://") {
				t.Errorf("it fetches from %q", at)
			}
		}
		if strings.ContainsAny(s.Cmdline, "\n\x00") || strings.Contains(s.Cmdline, "${") {
			t.Errorf("arguments %q", s.Cmdline)
		}
	})
}

// site is a server with the files of a network boot.
func site(t *testing.T, files map[string][]byte) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, has := files[r.URL.Path]
		if !has {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(data)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func kernel() []byte {
	k := make([]byte, 4096)
	k[0x1fe], k[0x1ff] = 0x55, 0xaa
	copy(k[0x202:], "HdrS")
	return k
}

func TestFetch(t *testing.T) {
	files := map[string][]byte{
		"/a.ipxe":  []byte("#!ipxe\ninitrd i1\ninitrd i2\nkernel k initrd=i1 quiet\nboot\n"),
		"/k":       kernel(),
		"/i1":      append(gzipped(cpio(dir("etc"), text("etc/one", "1"), text("etc/two", "1"))), 0, 0, 0, 0),
		"/i2":      cpio(text("root.squashfs", "hsqs"), text("etc/two", "2")),
		"/no.ipxe": []byte("#!ipxe\nkernel i1\nboot\n"),
		"/404":     []byte("#!ipxe\nkernel k\ninitrd i3\nboot\n"),
		"/large":   bytes.Repeat([]byte("#"), maxScript+1),
	}
	server := site(t, files)
	n, err := Fetch(t.Context(), http.DefaultClient, server+"/a.ipxe", t.TempDir())
	if err != nil || n.Cmdline != "initrd=i1 quiet" {
		t.Fatalf("%+v, %v", n, err)
	}
	at := t.TempDir()
	if _, err := n.Unpack(t.Context(), at); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"etc/one": "1", "etc/two": "2"} {
		if got, err := os.ReadFile(filepath.Join(at, name)); err != nil || string(got) != want {
			t.Errorf("%s is %q, %v", name, got, err)
		}
	}
	path, root, err := RootInInitramfs(at)
	if want := (Root{Type: "squashfs", Size: 4}); err != nil || root != want || filepath.Base(path) != "root.squashfs" {
		t.Errorf("%s, %+v, %v", path, root, err)
	}
	if _, _, err := RootInInitramfs(t.TempDir()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an empty initramfs: %v", err)
	}
	for at, says := range map[string]string{
		"/no.ipxe": "/i1 is not a Linux kernel", "/404": "/i3: the server answers 404", "/large": "more than 65536 bytes",
		"/none": "/none: the server answers 404",
	} {
		if _, err := Fetch(t.Context(), http.DefaultClient, server+at, t.TempDir()); err == nil ||
			!strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", at, err)
		}
	}
	if _, err := Fetch(t.Context(), http.DefaultClient, "pxelinux.0", t.TempDir()); err == nil {
		t.Error("a name without a server is fetched")
	}
}

func TestArgument(t *testing.T) {
	const line = "a=1 coreos.live.rootfs_url=http://x a=2=3 b"
	for name, want := range map[string]string{"a": "2=3", "b": "", RootfsURL: "http://x"} {
		if got := Argument(line, name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}
