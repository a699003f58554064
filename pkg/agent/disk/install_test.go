package disk

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/clock"
)

// programs are those of a live system. Each writes its arguments to the file calls.
var programs = map[string]string{
	// It fails as often as the file failures says.
	"coreos-installer": `
for last; do :; done
n=$(cat failures); echo $((n - 1)) >failures
if [ "$n" -gt 0 ]; then echo "Error: device busy" >&2; exit 1; fi
printf 'Read disk 1.0 GiB/2.0 GiB (50%%)\rRead disk 2.0 GiB/2.0 GiB (100%%)\n' >&2
[ -e silent ] || printf 'EFI PART' | dd of="$last" bs=1 seek=512 conv=notrunc status=none
echo "Install complete." >&2`,
	"lsblk": `cat lsblk.out`,
	"blkid": `for last; do :; done; case $last in
*2) printf 'DEVNAME=x\nPART_ENTRY_NAME=EFI-SYSTEM\nPART_ENTRY_NUMBER=2\n' ;;
*3) printf 'DEVNAME=x\nPART_ENTRY_NAME=boot\nPART_ENTRY_NUMBER=3\n' ;;
*) exit 2 ;;
esac`,
	"wipefs":     ``,
	"pvs":        `echo "  $PWD/sda3|vg0"; echo '  /dev/sdz1|other'; echo warning >&2`,
	"vgchange":   ``,
	"mdadm":      ``,
	"cryptsetup": ``,
	"mount":      `for last; do :; done; mkdir -p "$last/ignition"; cp boot.ign "$last/ignition/config.ign"`,
	"umount":     `rm -r "$1/ignition"`,
	"efibootmgr": `[ ! -e noefi ] || { echo "EFI variables are not supported" >&2; exit 2; }
[ $# != 0 ] || printf 'BootCurrent: 0001\nBoot0001* CD\nBoot0003* OKD node\tHD(2,GPT)\nBoot0004* OKD node 2\n'`,
}

type world struct {
	t    *testing.T
	dir  string
	disk agent.Disk // as it is
	said []string
	Options
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir()}
	t.Chdir(w.dir)
	bin := filepath.Join(w.dir, "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, script := range programs {
		w.write("bin/"+name, "#!/bin/bash\necho "+name+` "$@" >>calls`+"\n"+script+"\n")
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	w.write("failures", "0")
	w.write("boot.ign", "{}")
	w.write("config.ign", "{}")
	w.write("sda2", "")
	w.write("sda3", "")
	w.list(`NAME="/dev/sda" TYPE="disk"
NAME="/dev/sda2" TYPE="part"
NAME="/dev/sda3" TYPE="part"`)
	path := filepath.Join(w.dir, "sda")
	w.write("sda", strings.Repeat("\x00", 1<<20))
	w.disk = agent.Disk{Name: "sda", Path: path, Serial: "S1", WWN: "0x1", Model: "M", SizeBytes: 1 << 20}
	w.Options = Options{
		Disk: w.disk, Ignition: filepath.Join(w.dir, "config.ign"), Runner: System{},
		Clock: instant{clock.NewFake(time.Unix(0, 0))},
		Inventory: func(context.Context) (agent.Inventory, error) {
			return agent.Inventory{Disks: []agent.Disk{w.disk}}, nil
		},
		Progress: func(percent int, line string) { w.said = append(w.said, fmt.Sprintf("%d %s", percent, line)) },
	}
	return w
}

// instant is a clock whose waits are over at once.
type instant struct{ *clock.Fake }

func (instant) Sleep(context.Context, time.Duration) error { return nil }

func (w *world) write(name, content string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, name), []byte(content), 0o755); err != nil {
		w.t.Fatal(err)
	}
}

// list is what lsblk says. The devices are files in the directory of the test.
func (w *world) list(lines string) {
	w.write("lsblk.out", strings.ReplaceAll(lines, "/dev/sda", w.dir+"/sda"))
}

// calls are those of the programs so far.
func (w *world) calls() []string {
	b, err := os.ReadFile(filepath.Join(w.dir, "calls"))
	if err != nil && !os.IsNotExist(err) {
		w.t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(b)), "\n")
}

func (w *world) install() error { return Install(context.Background(), w.Options) }

func (w *world) heard(text string) bool { return strings.Contains(strings.Join(w.said, "\n"), text) }

