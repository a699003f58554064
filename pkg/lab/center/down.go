package center

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/okd-install/okd-install/pkg/lab/cgroup"
	"github.com/okd-install/okd-install/pkg/lab/network"
	"github.com/okd-install/okd-install/pkg/lab/site"
	"github.com/okd-install/okd-install/pkg/wait"
)

// Down removes a lab, whatever state it is in. It is a no-op when there is
// nothing.
func (c Center) Down(ctx context.Context, s site.Site) error {
	unlock, err := c.lock(ctx, s)
	if err != nil {
		return err
	}
	defer unlock()
	host, err := cgroup.Detect(c.Clock)
	if err != nil {
		return err
	}
	group := host.Group(s.Group())
	// In this order: the daemon, which would start machines again, then the machines,
	// then what they were in. Each step is tried whatever the others gave.
	err = errors.Join(
		c.stopDaemon(ctx, s),
		c.killIn(ctx, s.Network().Namespace()),
		c.killIn(ctx, s.Network().ProvisionerNamespace()),
		group.Kill(ctx),
		group.Remove(ctx),
		c.waitGone(ctx, s),
		s.Network().Down(ctx),
		unmountBelow(s.Dir),
		detachBelow(ctx, s.Dir),
		removeState(s.Dir))
	if err != nil {
		return fmt.Errorf("remove lab %s: %w", s.Name, err)
	}
	// The parent goes with the last lab.
	_ = host.Group(filepath.Dir(s.Group())).Trim()
	return nil
}

// stopDaemon ends the daemon, gently first, so that the engine's state is
// written.
func (c Center) stopDaemon(ctx context.Context, s site.Site) error {
	pid := daemonPID(s)
	if pid == 0 {
		return nil
	}
	for _, try := range []struct {
		signal unix.Signal
		wait   time.Duration
	}{{unix.SIGTERM, 10 * time.Second}, {unix.SIGKILL, 10 * time.Second}} {
		if err := unix.Kill(pid, try.signal); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("stop daemon: %w", err)
		}
		tctx, stop := context.WithTimeout(ctx, try.wait)
		err := wait.Until(tctx, c.Clock, 20*time.Millisecond, func(context.Context) (bool, string, error) {
			return daemonPID(s) == 0, fmt.Sprintf("process %d does not end", pid), nil
		})
		stop()
		if err == nil {
			return nil
		}
	}
	return fmt.Errorf("stop daemon: process %d does not end", pid)
}

// killIn ends the processes of a namespace: helpers that a killed daemon left,
// commands that exec runs.
func (c Center) killIn(ctx context.Context, namespace string) error {
	var want unix.Stat_t
	if err := unix.Stat(network.File(namespace), &want); err != nil {
		return nil // there is no such namespace
	}
	ctx, stop := context.WithTimeout(ctx, 10*time.Second)
	defer stop()
	return wait.Until(ctx, c.Clock, 10*time.Millisecond, func(context.Context) (bool, string, error) {
		var left []int
		for _, pid := range processes() {
			var have unix.Stat_t
			err := unix.Stat(fmt.Sprintf("/proc/%d/ns/net", pid), &have)
			if err != nil || have.Ino != want.Ino || have.Dev != want.Dev || pid == os.Getpid() {
				continue
			}
			left = append(left, pid)
			_ = unix.Kill(pid, unix.SIGKILL) // fails only when it has ended
		}
		return len(left) == 0, fmt.Sprintf("processes %v in %s do not end", left, namespace), nil
	})
}

func processes() []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var pids []int
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// waitGone waits for the launchers of machines, which end by themselves once
// their machines are dead.
func (c Center) waitGone(ctx context.Context, s site.Site) error {
	ctx, stop := context.WithTimeout(ctx, 10*time.Second)
	defer stop()
	return wait.Until(ctx, c.Clock, 20*time.Millisecond, func(context.Context) (bool, string, error) {
		left := launchers(s)
		return len(left) == 0, fmt.Sprintf("processes %v are still there", left), nil
	})
}

func launchers(s site.Site) []int {
	var found []int
	for _, pid := range processes() {
		args, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err == nil && strings.Contains(string(args), "\x00okd-lab-machine\x00"+s.Dir+"/") {
			found = append(found, pid)
		}
	}
	return found
}

// unmountBelow unmounts what may be mounted below dir in this namespace. The
// daemon mounts in its own, so there should be nothing.
func unmountBelow(dir string) error {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	defer f.Close()
	var points []string
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if fields := strings.Fields(lines.Text()); len(fields) > 4 && strings.HasPrefix(fields[4], dir+"/") {
			points = append(points, fields[4])
		}
	}
	var errs []error
	for _, p := range slices.Backward(points) {
		if err := unix.Unmount(p, unix.MNT_DETACH); err != nil {
			errs = append(errs, fmt.Errorf("unmount %s: %w", p, err))
		}
	}
	return errors.Join(errs...)
}

// detachBelow frees the loop devices of disks below dir: those of live systems
// that ran until their daemon was stopped.
func detachBelow(ctx context.Context, dir string) error {
	list := exec.CommandContext(ctx, "losetup", "--list", "--noheadings", "--raw", "--output", "NAME,BACK-FILE")
	out, err := list.Output()
	if err != nil {
		return fmt.Errorf("list loop devices: %w", err)
	}
	var errs []error
	for line := range strings.Lines(string(out)) {
		node, file, _ := strings.Cut(strings.TrimSpace(line), " ")
		if !strings.HasPrefix(file, dir+"/") {
			continue
		}
		if out, err := exec.CommandContext(ctx, "losetup", "--detach", node).CombinedOutput(); err != nil {
			errs = append(errs, fmt.Errorf("detach %s: %w: %s", node, err, strings.TrimSpace(string(out))))
		}
	}
	return errors.Join(errs...)
}

func removeState(dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	// And the directory of all labs after the last of them; the lock is in it.
	entries, err := os.ReadDir(filepath.Dir(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() {
			return nil
		}
	}
	return os.RemoveAll(filepath.Dir(dir))
}
