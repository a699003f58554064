//go:build integration

package machine_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/cgroup"
	"github.com/okd-install/okd-install/pkg/lab/engine"
	"github.com/okd-install/okd-install/pkg/lab/machine"
	"github.com/okd-install/okd-install/pkg/lab/network"
	"github.com/okd-install/okd-install/pkg/lab/network/networktest"
	"github.com/okd-install/okd-install/pkg/lab/osimage"
	"github.com/okd-install/okd-install/pkg/lab/setup"
	"github.com/okd-install/okd-install/pkg/lab/site"
	"github.com/okd-install/okd-install/pkg/lab/volume"
	"github.com/okd-install/okd-install/pkg/wait"
)

// TestMain runs the tests in a mount namespace of their own, as the lab's
// daemon does: what they mount ends with them.
func TestMain(m *testing.M) {
	const inside = "OKD_LAB_TEST_INSIDE"
	if os.Getenv(inside) == "" {
		unshare, err := exec.LookPath("unshare")
		if err == nil {
			argv := append([]string{"unshare", "--mount", "--propagation", "private", "--"}, os.Args...)
			err = syscall.Exec(unshare, argv, append(os.Environ(), inside+"=1"))
		}
		fmt.Fprintln(os.Stderr, "run in a mount namespace:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// lab is a network, disks and machines, without an engine.
type lab struct {
	t       *testing.T
	sup     *machine.Supervisor
	cfg     machine.Config
	volumes *volume.Store
	cgroups *cgroup.Host
}

func newLab(t *testing.T) *lab {
	t.Helper()
	l := newLabWithoutDHCP(t)
	networktest.StartDHCP(t, filepath.Dir(l.cfg.Dir), l.cfg.Switch.Namespace)
	return l
}

func cacheDir() string {
	if dir := os.Getenv("OKD_LAB_CACHE"); dir != "" {
		return dir
	}
	return site.DefaultCache
}

func newLabWithoutDHCP(t *testing.T) *lab {
	t.Helper()
	made, err := setup.Load(cacheDir())
	if err != nil {
		t.Fatal(err) // not a skip: the test was asked for
	}
	ctx := context.Background()
	net := network.Lab{Name: fmt.Sprintf("test%d", os.Getpid())}
	if err := net.Up(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := net.Down(ctx); err != nil {
			t.Error(err)
		}
	})
	// Not in the test's temporary directory, which may be on an overlay that
	// cannot carry another.
	dir, err := os.MkdirTemp("/var/tmp", "okd-lab-test-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })

	volumes, err := volume.Open(filepath.Join(dir, "volumes"))
	if err != nil {
		t.Fatal(err)
	}
	upload(t, volumes, "template", osimage.Image{Dir: made.Image}.Disk())
	host, err := cgroup.Detect(clock.Real())
	if err != nil {
		t.Fatal(err)
	}
	l := &lab{t: t, volumes: volumes, cgroups: host, cfg: machine.Config{
		Dir: filepath.Join(dir, "machines"), Disks: volumes, Switch: network.Switch{Namespace: network.File(net.Namespace())},
		Cgroups: host, Group: "okd-lab/" + net.Name, Ignition: made.Ignition,
		Clock: clock.Real(), Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}}
	l.open()
	t.Cleanup(func() {
		if err := l.sup.Close(ctx); err != nil {
			t.Error(err)
		}
		if err := host.Group(l.cfg.Group).Remove(ctx); err != nil {
			t.Error(err)
		}
	})
	return l
}

func (l *lab) open() {
	l.t.Helper()
	sup, err := machine.New(l.cfg)
	if err != nil {
		l.t.Fatal(err)
	}
	l.sup = sup
}

func upload(t *testing.T, v *volume.Store, id, path string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := v.Create(t.Context(), id, 1<<30); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Write(t.Context(), id, 0, f); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Commit(t.Context(), id, "cow"); err != nil {
		t.Fatal(err)
	}
}

// vm makes a machine with a copy of the template.
func (l *lab) vm(name, ignition string) engine.Hardware {
	l.t.Helper()
	id := uuid.NewString()
	disk := "disk-" + name
	if err := l.volumes.Clone(l.t.Context(), "template", disk); err != nil {
		l.t.Fatal(err)
	}
	return engine.Hardware{
		ID: id, Name: name, CPUs: 2, MemoryMB: 2048, UserData: []byte(ignition),
		NICs:  []engine.NIC{{ID: "nic", MAC: fmt.Sprintf("56:6f:6c:ab:00:%02x", id[0])}},
		Disks: []engine.Disk{{ID: disk, Bootable: true, Active: true}},
	}
}

func (l *lab) status(id string) machine.Status {
	for _, m := range l.sup.List() {
		if m.ID == id {
			return m
		}
	}
	return machine.Status{}
}

// eventually waits for what should be true within a short while.
func (l *lab) eventually(what string, check func() bool) {
	l.t.Helper()
	ctx, stop := context.WithTimeout(context.Background(), 30*time.Second)
	defer stop()
	err := wait.Until(ctx, clock.Real(), 50*time.Millisecond, func(context.Context) (bool, string, error) {
		return check(), what, nil
	})
	if err != nil {
		l.t.Fatalf("%s: %v\n%s", what, err, l.consoles())
	}
}

func (l *lab) consoles() string {
	var all strings.Builder
	for _, m := range l.sup.List() {
		b, _ := os.ReadFile(m.Console)
		fmt.Fprintf(&all, "--- console of %s (%s)\n%s", m.Name, m.State, b)
	}
	return all.String()
}

// run runs a command in a machine.
func (l *lab) run(id string, argv ...string) (string, error) {
	m := l.status(id)
	if m.Leader == 0 {
		return "", errors.New("the system does not run")
	}
	script := `while [ "$1" != -- ]; do echo $$ >"$1"; shift; done; shift; exec "$@"`
	args := append(append([]string{"-c", script, "sh"}, m.Join...), "--")
	ctx, stop := context.WithTimeout(context.Background(), 30*time.Second)
	defer stop()
	out, err := exec.CommandContext(ctx, "sh", append(args, m.Enter(argv)...)...).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

const firstConfig = `{
  "ignition": {"version": "3.2.0"},
  "storage": {"files": [
    {"path": "/etc/hostname", "mode": 420, "contents": {"source": "data:,lab-node"}},
    {"path": "/etc/pki/ca-trust/source/anchors/lab.pem", "mode": 420,
     "contents": {"source": "data:,anchor-of-the-test"}},
    {"path": "/etc/NetworkManager/dispatcher.d/30-test", "mode": 493,
     "contents": {"source": "` + "data:,%23!%2Fbin%2Fsh%0A" +
	"echo%20%22%241%20%242%20%24IP4_NAMESERVERS%22%20%3E%2Frun%2Fdispatched%0A" + `"}}
  ]},
  "systemd": {"units": [
    {"name": "crio.service", "enabled": true},
    {"name": "count.service", "enabled": true,
     "contents": "` + `[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo boot >>/var/lib/boots'\n` +
	`[Install]\nWantedBy=multi-user.target\n"}
  ]}
}`

func TestBoot(t *testing.T) {
	l := newLab(t)
	ctx := t.Context()
	hw := l.vm("node", firstConfig)
	began := time.Now()
	if err := l.sup.Start(ctx, hw); err != nil {
		t.Fatal(err)
	}
	if err := l.sup.Start(ctx, hw); err == nil {
		t.Error("a running machine was started")
	}
	boots := func(n int) func() bool {
		return func() bool {
			out, err := l.run(hw.ID, "sh", "-c", "systemctl is-active -q multi-user.target && cat /var/lib/boots")
			return err == nil && strings.Count(out, "boot") == n
		}
	}
	l.eventually("the first boot", boots(1))
	t.Logf("first boot with Ignition took %s", time.Since(began).Round(10*time.Millisecond))

	for _, want := range []struct{ name, command, out string }{
		{"host name from Ignition", "hostname", "lab-node"},
		{"system UUID", "tr -d '\\n' </etc/machine-id", strings.ReplaceAll(hw.ID, "-", "")},
		{"user of the base config", "id -un core", "core"},
		{"name server of the lease", "cat /etc/resolv.conf", "nameserver 198.18.0.1"},
		{"dispatcher script", "cat /run/dispatched", "ens3 up 198.18.0.1"},
		{"trust anchor in the bundle", "tail -n 1 /etc/pki/tls/certs/ca-bundle.crt", "anchor-of-the-test"},
		{"no failed unit", "systemctl list-units --failed --no-legend --plain | wc -l", "0"},
		{"container runtime", "ctr -a /run/crio/crio.sock version | grep -c Version", "2"},
		{"writable kernel settings", "test -w /proc/sys/net/ipv4/ip_forward && cat /proc/sys/net/ipv4/ip_forward", "1"},
		{"network cards of its own", "ls /sys/class/net | tr '\\n' ' '", "ens3 lo"},
		{"kubelet", "kubelet --version", "Kubernetes v1.34.3"},
		{"oc", "oc version --client | head -n 1", "Client Version: v1.34.3"},
		{"one default route", "ip route show default | wc -l", "1"},
	} {
		if out, err := l.run(hw.ID, "sh", "-c", want.command); err != nil || !strings.Contains(out, want.out) {
			t.Errorf("%s: %q, %v; want %q", want.name, out, err, want.out)
		}
	}
	l.podman(hw.ID)
	l.eventually("the guest's report of its address", func() bool {
		a := l.sup.Addresses(hw.ID)
		return len(a) == 1 && network.MachineNetwork.Contains(a[0])
	})

	if err := l.sup.Reset(ctx, hw.ID); err != nil {
		t.Fatal(err)
	}
	l.eventually("the boot after reset, without Ignition", boots(2))
	go func() { // must not keep the system from ending
		_, _ = l.run(hw.ID, "sh", "-c", "touch /run/somebody-works-here; kill -STOP $$; true")
	}()
	l.eventually("somebody at work in the machine", func() bool {
		_, err := l.run(hw.ID, "test", "-e", "/run/somebody-works-here")
		return err == nil
	})
	if _, err := l.run(hw.ID, "systemctl", "reboot"); err != nil {
		t.Logf("systemctl reboot: %v", err)
	}
	l.eventually("the boot after reboot", boots(3))

	old := l.sup
	l.open() // a new daemon takes over
	l.eventually("the machine of the last daemon", func() bool { return l.status(hw.ID).Leader != 0 })
	if err := l.sup.Shutdown(ctx, hw.ID); err != nil {
		t.Fatal(err)
	}
	// In this process the old supervisor lives on and cleans up, too.
	l.eventually("power off after shutdown", func() bool {
		return l.sup.State(hw.ID) == engine.StateDown && old.State(hw.ID) == engine.StateDown
	})

	if err := l.sup.Start(ctx, hw); err != nil {
		t.Fatal(err)
	}
	l.eventually("the disk's content after power off", boots(4))
	began = time.Now()
	if err := l.sup.PowerOff(ctx, hw.ID); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("power off took %s", took)
	}
	if left := l.cgroups.Group(l.cfg.Group).Procs(); len(left) != 0 {
		t.Errorf("processes %v outlived the power", left)
	}
	if err := l.sup.Remove(ctx, hw.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(l.cfg.Dir, hw.ID)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a removed machine left its directory: %v", err)
	}
}

// podman runs a container from the machine's own root.
func (l *lab) podman(id string) {
	l.t.Helper()
	script := `set -e
mkdir -p /tmp/c/bin && cp -L /bin/true /tmp/c/bin/
for f in $(ldd /bin/true | grep -o '/[^ ]*'); do mkdir -p /tmp/c$(dirname $f); cp -L $f /tmp/c$f; done
tar -C /tmp/c -cf /tmp/c.tar . && podman import -q /tmp/c.tar localhost/true:1 >/dev/null
podman run --quiet --net=host --rm -v /opt:/assets:z localhost/true:1 /bin/true && echo worked`
	if out, err := l.run(id, "sh", "-c", script); err != nil || !strings.HasSuffix(out, "worked") {
		l.t.Errorf("podman: %v: %s", err, out)
	}
}

func TestNoSystemOnDisk(t *testing.T) {
	l := newLab(t)
	ctx := t.Context()
	if err := l.volumes.Create(ctx, "blank", 1<<20); err != nil {
		t.Fatal(err)
	}
	hw := l.vm("blank", "")
	hw.Disks = []engine.Disk{{ID: "blank", Bootable: true, Active: true}}
	if err := l.sup.Start(ctx, hw); err != nil {
		t.Fatal(err)
	}
	l.eventually("an error on the console", func() bool { return strings.Contains(l.consoles(), "no bootable device") })
	if st := l.sup.State(hw.ID); st != engine.StateStarting {
		t.Errorf("state is %s", st)
	}
	if err := l.sup.PowerOff(ctx, hw.ID); err != nil || l.sup.State(hw.ID) != engine.StateDown {
		t.Errorf("power off: %v, state %s", err, l.sup.State(hw.ID))
	}
}

// TestConfigServerIsLate gives a pointer to a server that is not there.
func TestConfigServerIsLate(t *testing.T) {
	l := newLab(t)
	const secretPart = "do-not-print-this"
	hw := l.vm("waiting", `{"ignition": {"version": "3.2.0",
			"config": {"merge": [{"source": "http://198.18.0.77:22624/config/master"}]}},
		"storage": {"files": [{"path": "/etc/x", "contents": {"source": "data:,`+secretPart+`"}}]}}`)
	if err := l.sup.Start(t.Context(), hw); err != nil {
		t.Fatal(err)
	}
	l.eventually("Ignition trying again", func() bool { return strings.Contains(l.consoles(), "attempt #2") })
	if st := l.sup.State(hw.ID); st != engine.StateUp {
		t.Errorf("state is %s", st)
	}
	began := time.Now()
	if err := l.sup.PowerOff(t.Context(), hw.ID); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("power off during Ignition took %s", took)
	}
	if strings.Contains(l.consoles(), secretPart) {
		t.Error("the console shows the config")
	}
}

// installs is the config of a live system that installs another one.
const installs = `{
  "ignition": {"version": "3.2.0"},
  "storage": {"files": [
    {"path": "/root/disk.ign", "contents": {"source": "` +
	"data:,%7B%22ignition%22%3A%7B%22version%22%3A%223.2.0%22%7D%2C%22storage%22%3A%7B%22files%22%3A%5B%7B" +
	"%22path%22%3A%22%2Fetc%2Fhostname%22%2C%22contents%22%3A%7B%22source%22%3A%22data%3A%2Cinstalled" +
	"%22%7D%7D%5D%7D%7D" + `"}}
  ]},
  "systemd": {"units": [{"name": "install.service", "enabled": true,
    "contents": "` + `[Service]\nType=oneshot\n` +
	`ExecStart=/usr/bin/coreos-installer install -i /root/disk.ign /dev/sda\n` +
	`ExecStart=/usr/bin/systemctl reboot\n[Install]\nWantedBy=multi-user.target\n"}]}
}`

// TestLiveInstall starts a live system that writes the OS to an empty disk,
// from which the machine then starts.
func TestLiveInstall(t *testing.T) {
	l := newLab(t)
	hw := l.vm("live", "")
	if err := l.volumes.Create(t.Context(), "empty", 4<<30); err != nil {
		t.Fatal(err)
	}
	hw.Disks[0].ID = "empty"
	hw.Media = &engine.Media{Volume: "template", Ignition: []byte(installs)}
	if err := l.sup.Start(t.Context(), hw); err != nil {
		t.Fatal(err)
	}
	l.eventually("the system that was installed", func() bool {
		name, err := l.run(hw.ID, "hostname")
		return err == nil && name == "installed"
	})
	for _, want := range []struct{ name, command string }{
		{"no medium", "test ! -e /run/media/iso"},
		{"no disk as a device", "test ! -e /dev/sda"},
		{"no config left", "test ! -e /boot/ignition/config.ign"},
		{"nothing of the live system", "test ! -e /root/disk.ign"},
	} {
		if out, err := l.run(hw.ID, "sh", "-c", want.command); err != nil {
			t.Errorf("%s: %v: %s", want.name, err, out)
		}
	}
	console, err := os.ReadFile(l.status(hw.ID).Console)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(console), "starting from the medium"); n != 1 {
		t.Errorf("the medium was started %d times", n)
	}
	if out, err := exec.CommandContext(t.Context(), "losetup", "--list", "--noheadings", "--output",
		"BACK-FILE,OFFSET").Output(); err != nil {
		t.Error(err)
	} else {
		for line := range strings.Lines(string(out)) {
			// Its root partition is mounted; the whole disk is nobody's any more.
			if f := strings.Fields(line); len(f) == 2 && strings.Contains(f[0], filepath.Dir(l.cfg.Dir)) && f[1] == "0" {
				t.Errorf("a disk is still attached: %s", line)
			}
		}
	}
}
