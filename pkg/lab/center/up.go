// Package center starts and removes labs on this machine and runs commands in
// them, from the outside; package daemon is what runs in a lab.
package center

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/cache"
	"github.com/okd-install/okd-install/pkg/lab/command"
	"github.com/okd-install/okd-install/pkg/lab/daemon"
	"github.com/okd-install/okd-install/pkg/lab/netns"
	"github.com/okd-install/okd-install/pkg/lab/network"
	"github.com/okd-install/okd-install/pkg/lab/setup"
	"github.com/okd-install/okd-install/pkg/lab/site"
	"github.com/okd-install/okd-install/pkg/wait"
)

// Center is the labs of this machine.
type Center struct{ Clock clock.Clock }

// Up starts a lab, or finds that it runs already. A lab whose daemon died goes
// on with its machines and the engine's state.
func (c Center) Up(ctx context.Context, s site.Site, made setup.Result) (already bool, err error) {
	unlock, err := c.lock(ctx, s)
	if err != nil {
		return false, err
	}
	defer unlock()
	if _, err := daemon.Dial(s).Status(ctx); err == nil {
		return true, nil
	}
	if err := c.stopDaemon(ctx, s); err != nil {
		return false, err
	}
	// Helpers of a daemon that was killed hold the ports.
	if err := c.killIn(ctx, s.Network().Namespace(), launcherOf(s)); err != nil {
		return false, err
	}
	if err := prepare(ctx, s, made, c.Clock.Now()); err != nil {
		return false, err
	}
	if err := raiseLimits(); err != nil {
		return false, err
	}
	if !hasNamespaces(s) {
		if err := s.Network().Up(ctx); err != nil {
			return false, err
		}
	}
	if err := startDaemon(ctx, s, made); err != nil {
		return false, err
	}
	return false, c.waitUp(ctx, s)
}

func (c Center) lock(ctx context.Context, s site.Site) (func(), error) {
	dir := filepath.Dir(s.Dir)
	if err := os.MkdirAll(dir, 0o711); err != nil {
		return nil, fmt.Errorf("lock lab %s: %w", s.Name, err)
	}
	return cache.Lock(ctx, c.Clock, filepath.Join(dir, "."+s.Name+".lock"))
}

func hasNamespaces(s site.Site) bool {
	for _, ns := range []string{s.Network().Namespace(), s.Network().ProvisionerNamespace()} {
		// A namespace that can be entered; after a reboot of the host only an
		// empty file is left.
		if netns.Do(network.File(ns), func() error { return nil }) != nil {
			return false
		}
	}
	return true
}

// raiseLimits makes room for many machines: inotify instances are counted for
// the whole host, and a control plane node takes 30 of the usual 128.
func raiseLimits() error {
	for name, least := range map[string]int{
		"fs/inotify/max_user_instances": 8192,
		"fs/inotify/max_user_watches":   524288,
		"fs/aio-max-nr":                 1048576,
	} {
		path := "/proc/sys/" + name
		b, err := os.ReadFile(path)
		if err != nil {
			continue // not every kernel has it
		}
		if have, err := strconv.Atoi(strings.TrimSpace(string(b))); err == nil && have >= least {
			continue
		}
		if err := os.WriteFile(path, []byte(strconv.Itoa(least)), 0); err != nil {
			return fmt.Errorf("raise limit: %w", err)
		}
	}
	return nil
}

// startDaemon starts this program, which is also the daemon.
func startDaemon(ctx context.Context, s site.Site, made setup.Result) error {
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("start lab: %w", err)
	}
	log, err := os.OpenFile(s.File(site.LogFile), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("start lab: %w", err)
	}
	defer log.Close()
	// A mount namespace of its own: all mounts of the lab end with its last
	// process, however that ends, and none is seen by the rest of the host.
	// It stays when ctx ends: the lab runs until it is taken down.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), "nsenter", "--net="+network.File(s.Network().Namespace()), "--",
		"unshare", "--mount", "--propagation", "private", "--",
		program, "serve", "--lab", s.Name, "--cache", s.Cache, "--ignition", made.Ignition)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start lab: %w", err)
	}
	pid := strconv.Itoa(cmd.Process.Pid) // nsenter and unshare become the daemon
	if err := os.WriteFile(s.File(site.PIDFile), []byte(pid), 0o600); err != nil {
		return fmt.Errorf("start lab: %w", err)
	}
	return cmd.Process.Release()
}

func (c Center) waitUp(ctx context.Context, s site.Site) error {
	ctx, stop := context.WithTimeout(ctx, 60*time.Second)
	defer stop()
	absent := 0
	err := wait.Until(ctx, c.Clock, 50*time.Millisecond, func(ctx context.Context) (bool, string, error) {
		if daemonPID(s) == 0 {
			// A process shows no arguments while it becomes another program.
			if absent++; absent > 3 {
				return false, "", errors.New("its daemon ended")
			}
			return false, "its daemon does not run yet", nil
		}
		if _, err := daemon.Dial(s).Status(ctx); err != nil {
			return false, err.Error(), nil
		}
		if err := resolves(ctx, s, network.RegistryName); err != nil {
			return false, "DNS: " + err.Error(), nil
		}
		return true, "", nil
	})
	if err != nil {
		log := s.File(site.LogFile)
		text, _ := os.ReadFile(log) // without it the error is still the one that matters
		return fmt.Errorf("start lab %s: %w\nend of %s:\n%s", s.Name, err, log, command.Tail(string(text), 8))
	}
	return nil
}

// resolves asks the lab's DNS from the provisioner's namespace.
func resolves(ctx context.Context, s site.Site, name string) error {
	ctx, stop := context.WithTimeout(ctx, time.Second)
	defer stop()
	var conn net.Conn
	err := netns.Do(network.File(s.Network().ProvisionerNamespace()), func() (err error) {
		conn, err = new(net.Dialer).DialContext(ctx, "udp", network.Gateway.String()+":53")
		return err
	})
	if err != nil {
		return err
	}
	r := net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) { return conn, nil }}
	_, err = r.LookupHost(ctx, name)
	return err
}

// daemonPID returns the process of a lab's daemon, or 0 if it does not run.
func daemonPID(s site.Site) int {
	return command.Running(s.File(site.PIDFile), "serve\x00--lab\x00"+s.Name+"\x00")
}