func TestInstall(t *testing.T) {
	w := newWorld(t)
	w.NetworkDir, w.Kargs, w.UEFI = "/net", []string{"console=ttyS0", "quiet"}, true
	if err := w.install(); err != nil {
		t.Fatal(err)
	}
	calls := w.calls()
	wants := []string{
		"wipefs --all " + w.disk.Path + "3", "wipefs --all " + w.disk.Path + "2", "wipefs --all " + w.disk.Path,
		"coreos-installer install --offline --ignition-file " + w.Ignition +
			" --copy-network --network-dir /net --append-karg console=ttyS0 --append-karg quiet " + w.disk.Path,
		"mount --options ro " + w.disk.Path + "3", "umount ",
		"efibootmgr --bootnum 0003 --delete-bootnum",
		"efibootmgr --create --disk " + w.disk.Path + " --part 2 --label OKD node --loader",
	}
	for _, want := range wants { // in this order
		i := slices.IndexFunc(calls, func(c string) bool { return strings.HasPrefix(c, want) })
		if i < 0 {
			t.Fatalf("no %q after those before it in:\n%s", want, strings.Join(w.calls(), "\n"))
		}
		calls = calls[i+1:]
	}
	if !w.heard("50 Read disk 1.0 GiB") || !w.heard("100 ") || w.heard("warning") {
		t.Errorf("said:\n%s", strings.Join(w.said, "\n"))
	}
}

// What was chosen may not be what is there now.
func TestInstallRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*world)
		want   string
	}{
		"serial":       {func(w *world) { w.disk.Serial = "S2" }, "now it is"},
		"wwn":          {func(w *world) { w.disk.WWN = "0x2" }, "now it is"},
		"model":        {func(w *world) { w.disk.Model = "N" }, "now it is"},
		"size":         {func(w *world) { w.disk.SizeBytes++ }, "now it is"},
		"gone":         {func(w *world) { w.disk.Path = "/dev/sdb" }, "not there any more"},
		"unusable":     {func(w *world) { w.disk.Unusable = "mounted at /mnt" }, "mounted at /mnt"},
		"no config":    {func(w *world) { w.Ignition += ".none" }, "no such file"},
		"empty config": {func(w *world) { w.write("config.ign", "\n") }, "is empty"},
		"no inventory": {func(w *world) {
			w.Inventory = func(context.Context) (agent.Inventory, error) { return agent.Inventory{}, errors.New("no sysfs") }
		}, "no sysfs"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			c.change(w)
			if err := w.install(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q in it", err, c.want)
			}
			if calls := w.calls(); calls[0] != "" {
				t.Errorf("called %q", calls)
			}
		})
	}
}

func TestInstallTriesAgain(t *testing.T) {
	w := newWorld(t)
	w.write("failures", "2")
	if err := w.install(); err != nil {
		t.Fatal(err)
	}
	if !w.heard("try 3 of 3, after: coreos-installer: exit status 1: Error: device busy") {
		t.Errorf("said:\n%s", strings.Join(w.said, "\n"))
	}
	w = newWorld(t)
	w.write("failures", "9")
	if err := w.install(); err == nil || !strings.Contains(err.Error(), "device busy") ||
		!strings.Contains(err.Error(), "serial S1") {
		t.Error(err)
	}
	if n := strings.Count(strings.Join(w.calls(), "\n"), "coreos-installer"); n != tries {
		t.Errorf("%d tries", n)
	}
}

func TestInstallDiskReplacedBetweenTries(t *testing.T) {
	w := newWorld(t)
	w.write("failures", "1")
	w.Progress = func(_ int, line string) {
		if strings.HasPrefix(line, "try 2") {
			w.disk.Serial = "S2"
		}
	}
	if err := w.install(); err == nil || !strings.Contains(err.Error(), "now it is") {
		t.Error(err)
	}
}

func TestInstallVerifies(t *testing.T) {
	w := newWorld(t)
	w.write("silent", "")
	if err := w.install(); err == nil || !strings.Contains(err.Error(), "no partition table") {
		t.Error(err)
	}
	w = newWorld(t)
	w.write("boot.ign", "{\"other\":1}")
	if err := w.install(); err == nil || !strings.Contains(err.Error(), "not the one that was written") {
		t.Error(err)
	}
}

// The host is installed although these do not work.
func TestInstallWarns(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*world)
		want   string
	}{
		"no EFI variables": {func(w *world) { w.write("noefi", "") },
			"boot order was not changed: efibootmgr: exit status 2"},
		"no efibootmgr": {func(w *world) {
			if err := os.Remove("bin/efibootmgr"); err != nil {
				w.t.Fatal(err)
			}
		}, "boot order was not changed"},
		"no list": {func(w *world) { w.write("bin/lsblk", "#!/bin/sh\nexit 32\n") },
			"cannot be listed: lsblk: exit status 32"},
		"no mount": {func(w *world) { w.write("bin/mount", "#!/bin/sh\nexit 32\n") },
			"not read back: mount: exit status 32"},
		"no label": {func(w *world) { w.list("") }, "has no partition called boot"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.UEFI = true
			c.change(w)
			if err := w.install(); err != nil || !w.heard(c.want) {
				t.Errorf("%v, said:\n%s", err, strings.Join(w.said, "\n"))
			}
		})
	}
}

