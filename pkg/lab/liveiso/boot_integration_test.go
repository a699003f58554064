//go:build integration

package liveiso_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/iso"
	"github.com/okd-install/okd-install/pkg/lab/setup"
	"github.com/okd-install/okd-install/pkg/lab/site"
	"github.com/okd-install/okd-install/pkg/wait"
)

// What the live system prints when its own configuration is there.
const (
	reached    = "LIVE SYSTEM REACHED host=live-test network=live.nmconnection karg=lab.test"
	reachedPXE = "LIVE SYSTEM REACHED host=live-test network= karg=lab.test"
)

// config has a unit that prints it to the console: host name from Ignition,
// profile from the initramfs, argument from the boot loader.
const config = `{
  "ignition": {"version": "3.2.0"},
  "storage": {"files": [{"path": "/etc/hostname", "mode": 420, "contents": {"source": "data:,live-test"}}]},
  "systemd": {"units": [{"name": "reached.service", "enabled": true, "contents": "` +
	`[Unit]\nAfter=systemd-user-sessions.service\n[Service]\nType=oneshot\n` +
	`ExecStart=/bin/sh -c 'echo LIVE SYSTEM REACHED host=$(cat /etc/hostname) ` +
	`network=$(ls /etc/NetworkManager/system-connections) karg=$(grep -o lab.test /proc/cmdline) ` +
	`medium=$(mountpoint -q /run/media/iso && echo yes || echo no) >/dev/console'\n` +
	`[Install]\nWantedBy=multi-user.target\n"}]}
}`

// testKargs are what the tests add to the kernel arguments. Without the second one
// the kernel panics if this machine is so busy that interrupts come late.
const testKargs = "lab.test no_timer_check"

// profile is for a network that needs nobody's answer.
const profile = "[connection]\nid=live\ntype=ethernet\n[ipv4]\nmethod=manual\naddress1=198.18.0.77/24\n" +
	"[ipv6]\nmethod=disabled\n"

// labISO is the path of the lab's.
func labISO(t *testing.T) string {
	t.Helper()
	cache := os.Getenv("OKD_LAB_CACHE")
	if cache == "" {
		cache = site.DefaultCache
	}
	made, err := setup.Load(cache)
	if err != nil {
		t.Fatal(err) // not a skip: the test was asked for
	}
	return made.LiveISO
}

// customized is a copy of an ISO with everything embedded that can be.
func customized(t *testing.T, pristine string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "live.iso")
	want := bootRecords(t, pristine)
	err := iso.Edit(t.Context(), pristine, path, io.Discard, func(i *iso.Image) error {
		if err := i.SetIgnition([]byte(config), false); err != nil {
			return err
		}
		keyfiles := []iso.Keyfile{{Name: "live.nmconnection", Data: []byte(profile)}}
		if err := i.SetKeyfiles(keyfiles, false); err != nil {
			return err
		}
		kargs, err := i.Kargs()
		if err != nil {
			return err
		}
		return i.SetKargs(kargs + " " + testKargs)
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := bootRecords(t, path); got != want {
		t.Errorf("the boot records were:\n%s\nand are:\n%s", want, got)
	}
	return path
}

// bootRecords are what firmware looks for, as xorriso sees it.
func bootRecords(t *testing.T, path string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "xorriso", "-indev", path, "-report_el_torito", "plain",
		"-report_system_area", "plain").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, record := range []string{"BIOS", "UEFI", "MBR partition", "GPT start and size"} {
		if !strings.Contains(string(out), record) {
			t.Fatalf("%s has no %s record:\n%s", path, record, out)
		}
	}
	return string(out)
}

