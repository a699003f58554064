package center

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/okd-install/okd-install/pkg/lab/cgroup"
	"github.com/okd-install/okd-install/pkg/lab/loop"
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
		c.killIn(ctx, s.Network().Namespace(), nobody),
		c.killIn(ctx, s.Network().ProvisionerNamespace(), nobody),
		group.Kill(ctx),
		group.Remove(ctx),
		c.waitForLaunchers(ctx, s),
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
	for _, signal := range []unix.Signal{unix.SIGTERM, unix.SIGKILL} {
		if err := unix.Kill(pid, signal); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("stop daemon: %w", err)
		}
		tctx, stop := context.WithTimeout(ctx, 10*time.Second)
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
// commands that exec runs. Those that spare is true for stay.
func (c Center) killIn(ctx context.Context, namespace string, spare func(process string) bool) error {
	var want unix.Stat_t
	if err := unix.Stat(network.File(namespace), &want); err != nil {
		return nil // there is no such namespace
	}
	self := fmt.Sprintf("/proc/%d", os.Getpid())
	return c.waitGone(ctx, func(process string) bool {
		var have unix.Stat_t
		err := unix.Stat(process+"/ns/net", &have)
		if err != nil || have.Ino != want.Ino || have.Dev != want.Dev || process == self || spare(process) {
			return false
		}
		if pid, err := strconv.Atoi(filepath.Base(process)); err == nil {
			_ = unix.Kill(pid, unix.SIGKILL) // fails only when it has ended
		}
		return true
	})
}

// waitForLaunchers waits for the launchers of machines, which end by themselves
// once their machines are dead.
func (c Center) waitForLaunchers(ctx context.Context, s site.Site) error {
	return c.waitGone(ctx, launcherOf(s))
}

// launcherOf recognizes the launchers of a lab's machines, which go on when the
// daemon ends.
func launcherOf(s site.Site) func(process string) bool {
	return func(process string) bool {
		args, err := os.ReadFile(process + "/cmdline")
		return err == nil && strings.Contains(string(args), "\x00okd-lab-machine\x00"+s.Dir+"/")
	}
}

// nobody is spared.
func nobody(string) bool { return false }

// waitGone waits until no process is left that match is true for. A process is a
// directory in /proc.
func (c Center) waitGone(ctx context.Context, match func(process string) bool) error {
	ctx, stop := context.WithTimeout(ctx, 10*time.Second)
	defer stop()
	return wait.Until(ctx, c.Clock, 20*time.Millisecond, func(context.Context) (bool, string, error) {
		all, err := filepath.Glob("/proc/[0-9]*")
		left := slices.DeleteFunc(all, func(process string) bool { return !match(process) })
		return len(left) == 0, fmt.Sprintf("%v are still there", left), err
	})
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
// and hosts that ran until their daemon was stopped.
func detachBelow(ctx context.Context, dir string) error {
	return loop.Detach(ctx, func(file string) bool { return strings.HasPrefix(file, dir+"/") })
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
