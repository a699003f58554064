//go:build integration

package machine_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/iso"
	"github.com/okd-install/okd-install/pkg/lab/engine"
	"github.com/okd-install/okd-install/pkg/lab/netns"
	"github.com/okd-install/okd-install/pkg/lab/network"
	"github.com/okd-install/okd-install/pkg/lab/setup"
)

// pristineISO is the lab's live ISO.
func (l *lab) pristineISO() string {
	l.t.Helper()
	made, err := setup.Load(cacheDir())
	if err != nil {
		l.t.Fatal(err)
	}
	return made.LiveISO
}

// liveISO is the lab's live ISO with a config and network settings embedded.
func (l *lab) liveISO(config string, profiles ...iso.Keyfile) string {
	l.t.Helper()
	// Beside the machines, which link to it.
	path := filepath.Join(filepath.Dir(l.cfg.Dir), "live.iso")
	err := iso.Edit(l.t.Context(), l.pristineISO(), path, nil, func(i *iso.Image) error {
		if err := i.SetIgnition([]byte(config), true); err != nil || len(profiles) == 0 {
			return err
		}
		return i.SetKeyfiles(profiles, true)
	})
	if err != nil {
		l.t.Fatal(err)
	}
	return path
}

// static is the profile of a host in a network without DHCP for it.
const static = `[connection]
id=ens4
type=ethernet
interface-name=ens4

[ipv4]
method=manual
address1=198.18.0.60/24,198.18.0.1
dns=198.18.0.1;

[ipv6]
method=disabled
`

// holds is the config of a live system with one for the disk in it.
const holds = `{"ignition": {"version": "3.2.0"}, "storage": {"files": [
    {"path": "/root/disk.ign", "mode": 384, "contents": {"source": "data:,%s"}}]}}`

// TestHostFromISO starts a host from a live ISO. Neither the live system nor the
// first boot of what it installs may need DHCP.
func TestHostFromISO(t *testing.T) {
	l := newLabWithoutDHCP(t)
	fetched := l.serve("/config", `{"ignition": {"version": "3.2.0"}, "storage": {"files": [
		{"path": "/etc/hostname", "mode": 420, "contents": {"source": "data:,installed"}}]}}`)
	disk := `{"ignition":{"version":"3.2.0","config":{"merge":[{"source":"` + fetched + `"}]}}}`
	hw := l.physical("iso")
	hw.Media = &engine.Media{ISO: l.liveISO(fmt.Sprintf(holds, strings.ReplaceAll(url.QueryEscape(disk), "+", "%20")),
		iso.Keyfile{Name: "ens4.nmconnection", Data: []byte(static)})}
	if err := l.sup.Define(hw); err != nil {
		t.Fatal(err)
	}
	l.open() // a definition outlives the daemon
	hw, found := l.sup.Hardware(hw.ID)
	if !found {
		t.Fatal("a host that was off is forgotten")
	}
	if err := l.sup.Start(t.Context(), hw); err != nil {
		t.Fatal(err)
	}
	address := func() bool {
		out, err := l.run(hw.ID, "ip", "-o", "-4", "addr", "show", "dev", "ens4")
		return err == nil && strings.Contains(out, "198.18.0.60/24")
	}
	l.eventually("the live system's address", address)
	l.looks(hw)
	for _, want := range []struct{ name, command, out string }{
		{"arguments", "grep -o 'coreos.liveiso=[a-z-]*' /proc/cmdline", "coreos.liveiso=scos-lab"},
		{"medium", "lsblk -dno NAME,LABEL,RO,RM /dev/sr0 | xargs", "sr0 scos-lab 1 1"},
		{"medium by its label", "readlink -f /dev/disk/by-label/scos-lab", "/dev/sr0"},
		{"what the medium has", "dd if=/dev/sr0 bs=1 skip=32769 count=5 status=none", "CD001"},
	} {
		if out, err := l.run(hw.ID, "sh", "-c", want.command); err != nil || out != want.out {
			t.Errorf("%s: %q, %v; want %q", want.name, out, err, want.out)
		}
	}
	if out, err := l.run(hw.ID, "sh", "-c",
		"coreos-installer install --copy-network -i /root/disk.ign /dev/sda && systemctl reboot"); err != nil {
		t.Fatal(err, out)
	}
	l.eventually("the installed system with its address", func() bool {
		name, err := l.run(hw.ID, "hostname")
		return err == nil && name == "installed" && address()
	})
}

// TestVMFromISO starts a VM with an empty disk from its drive, in which is a disk of the engine's with a live ISO. The
// drive is emptied while the live system runs, and the disk with the ISO is removed.
func TestVMFromISO(t *testing.T) {
	l := newLabWithoutDHCP(t)
	disk := `{"ignition":{"version":"3.2.0"}}`
	path := l.liveISO(fmt.Sprintf(holds, strings.ReplaceAll(url.QueryEscape(disk), "+", "%20")),
		iso.Keyfile{Name: "ens4.nmconnection", Data: []byte(static)})
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := l.volumes.Create(t.Context(), "medium", 1<<20); err != nil {
		t.Fatal(err)
	}
	if _, err := l.volumes.Write(t.Context(), "medium", 0, f); err != nil {
		t.Fatal(err)
	}
	if _, err := l.volumes.Commit(t.Context(), "medium", "raw"); err != nil {
		t.Fatal(err)
	}
	hw := l.physical("vm")
	hw.Standalone, hw.Media = false, &engine.Media{Disk: "medium"}
	if err := l.sup.Start(t.Context(), hw); err != nil {
		t.Fatal(err)
	}
	l.eventually("the live system", func() bool {
		out, err := l.run(hw.ID, "ip", "-o", "-4", "addr", "show", "dev", "ens4")
		return err == nil && strings.Contains(out, "198.18.0.60/24")
	})
	if err := errors.Join(l.sup.Insert(hw.ID, nil), l.volumes.Delete(t.Context(), "medium")); err != nil {
		t.Fatal(err)
	}
	if out, err := l.run(hw.ID, "sh", "-c",
		"coreos-installer install --copy-network -i /root/disk.ign /dev/sda && systemctl reboot"); err != nil {
		t.Fatal(err, out)
	}
	l.eventually("the installed system", func() bool {
		out, err := l.run(hw.ID, "cat", "/proc/cmdline")
		return err == nil && strings.Contains(out, "ignition.platform.id=metal") && !strings.Contains(out, "liveiso")
	})
}

