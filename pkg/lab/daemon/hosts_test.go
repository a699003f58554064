package daemon

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/clock"
	isofs "github.com/okd-install/okd-install/pkg/iso"
	"github.com/okd-install/okd-install/pkg/lab/cgroup"
	"github.com/okd-install/okd-install/pkg/lab/host"
	"github.com/okd-install/okd-install/pkg/lab/machine"
	"github.com/okd-install/okd-install/pkg/lab/site"
	"github.com/okd-install/okd-install/pkg/lab/volume"
)

// rack is a daemon with machines that are never switched on.
func rack(t *testing.T, dir string) *Daemon {
	t.Helper()
	volumes, err := volume.Open(filepath.Join(dir, "volumes"))
	if err != nil {
		t.Fatal(err)
	}
	groups, err := cgroup.Detect(clock.Real())
	if err != nil {
		t.Fatal(err)
	}
	machines, err := machine.New(machine.Config{
		Dir: filepath.Join(dir, "machines"), Disks: volumes, Cgroups: groups, Group: "okd-lab/none",
		Clock: clock.Real(), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return &Daemon{cfg: Config{Site: site.Site{Name: "test", Dir: dir}}, volumes: volumes, machines: machines}
}

func TestHosts(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	d := rack(t, dir)
	n := NewHost{Name: "metal", CPUs: 8, MemoryMB: 16384, MACs: []string{"52:54:00:AA:00:01", "52:54:00:aa:00:02"}}
	if err := d.createHost(ctx, n); err != nil {
		t.Fatal(err)
	}
	if err := d.createHost(ctx, n); err == nil || !strings.Contains(err.Error(), "there is a machine metal already") {
		t.Errorf("a second one: %v", err)
	}
	for what, bad := range map[string]NewHost{
		"name": {Name: "Metal", CPUs: 1, MemoryMB: 1}, "CPUs": {Name: "a", MemoryMB: 1},
		"MAC":  {Name: "a", CPUs: 1, MemoryMB: 1, MACs: []string{"x"}},
		"UUID": {Name: "a", CPUs: 1, MemoryMB: 1, Spec: host.Spec{UUID: "x"}},
		"size": {Name: "a", CPUs: 1, MemoryMB: 1, Spec: host.Spec{Disks: []host.Disk{{Size: 1}}}},
	} {
		if err := d.createHost(ctx, bad); err == nil {
			t.Errorf("bad %s is taken", what)
		}
	}
	list := d.hosts()
	if len(list) != 1 || list[0].MACs[0] != "52:54:00:aa:00:01" || len(list[0].MACs) != 2 || len(list[0].Disks) != 1 ||
		list[0].Disks[0].Size != 120<<30 || list[0].State != "down" {
		t.Errorf("%+v", list)
	}
	boot := BootSettings{Order: []host.Source{host.FromMedia, host.FromDisk}, Once: host.FromDisk}
	if err := d.setBoot("metal", boot); err != nil {
		t.Error(err)
	}
	for _, bad := range []BootSettings{{Once: "tape"}, {Order: []host.Source{"floppy"}}} {
		if err := d.setBoot("metal", bad); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
	if err := d.breakHost(ctx, "metal", Broken{Faults: []string{"dead-disk=sda", "cut-link"}}); err != nil {
		t.Error(err)
	}
	if err := d.breakHost(ctx, "metal", Broken{Faults: []string{"dead-disk=sdb"}}); err == nil {
		t.Error("a disk that is not there is broken")
	}
	if err := d.power(ctx, "metal", "kick"); err == nil {
		t.Error("an unknown button is pressed")
	}
	before := list[0]
	list = rack(t, dir).hosts() // a new daemon
	if len(list) != 1 || list[0].UUID != before.UUID || list[0].Order[0] != host.FromMedia ||
		list[0].Once != host.FromDisk || len(list[0].Faults.Dead) != 1 || len(list[0].Faults.Cut) != 2 {
		t.Errorf("after a restart: %+v", list)
	}
	if err := d.remove(ctx, "metal"); err != nil {
		t.Fatal(err)
	}
	if ids, err := d.volumes.IDs(); err != nil || len(ids) != 0 || len(d.hosts()) != 0 {
		t.Errorf("left: %v, %v, %v", ids, err, d.hosts())
	}
	if _, err := d.findHost("metal"); err == nil {
		t.Error("a host that was removed is found")
	}
}

func TestMedia(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	d := rack(t, dir)
	if err := d.createHost(ctx, NewHost{Name: "metal", CPUs: 8, MemoryMB: 16384}); err != nil {
		t.Fatal(err)
	}
	iso := smallISO(t)
	media := func() []os.DirEntry {
		entries, err := os.ReadDir(filepath.Join(dir, "media"))
		if err != nil {
			t.Fatal(err)
		}
		return entries
	}
	for range 2 { // the second takes the place of the first
		if err := d.insert(ctx, "metal", Medium{Source: iso}); err != nil {
			t.Fatal(err)
		}
		if len(media()) != 1 || d.hosts()[0].Media != filepath.Join(dir, "media", media()[0].Name()) {
			t.Errorf("%v, %q", media(), d.hosts()[0].Media)
		}
	}
	for _, bad := range []string{"relative.iso", "/nonexistent.iso", dir, os.Args[0]} {
		if err := d.insert(ctx, "metal", Medium{Source: bad}); err == nil {
			t.Errorf("%s is a medium", bad)
		}
	}
	if len(media()) != 1 {
		t.Errorf("what was refused is left: %v", media())
	}
	server := httptest.NewServer(http.FileServer(http.Dir(filepath.Dir(iso))))
	defer server.Close()
	if err := os.WriteFile(d.cfg.Site.File(site.CAFile), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := d.insert(ctx, "metal", Medium{Source: server.URL + "/none.iso"}); err == nil {
		t.Error("an answer without a medium is one")
	}
	url := server.URL + "/" + filepath.Base(iso)
	if err := d.insert(ctx, "metal", Medium{Source: url}); err != nil || len(media()) != 1 {
		t.Errorf("by URL: %v, %v", err, media())
	}
	// The second drive is for any medium.
	data := filepath.Join(t.TempDir(), "data.iso")
	if err := isofs.WriteVolume(data, "data", map[string][]byte{"file": []byte("x")}); err != nil {
		t.Fatal(err)
	}
	if err := d.insert(ctx, "metal", Medium{Source: data}); err == nil {
		t.Error("a host starts from a medium without a system")
	}
	if err := d.insert(ctx, "metal", Medium{Source: data, Slot: 2}); err != nil || len(media()) != 2 ||
		d.hosts()[0].SecondMedia == "" {
		t.Errorf("second drive: %v, %v", err, media())
	}
	if err := d.insert(ctx, "metal", Medium{Source: data, Slot: 3}); err == nil {
		t.Error("there is a third drive")
	}
	if err := d.ejectMedia("metal", 2); err != nil || len(media()) != 1 || d.hosts()[0].SecondMedia != "" {
		t.Errorf("second drive: %v, %v", err, media())
	}
	if err := d.ejectMedia("metal", 1); err != nil || len(media()) != 0 || d.hosts()[0].Media != "" {
		t.Errorf("%v, %v", err, media())
	}
	if _, err := os.Stat(iso); err != nil {
		t.Error("the user's own file is gone:", err)
	}
}

// smallISO has what firmware looks for.
func smallISO(t *testing.T) string {
	t.Helper()
	tree, path := t.TempDir(), filepath.Join(t.TempDir(), "small.iso")
	root := strings.Repeat("squashfs", 512)
	// Of a file with 4,096 bytes and a name with 14, in newc format.
	header := "070701" + strings.Repeat("0", 48) + "00001000" + strings.Repeat("0", 32) + "0000000E" + "00000000"
	for name, data := range map[string]string{
		"images/pxeboot/rootfs.img": header + "root.squashfs\x00" + root,
		"images/pxeboot/initrd.img": "x",
		"images/ignition.img":       strings.Repeat("\x00", 4096),
		"coreos/igninfo.json":       `{"file":"images/ignition.img"}`,
	} {
		file := filepath.Join(tree, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "xorriso", "-as", "mkisofs", "-quiet", "-r", "-o", path, tree)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return path
}