func TestWipeStopsWhatIsOnTheDisk(t *testing.T) {
	w := newWorld(t)
	w.list(`NAME="/dev/sda" TYPE="disk"
NAME="/dev/sda3" TYPE="part"
NAME="/dev/mapper/vg0-data" TYPE="lvm"
NAME="/dev/mapper/luks" TYPE="crypt"
NAME="/dev/md127" TYPE="raid1"
NAME="/dev/sda9" TYPE="part"
`)
	if err := w.install(); err != nil {
		t.Fatal(err)
	}
	calls := strings.Join(w.calls(), "\n")
	want := "mdadm --stop /dev/md127\ncryptsetup close /dev/mapper/luks\npvs --noheadings --separator | --options " +
		"pv_name,vg_name\nvgchange --activate n vg0\nwipefs --all " + w.disk.Path + "3\n"
	if !strings.Contains(calls, want) || strings.Contains(calls, "other") || strings.Contains(calls, "sdz") ||
		strings.Contains(calls, "sda9") || !w.heard("sda9 stay") {
		t.Errorf("calls:\n%s", calls)
	}
	w.list(`NAME="/dev/mapper/mpatha" TYPE="mpath"`)
	if err := w.install(); err == nil || !strings.Contains(err.Error(), "multipath") {
		t.Error(err)
	}
}

// The real wipefs removes a signature that the real kernel would find.
func TestWipefs(t *testing.T) {
	if _, err := exec.LookPath("wipefs"); err != nil {
		t.Fatal("wipefs is missing; it is in util-linux")
	}
	path := filepath.Join(t.TempDir(), "disk")
	b := make([]byte, 1<<20)
	copy(b[4086:], "SWAPSPACE2")
	b[1024], b[1028] = 1, 0xfe // version and last page
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	j := &job{Options: Options{Disk: agent.Disk{Path: path}, Runner: System{}}}
	if err := j.wipe(context.Background()); err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(path)
	if err != nil || strings.Contains(string(after), "SWAPSPACE2") {
		t.Errorf("the signature is still there, %v", err)
	}
}

func TestInstallEnds(t *testing.T) {
	w := newWorld(t)
	w.write("bin/coreos-installer", "#!/bin/sh\nexec sleep 60\n")
	ctx, cancel := context.WithCancel(context.Background())
	w.Progress = func(_ int, line string) {
		if strings.HasPrefix(line, "writing") {
			cancel()
		}
	}
	if err := Install(ctx, w.Options); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestSystem(t *testing.T) {
	var lines []Line
	err := System{}.Run(context.Background(), func(l Line) { lines = append(lines, l) },
		"sh", "-c", `printf 'a\rb\n\n'; printf 'c; $HOME' >&2; exit 3`)
	if err == nil || !strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), "c; $HOME") ||
		len(lines) != 3 {
		t.Errorf("%v, %v", err, lines)
	}
	if _, err := Output(context.Background(), System{}, "no-such-program-here"); !errors.Is(err, exec.ErrNotFound) {
		t.Error(err)
	}
	out, err := Output(context.Background(), System{}, "sh", "-c", "echo a; echo b >&2")
	if err != nil || !slices.Equal(out, []string{"a"}) {
		t.Errorf("%v, %v", out, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`NAME="/dev/sda1" TYPE="part"`)
	f.Add("PART_ENTRY_NUMBER=3")
	f.Add("Boot0003* OKD node\tHD(2,GPT)")
	f.Add("Read disk 1.2 GiB/2.5 GiB (48%)")
	f.Fuzz(func(t *testing.T, s string) {
		for _, d := range parseDevices([]string{s}) {
			if d.path == "" || strings.Contains(d.path, `"`) {
				t.Errorf("a device %q", d.path)
			}
		}
		for _, n := range bootEntries([]string{s}, bootName) {
			if len(n) != 4 {
				t.Errorf("a boot entry %q", n)
			}
		}
		if p := parsePartition(strings.Split(s, "\n")); p.number < 0 {
			t.Errorf("partition %d", p.number)
		}
		if p, ok := percentOf(s); ok && (p < 0 || p > 100) {
			t.Errorf("%d percent", p)
		}
	})
}