// networkBoot are QEMU's arguments for the files that a network boot loads: the
// config and the root file system are parts of the initramfs.
func networkBoot(t *testing.T, pristine string) []string {
	t.Helper()
	dir := t.TempDir()
	files, left, err := iso.ExtractPXE(t.Context(), pristine, iso.PXE{Dir: dir})
	if err != nil || len(left) != 0 || len(files) != 3 {
		t.Fatalf("extracted %q, %q is left: %v", files, left, err)
	}
	wrapped, err := iso.WrapIgnition([]byte(config))
	if err != nil {
		t.Fatal(err)
	}
	initrd, err := os.OpenFile(files[1], os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer initrd.Close()
	rootfs, err := os.Open(files[2])
	if err != nil {
		t.Fatal(err)
	}
	defer rootfs.Close()
	if _, err := io.Copy(initrd, io.MultiReader(rootfs, bytes.NewReader(wrapped))); err != nil {
		t.Fatal(err)
	}
	return []string{
		"-kernel", files[0], "-initrd", files[1],
		"-append", "ignition.firstboot ignition.platform.id=metal console=ttyS0 " + testKargs,
	}
}

// fromDVD are QEMU's arguments for a machine with BIOS and the ISO in its drive.
func fromDVD(path string) []string { return []string{"-machine", "pc", "-cdrom", path} }

// fromStick are those for a machine with UEFI and the ISO on a USB stick.
func fromStick(t *testing.T, path string) []string {
	t.Helper()
	vars := filepath.Join(t.TempDir(), "vars.fd")
	b, err := os.ReadFile("/usr/share/OVMF/OVMF_VARS.fd")
	if err == nil {
		err = os.WriteFile(vars, b, 0o600)
	}
	if err != nil {
		t.Fatalf("%v; hack/packages.sh installs ovmf", err)
	}
	return []string{
		"-machine", "q35",
		"-drive", "if=pflash,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE.fd",
		"-drive", "if=pflash,format=raw,file=" + vars,
		"-device", "qemu-xhci", "-device", "usb-storage,drive=stick,bootindex=0",
		"-drive", "if=none,id=stick,format=raw,readonly=on,file=" + path,
	}
}

// TestBoot boots the ISO in QEMU, without hardware acceleration: from a DVD with
// BIOS, from a USB stick with UEFI, and from its files as a network boot does.
func TestBoot(t *testing.T) {
	pristine := labISO(t)
	path := customized(t, pristine)
	for _, test := range []struct {
		name string
		want string
		args []string
	}{
		{"BIOS", reached, fromDVD(path)},
		{"UEFI", reached, fromStick(t, path)},
		{"PXE", reachedPXE, networkBoot(t, pristine)},
		{"Memory", reached + " medium=no", fromMemory(t, path)},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			boot(t, test.args, test.want)
		})
	}
}

// fromMemory are QEMU's arguments for a system that lets go of its medium. The last -m counts.
func fromMemory(t *testing.T, path string) []string {
	t.Helper()
	copied := filepath.Join(t.TempDir(), "memory.iso")
	err := iso.Edit(t.Context(), path, copied, io.Discard, func(i *iso.Image) error {
		kargs, err := i.Kargs()
		if err != nil {
			return err
		}
		return i.SetKargs(kargs + " coreos.liveiso.fromram")
	})
	if err != nil {
		t.Fatal(err)
	}
	return append([]string{"-m", "6144"}, fromDVD(copied)...)
}

// boot starts a machine, and waits until its console has shown everything that is wanted.
func boot(t *testing.T, args []string, want ...string) {
	console := filepath.Join(t.TempDir(), "console")
	argv := append([]string{
		"-accel", "tcg", "-m", "2048", "-display", "none", "-no-reboot", "-serial", "file:" + console,
		"-nic", "user,restrict=on,model=e1000",
	}, args...)
	ctx, stop := context.WithTimeout(t.Context(), 8*time.Minute)
	defer stop()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, "qemu-system-x86_64", argv...)
	cmd.Stderr = &stderr
	began := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatalf("%v; hack/packages.sh installs qemu-system-x86", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	var log []byte
	err := wait.Until(ctx, clock.Real(), 200*time.Millisecond, func(context.Context) (bool, string, error) {
		select {
		case err := <-ended:
			ended <- err
			return false, "", err
		default:
		}
		log, _ = os.ReadFile(console) // not there before QEMU is
		missing := slices.IndexFunc(want, func(text string) bool { return !bytes.Contains(log, []byte(text)) })
		if missing < 0 {
			return true, "", nil
		}
		return false, "the console does not show " + want[missing], nil
	})
	stop()
	<-ended
	if err != nil {
		t.Fatalf("%v\n%s%s", err, stderr.String(), log[max(0, len(log)-8000):])
	}
	t.Logf("MEASURED the live ISO started after %s", time.Since(began).Round(time.Second))
}
