package medium

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/iso"
	"github.com/okd-install/okd-install/pkg/iso/initrd"
)

// host is a system without a configuration.
type host struct {
	testing.TB
	Loader
	log bytes.Buffer
	ran []string
}

func newHost(t testing.TB) *host {
	h := &host{TB: t}
	h.Loader = Loader{Root: t.TempDir(), Log: slog.New(slog.NewTextHandler(&h.log, nil)),
		Run: func(_ context.Context, name string, args ...string) error {
			h.ran = append(h.ran, name+" "+strings.Join(args, " "))
			return nil
		}}
	h.file("sys/class/block/sda", "")
	h.file("sys/class/block/fd0", "")
	h.file("dev/sda", strings.Repeat("x", 40<<10))
	h.file(releaseFile, "quay.io/okd@sha256:aa\n")
	return h
}

func (h *host) file(name, content string) {
	h.Helper()
	path := filepath.Join(h.Root, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o600)); err != nil {
		h.Fatal(err)
	}
}

func (h *host) read(name string) string {
	h.Helper()
	b, err := os.ReadFile(filepath.Join(h.Root, name))
	if err != nil {
		h.Error(err)
	}
	return string(b)
}

// insert puts a medium into a drive.
func (h *host) insert(drive, label string, packed []byte) {
	h.Helper()
	path := filepath.Join(h.TempDir(), "medium.iso")
	if err := iso.WriteVolume(path, label, map[string][]byte{agent.ConfigArchive: packed}); err != nil {
		h.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		h.Fatal(err)
	}
	h.file("sys/class/block/"+drive, "")
	h.file("dev/"+drive, string(b))
}

// config is a configuration for a release, with more files.
func config(t testing.TB, release string, more map[string]string) []byte {
	t.Helper()
	raw, err := (&agent.Config{ReleaseImage: release}).Encode()
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{agent.ConfigFile: string(raw), releaseFile: release + "\n"}
	for name, text := range more {
		files[name] = text
	}
	archive := &initrd.Plain{}
	for name, text := range files {
		if err := archive.AddBytes(name, 0o640, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := archive.WriteTo(w); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestEarly(t *testing.T) {
	h := newHost(t)
	if err := h.Early(t.Context()); err != nil {
		t.Fatal("without a medium:", err)
	}
	h.insert("sr0", "another", config(t, "quay.io/okd@sha256:bb", nil))
	h.insert("sr1", agent.ConfigLabel, config(t, "quay.io/okd@sha256:aa", map[string]string{
		agent.Dir + "/master.ign": "{master}", agent.NetworkDir + "/host0/mac_interface.ini": "52:54:00:00:00:01=eno1\n",
	}))
	if err := h.Early(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		agent.Dir + "/master.ign": "{master}", agent.NetworkDir + "/host0/mac_interface.ini": "52:54:00:00:00:01=eno1\n",
	} {
		if got := h.read(name); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
	info, err := os.Stat(filepath.Join(h.Root, agent.ConfigFile))
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("%v, %v", info, err)
	}
	if len(h.ran) > 0 {
		t.Errorf("it ran %q", h.ran)
	}
}

func TestRefused(t *testing.T) {
	right := config(t, "quay.io/okd@sha256:aa", nil)
	for _, tt := range []struct {
		name string
		on   map[string][]byte
		says string
	}{
		{"another release", map[string][]byte{"sr0": config(t, "quay.io/okd@sha256:bb", nil)},
			"is for release quay.io/okd@sha256:bb, but this system was made for quay.io/okd@sha256:aa"},
		{"two media", map[string][]byte{"sr0": right, "sdb": right}, "/dev/sdb and /dev/sr0 have the label"},
		{"half a medium", map[string][]byte{"sr0": right[:len(right)/2]}, "configuration on /dev/sr0: "},
		{"no archive", map[string][]byte{"sr0": []byte("x")}, "configuration on /dev/sr0: "},
		{"no configuration", map[string][]byte{"sr0": config(t, "quay.io/okd@sha256:aa",
			map[string]string{agent.ConfigFile: "{"})}, "configuration on /dev/sr0: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHost(t)
			for drive, packed := range tt.on {
				h.insert(drive, agent.ConfigLabel, packed)
			}
			if err := h.Early(t.Context()); err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error %v, want %q", err, tt.says)
			}
			if _, err := os.Stat(filepath.Join(h.Root, agent.ConfigFile)); err == nil {
				t.Error("the host is configured")
			}
		})
	}
}

// inserting is a clock on which a medium is inserted while the host waits.
type inserting struct {
	clock.Clock
	do func()
}

func (c inserting) After(time.Duration) <-chan time.Time {
	c.do()
	now := make(chan time.Time, 1)
	now <- time.Time{}
	return now
}

func TestWait(t *testing.T) {
	h := newHost(t)
	looks := 0
	err := h.Wait(t.Context(), inserting{do: func() {
		if looks++; looks == 3 {
			h.insert("sr0", agent.ConfigLabel, config(t, "quay.io/okd@sha256:aa",
				map[string]string{"/etc/systemd/system.conf.d/10-default-env.conf": "[Manager]\n"}))
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(h.log.String(), "waiting for a medium"); got != 1 || looks != 3 {
		t.Errorf("said %d times after %d looks: %s", got, looks, h.log.String())
	}
	want := []string{
		"systemctl daemon-reload", "systemctl restart okd-agent-network.service",
		"systemctl try-restart NetworkManager.service chronyd.service",
		"systemctl start --no-block okd-agent.service okd-agent-console.service okd-agent-console@ttyS0.service",
	}
	if strings.Join(h.ran, "\n") != strings.Join(want, "\n") {
		t.Errorf("it ran %q", h.ran)
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if err := newHost(t).Wait(stopped, clock.Real()); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v", err)
	}
}

// Whatever is in an archive, it stays below the root.
func FuzzWrite(f *testing.F) {
	z, err := gzip.NewReader(bytes.NewReader(config(f, "quay.io/okd@sha256:aa", map[string]string{"../../x": "y"})))
	if err != nil {
		f.Fatal(err)
	}
	plain, err := io.ReadAll(z)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(plain)
	f.Fuzz(func(t *testing.T, plain []byte) {
		archive, err := initrd.Read(plain)
		if err != nil {
			return
		}
		outer := t.TempDir()
		l := Loader{Root: filepath.Join(outer, "a", "root")}
		_ = l.write(archive)
		_ = filepath.WalkDir(outer, func(path string, d os.DirEntry, err error) error {
			if err == nil && !d.IsDir() && !strings.HasPrefix(path, l.Root+"/") {
				t.Errorf("it wrote %s", path)
			}
			return nil
		})
	})
}
