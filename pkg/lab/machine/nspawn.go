package machine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/okd-install/okd-install/pkg/lab/host"
	"github.com/okd-install/okd-install/pkg/wait"
)

// Exit codes of systemd-nspawn --keep-unit.
const (
	exitPowerOff = 0
	exitReboot   = 133
	exitKilled   = 128 + 9 // of the shell, for SIGKILL
)

// supervise runs a program in control groups and keeps its exit code in a file,
// so that the machine outlives the daemon. It stays outside of the
// groups itself, to reap the program when all in them is killed.
const supervise = `exit_file=$1 launch=$2; shift 2
sh -c "$launch" okd-lab-machine "$@"
echo $? >"$exit_file"`

// runSystem starts the system and waits for its end.
func (m *machine) runSystem(ctx context.Context, dev device) outcome {
	if err := m.describe(dev); err != nil {
		m.note("cannot start the system: %v", err)
		return halted
	}
	cmd, err := m.spawn(ctx, dev)
	if err != nil {
		m.note("cannot start the system: %v", err)
		return halted
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // its exit code is in the file
		close(ended)
	}()
	return m.watch(ctx, cmd.Process.Pid, ended)
}

// watch waits until the system that runs under pid ends or its power is cut.
func (m *machine) watch(ctx context.Context, pid int, ended <-chan struct{}) outcome {
	if err := m.findLeader(ctx, pid, ended); err != nil {
		m.log.Warn("no first process", "error", err)
	}
	select {
	case <-ctx.Done():
		if err := m.group().Kill(context.Background()); err != nil {
			m.log.Warn("the machine does not die", "error", err)
		}
		<-ended
		return crashed
	case <-ended:
		return m.outcome()
	}
}

func (m *machine) outcome() outcome {
	b, _ := os.ReadFile(filepath.Join(m.dir, exitFile)) // not there if the shell was killed, too
	code, err := strconv.Atoi(strings.TrimSpace(string(b)))
	switch {
	case err != nil || code == exitKilled:
		m.note("the system was killed")
		return poweredOff
	case code == exitPowerOff:
		return poweredOff
	case code == exitReboot:
		return rebooted
	}
	m.note("the system ended with code %d", code)
	return halted
}

func (m *machine) spawn(ctx context.Context, dev device) (*exec.Cmd, error) {
	console, err := m.console()
	if err != nil {
		return nil, err
	}
	defer console.Close()
	exit := filepath.Join(m.dir, exitFile)
	if err := os.RemoveAll(exit); err != nil {
		return nil, err
	}
	argv := append([]string{"-c", supervise, "okd-lab-machine", exit, launch}, m.group().Join()...)
	argv = append(append(argv, "--"), m.nspawn(dev)...)
	// It goes on when ctx ends: watch cuts its power, an ending daemon does not.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), "sh", argv...)
	cmd.Stdout, cmd.Stderr = console, console
	// A session of its own: it goes on when the lab's daemon is restarted.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	// Nothing else uses the directory, and the lock would outlive a killed run.
	cmd.Env = append(os.Environ(), "SYSTEMD_NSPAWN_LOCK=0")
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	pid := strconv.Itoa(cmd.Process.Pid)
	return cmd, os.WriteFile(filepath.Join(m.dir, pidFile), []byte(pid), 0o600)
}

// container is the beginning of a command line that runs something in a directory
// as in the machine.
func (m *machine) container(dir string) []string {
	// Entered before nspawn starts, not by nspawn: the sysfs that it mounts
	// shows the network cards of the namespace that it is in at that time.
	argv := []string{"nsenter", "--net=" + m.namespace(), "--"}
	if m.hw.Host != nil {
		argv = append(argv, host.Inside(m.hardwareDir())...)
	}
	argv = append(argv, "systemd-nspawn", "--quiet", "--directory="+dir,
		"--machine="+machineName(m.hw.ID), "--hostname=localhost", "--uuid="+m.hw.ID,
		"--register=no", "--keep-unit", "--setenv=TERM=dumb",
		"--capability=all", "--system-call-filter=@known",
		"--resolv-conf=off", "--timezone=off", "--link-journal=no")
	if _, err := os.Stat("/dev/kmsg"); err == nil {
		argv = append(argv, "--bind-ro=/dev/kmsg") // the kubelet reads it
	}
	if _, err := os.Stat("/dev/fuse"); err == nil {
		argv = append(argv, "--bind=/dev/fuse")
	}
	return argv
}

func (m *machine) nspawn(dev device) []string {
	argv := append(m.container(m.root()), "--boot", "--console=read-only")
	for name, at := range plain {
		argv = append(argv, "--bind="+filepath.Join(dev.Writes, name)+":"+at)
	}
	argv = append(append(argv, m.booted()...), m.inside(dev)...)
	argv = append(argv, "--", "--show-status=true") // of the boot, on the console
	if m.hw.Host != nil {
		argv = append(argv, host.Init()...)
	}
	return argv
}

// machineName fits nspawn's rule, a host name of at most 64 characters, and is
// its own for each machine.
func machineName(id string) string { return "okd-" + id }

// findLeader waits for the first process of the machine: the child of nspawn
// that has become systemd.
func (m *machine) findLeader(ctx context.Context, pid int, ended <-chan struct{}) error {
	ctx, stop := context.WithTimeout(ctx, 30*time.Second)
	defer stop()
	return wait.Until(ctx, m.sup.cfg.Clock, 20*time.Millisecond, func(context.Context) (bool, string, error) {
		select {
		case <-ended:
			return false, "", errors.New("the system ended at once")
		default:
		}
		for _, nspawn := range children(pid) {
			for _, child := range children(nspawn) {
				if comm(child) == "systemd" && comm(nspawn) != "systemd" {
					m.mu.Lock()
					m.leader = child
					m.mu.Unlock()
					return true, "", nil
				}
			}
		}
		return false, "systemd does not run yet", nil
	})
}

func children(pid int) []int {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return nil
	}
	var pids []int
	for f := range strings.FieldsSeq(string(b)) {
		if p, err := strconv.Atoi(f); err == nil {
			pids = append(pids, p)
		}
	}
	return pids
}

func comm(pid int) string {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	return strings.TrimSpace(string(b))
}

// shutdown asks systemd in a container to power off. The first real-time
// signal is 34 in the C library's count, which systemd(1) uses.
func shutdown(leader int) error {
	const rtmin = 34
	if err := unix.Kill(leader, unix.Signal(rtmin+4)); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("press power button: %w", err)
	}
	return nil
}
