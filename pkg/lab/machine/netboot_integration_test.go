//go:build integration

package machine_test

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/iso"
	"github.com/okd-install/okd-install/pkg/lab/engine"
	"github.com/okd-install/okd-install/pkg/lab/host"
	"github.com/okd-install/okd-install/pkg/lab/netns"
	"github.com/okd-install/okd-install/pkg/lab/network"
	"github.com/okd-install/okd-install/pkg/lab/network/networktest"
)

const named = `{"ignition": {"version": "3.2.0"}, "storage": {"files": [
	{"path": "/etc/hostname", "mode": 420, "contents": {"source": "data:,fetched"}}]}}`

// TestFetchedSystems starts hosts whose root comes over the network: with kernel and
// initramfs, or for a minimal ISO.
func TestFetchedSystems(t *testing.T) {
	l := newLabWithoutDHCP(t)
	dir := filepath.Dir(l.cfg.Dir)
	base := l.serveDir(dir)
	live := l.liveISO(named)
	packed, err := iso.WrapIgnition([]byte(named))
	if err != nil {
		t.Fatal(err)
	}
	pristine := l.pristineISO()
	if _, _, err := iso.ExtractPXE(t.Context(), pristine, iso.PXE{
		Dir: dir, Name: "pxe", Archives: []iso.Part{iso.Bytes(packed)},
	}); err != nil {
		t.Fatal(err)
	}
	minimal := filepath.Join(dir, "minimal.iso")
	if err := iso.ExtractMinimal(t.Context(), pristine, minimal, iso.Minimal{
		RootfsURL: base + "pxe-rootfs.img", Change: func(i *iso.Image) error { return i.SetIgnition([]byte(named), true) },
	}); err != nil {
		t.Fatal(err)
	}
	script := "#!ipxe\ninitrd --name main pxe-initrd.img\n" +
		"kernel pxe-vmlinuz initrd=main ignition.firstboot coreos.live.rootfs_url=" + base + "pxe-rootfs.img\nboot\n"
	if err := os.WriteFile(filepath.Join(dir, "boot.ipxe"), []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	networktest.StartDHCP(t, t.TempDir(), l.cfg.Switch.Namespace, "dhcp-userclass=set:ipxe,iPXE",
		"dhcp-boot=tag:ipxe,"+base+"boot.ipxe")
	start := func(name string, change func(*engine.Hardware)) {
		t.Helper()
		hw := l.physical(name)
		change(&hw)
		if err := l.sup.Start(t.Context(), hw); err != nil {
			t.Fatal(err)
		}
		l.eventually(name+" with its name", func() bool {
			out, err := l.run(hw.ID, "hostname")
			return err == nil && out == "fetched"
		})
		if out, err := l.run(hw.ID, "cat", "/proc/cmdline"); err != nil || !strings.Contains(out, "coreos.live.rootfs_url=") {
			t.Errorf("%s: arguments %q, %v", name, out, err)
		}
		if err := l.sup.PowerOff(t.Context(), hw.ID); err != nil {
			t.Fatal(err)
		}
	}
	start("network", func(hw *engine.Hardware) {
		hw.Host.Order = []host.Source{host.FromDisk, host.FromNetwork}
		hw.SecondMedia = &engine.Media{ISO: live}
	})
	start("minimal", func(hw *engine.Hardware) { hw.Media = &engine.Media{ISO: minimal} })
	// A file that is not that of the initramfs is not started.
	if err := os.WriteFile(filepath.Join(dir, "pxe-rootfs.img"), []byte("another"), 0o600); err != nil {
		t.Fatal(err)
	}
	hw := l.physical("wrong")
	hw.Media = &engine.Media{ISO: minimal}
	if err := l.sup.Start(t.Context(), hw); err != nil {
		t.Fatal(err)
	}
	l.eventually("a refused root", func() bool {
		return strings.Contains(l.consoles(), "is not the rootfs.img of this initramfs")
	})
}

// serveDir serves a directory in the machine network.
func (l *lab) serveDir(dir string) string {
	l.t.Helper()
	var listener net.Listener
	err := netns.Do(l.cfg.Switch.Namespace, func() (err error) {
		listener, err = net.Listen("tcp", network.Registry.String()+":8000")
		return err
	})
	if err != nil {
		l.t.Fatal(err)
	}
	s := &http.Server{Handler: http.FileServer(http.Dir(dir)), ReadHeaderTimeout: time.Minute}
	go func() { _ = s.Serve(listener) }()
	l.t.Cleanup(func() { s.Close() })
	return "http://" + listener.Addr().String() + "/"
}
