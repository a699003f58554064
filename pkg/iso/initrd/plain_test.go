package initrd

import (
	"bytes"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// zeros is a file of any size that is nowhere.
type zeros struct{ left int64 }

func (z *zeros) Read(p []byte) (int, error) {
	if z.left == 0 {
		return 0, io.EOF
	}
	n := int(min(int64(len(p)), z.left))
	clear(p[:n])
	z.left -= int64(n)
	return n, nil
}

func (z *zeros) Close() error { return nil }

// TestPlain writes large files, has cpio unpack them, and reads the archive without them.
func TestPlain(t *testing.T) {
	const size = 30<<20 + 1
	dir := t.TempDir()
	program := filepath.Join(dir, "program")
	content := bytes.Repeat([]byte("0123456789abcde"), size/15+1)[:size]
	if err := os.WriteFile(program, content, 0o600); err != nil {
		t.Fatal(err)
	}
	p := &Plain{}
	err := p.AddFile("okd-agent/okd-install", 0o755, program)
	if err == nil {
		err = p.AddBytes("/usr/lib/hook.sh", 0o755, []byte("#!/bin/sh\n"))
	}
	var out bytes.Buffer
	if err == nil {
		_, err = p.WriteTo(&out)
	}
	if err != nil || int64(out.Len()) != p.Size() || p.Size()%4 != 0 {
		t.Fatalf("%d bytes, not %d, %v", out.Len(), p.Size(), err)
	}
	cmd := exec.Command("cpio", "-id", "--quiet", "--no-absolute-filenames")
	cmd.Dir, cmd.Stdin = dir, bytes.NewReader(out.Bytes())
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("cpio: %v; hack/packages.sh installs it\n%s", err, text)
	}
	got, err := os.ReadFile(filepath.Join(dir, "okd-agent/okd-install"))
	info, err2 := os.Stat(filepath.Join(dir, "okd-agent/okd-install"))
	if err != nil || err2 != nil || !bytes.Equal(got, content) || info.Mode() != 0o755 {
		t.Errorf("cpio unpacked %d bytes, %v, %v", len(got), err, err2)
	}

	data := append(slices.Clone(out.Bytes()), gzipped(t, cpioOf("config.ign", "{}"))...)
	a, err := Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"okd-agent/okd-install", "usr/lib/hook.sh", "config.ign"}
	if config, found := a.File("config.ign"); !slices.Equal(a.Names(), want) || !found || string(config) != "{}" {
		t.Errorf("%q, %q", a.Names(), config)
	}
	if hook, found := a.File("usr/lib/hook.sh"); !found || string(hook) != "#!/bin/sh\n" {
		t.Errorf("the hook is %q", hook)
	}
	if _, found := a.File("okd-agent/okd-install"); found {
		t.Error("the program was read")
	}
	if parts := a.Parts(); !slices.Equal(parts, []Part{{0, p.Size()}}) || a.Used() != int64(len(data)) {
		t.Errorf("%+v, %d of %d bytes", parts, a.Used(), len(data))
	}
	if !a.IsFixed("usr/lib/hook.sh") || a.IsFixed("config.ign") || a.IsEmpty() {
		t.Error("not what is fixed")
	}
	a.Set("usr/lib/hook.sh", []byte("new"))
	if hook, _ := a.File("usr/lib/hook.sh"); string(hook) != "new" || len(a.Names()) != 3 {
		t.Errorf("the hook is %q; %q", hook, a.Names())
	}
}

// TestPlainMemory writes and reads an archive of 1 GiB.
func TestPlainMemory(t *testing.T) {
	const size, limit = 1 << 30, 8 << 20
	p := &Plain{}
	err := p.Add("a/large", 0o600, size, func() (io.ReadCloser, error) { return &zeros{size}, nil })
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f, err := os.Create(filepath.Join(t.TempDir(), "sparse"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := &holes{f: f}
	if _, err := p.WriteTo(w); err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(w.at + 1<<30); err != nil { // and zeros behind it
		t.Fatal(err)
	}
	a, err := Open(f, w.at+1<<30)
	if err != nil || !slices.Equal(a.Names(), []string{"a/large"}) {
		t.Errorf("%v, %v", a, err)
	}
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > limit {
		t.Errorf("allocated %d bytes, more than %d", used, limit)
	}
}

// holes leaves out zeros.
type holes struct {
	f  *os.File
	at int64
}

func (h *holes) Write(p []byte) (int, error) {
	if len(bytes.Trim(p, "\x00")) > 0 {
		if _, err := h.f.WriteAt(p, h.at); err != nil {
			return 0, err
		}
	}
	h.at += int64(len(p))
	return len(p), nil
}

func TestPlainRefuses(t *testing.T) {
	p := &Plain{}
	if err := p.AddBytes("a/b", 0o600, nil); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for want, err := range map[string]error{
		"a/b is in the archive already":     p.AddBytes("/a/./b", 0o600, nil),
		"a is in the archive already":       p.AddBytes("a", 0o600, nil),
		`cannot have the name "."`:          p.AddBytes("/", 0o600, nil),
		`cannot have the name "TRAILER!!!"`: p.AddBytes("TRAILER!!!", 0o600, nil),
		"has 4294967296 bytes":              p.Add("c", 0o600, math.MaxUint32+1, nil),
		"is not a regular file":             p.AddFile("d", 0o600, dir),
		"no such file":                      p.AddFile("e", 0o600, filepath.Join(dir, "missing")),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