// TestBrokenHost breaks a host while it runs and before it starts.
func TestBrokenHost(t *testing.T) {
	l := newLabWithoutDHCP(t)
	hw := l.physical("broken")
	hw.Media = &engine.Media{ISO: l.liveISO(`{"ignition": {"version": "3.2.0"}}`)}
	if err := l.sup.Define(hw); err != nil {
		t.Fatal(err)
	}
	do := func(fault string) {
		t.Helper()
		if err := l.sup.Break(t.Context(), hw.ID, fault); err != nil {
			t.Fatal(err)
		}
	}
	do("dead-disk=sda")
	hw, _ = l.sup.Hardware(hw.ID)
	if err := l.sup.Start(t.Context(), hw); err != nil {
		t.Fatal(err)
	}
	is := func(what, command, want string) {
		t.Helper()
		l.eventually(what, func() bool {
			out, err := l.run(hw.ID, "sh", "-c", command)
			return err == nil && out == want
		})
	}
	const fails = " bs=4096 count=1 conv=fsync 2>&1 | grep -o 'Input/output error'"
	is("a dead disk", "dd if=/dev/sda of=/dev/null"+strings.Replace(fails, "conv=fsync", "", 1), "Input/output error")
	is("writing to a dead disk", "dd if=/dev/zero of=/dev/sda"+fails, "Input/output error")
	is("its size", "cat /sys/block/sda/size", fmt.Sprint(hw.Host.Disks[0].Size/512))
	is("a link", "ip link set ens3 up; sleep 0.2; cat /sys/class/net/ens3/carrier", "1")
	do("cut-link=ens3")
	is("no link", "cat /sys/class/net/ens3/carrier", "0")
	copyTime := func() time.Duration {
		began := time.Now()
		if out, err := l.run(hw.ID, "dd", "if=/dev/zero", "of=/dev/sdb", "bs=1M", "count=8", "oflag=direct"); err != nil {
			t.Fatal(err, out)
		}
		return time.Since(began)
	}
	do("slow-disk=sdb:4MiB/s")
	if took := copyTime(); took < 1500*time.Millisecond {
		t.Errorf("8 MiB at 4 MiB/s took %s", took)
	}
	do("none")
	if took := copyTime(); took > 1500*time.Millisecond {
		t.Errorf("a mended disk took %s", took)
	}
	is("a mended link", "cat /sys/class/net/ens3/carrier", "1")
	if err := l.sup.PowerOff(t.Context(), hw.ID); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "losetup", "--list", "--noheadings", "--raw", "--output",
		"BACK-FILE").Output(); err != nil || strings.Contains(string(out), filepath.Dir(l.cfg.Dir)) {
		t.Errorf("devices are left: %v\n%s", err, out)
	}
	hw, _ = l.sup.Hardware(hw.ID)
	if err := l.sup.Start(t.Context(), hw); err != nil {
		t.Fatal(err)
	}
	is("a mended disk", "dd if=/dev/sda of=/dev/null bs=4096 count=1 status=none && echo good", "good")
}

// TestPowerOffInInitramfs cuts the power while the initramfs waits for a config.
func TestPowerOffInInitramfs(t *testing.T) {
	l := newLab(t)
	hw := l.physical("waiting")
	hw.Media = &engine.Media{ISO: l.liveISO(`{"ignition": {"version": "3.2.0",
		"config": {"merge": [{"source": "http://198.18.0.77/config"}]}}}`)}
	if err := l.sup.Start(t.Context(), hw); err != nil {
		t.Fatal(err)
	}
	l.eventually("Ignition fetching", func() bool { return strings.Contains(l.consoles(), "Ignition: fetch\n") })
	began := time.Now()
	if err := l.sup.PowerOff(t.Context(), hw.ID); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("power off took %s", took)
	}
	if left := l.cgroups.Group(l.cfg.Group).Procs(); len(left) != 0 {
		t.Errorf("processes %v outlived the power", left)
	}
}

// serve has a server in the machine network, which answers with a config.
func (l *lab) serve(path, config string) string {
	l.t.Helper()
	var listener net.Listener
	err := netns.Do(l.cfg.Switch.Namespace, func() (err error) {
		listener, err = net.Listen("tcp", network.Registry.String()+":8000")
		return err
	})
	if err != nil {
		l.t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, config) })
	s := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	go func() { _ = s.Serve(listener) }()
	l.t.Cleanup(func() { s.Close() })
	return "http://" + listener.Addr().String() + path
}
