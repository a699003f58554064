// Package cgroup makes, empties and removes one control group per machine in
// every hierarchy that the host has mounted: one on a cgroup v2 host, several
// on a hybrid one.
package cgroup

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/wait"
)

// Host is the set of hierarchies.
type Host struct {
	roots []root
	clk   clock.Clock
}

type root struct {
	path    string
	unified bool // cgroup v2
	cpuset  bool // v1: cpus and mems have to be set before a process may join
}

// Detect looks at what is mounted.
func Detect(clk clock.Clock) (*Host, error) {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("look for cgroups: %w", err)
	}
	defer f.Close()
	roots, err := parse(f)
	if err != nil {
		return nil, fmt.Errorf("look for cgroups: %w", err)
	}
	if len(roots) == 0 {
		return nil, errors.New("look for cgroups: no hierarchy is mounted; mount cgroup2 on /sys/fs/cgroup")
	}
	return &Host{roots: roots, clk: clk}, nil
}

func parse(r io.Reader) ([]root, error) {
	var roots []root
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		before, after, ok := strings.Cut(lines.Text(), " - ")
		left, right := strings.Fields(before), strings.Fields(after)
		if !ok || len(left) < 5 || len(right) < 3 || !strings.HasPrefix(left[4], "/sys/fs/cgroup") {
			continue
		}
		switch right[0] {
		case "cgroup2":
			roots = append(roots, root{path: left[4], unified: true})
		case "cgroup":
			set := slices.Contains(strings.Split(right[2], ","), "cpuset")
			roots = append(roots, root{path: left[4], cpuset: set})
		}
	}
	return roots, lines.Err()
}

// Group is one control group, under the same path in every hierarchy.
type Group struct {
	host *Host
	path string // relative, e.g. okd-lab/lab/master-0
}

// Group names a control group; nothing is made yet.
func (h *Host) Group(path string) Group { return Group{host: h, path: filepath.Clean(path)} }

// Create makes the group in every hierarchy.
func (g Group) Create() error {
	for _, r := range g.host.roots {
		dir := r.path
		for part := range strings.SplitSeq(g.path, "/") {
			if r.unified {
				enableControllers(dir)
			}
			dir = filepath.Join(dir, part)
			if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
				return fmt.Errorf("make cgroup: %w", err)
			}
			if r.cpuset {
				if err := inheritCPUs(dir); err != nil {
					return fmt.Errorf("make cgroup: %w", err)
				}
			}
		}
	}
	return nil
}

// enableControllers hands the controllers of dir to its children, one by one:
// some may be refused (in use by v1, or by a process in dir), which leaves the
// machine without that controller, not without a group.
func enableControllers(dir string) {
	b, err := os.ReadFile(filepath.Join(dir, "cgroup.controllers"))
	if err != nil {
		return
	}
	for c := range strings.FieldsSeq(string(b)) {
		_ = os.WriteFile(filepath.Join(dir, "cgroup.subtree_control"), []byte("+"+c), 0)
	}
}

func inheritCPUs(dir string) error {
	for _, name := range []string{"cpuset.cpus", "cpuset.mems"} {
		b, err := os.ReadFile(filepath.Join(filepath.Dir(dir), name))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0); err != nil {
			return err
		}
	}
	return nil
}

// Throttle limits what the group reads from and writes to a block device, in bytes
// per second; 0 is no limit.
func (g Group) Throttle(major, minor uint32, rate int64) error {
	limited := rate == 0
	for _, r := range g.host.roots {
		dir := filepath.Join(r.path, g.path)
		settings := map[string]string{
			"blkio.throttle.read_bps_device":  fmt.Sprintf("%d:%d %d", major, minor, rate),
			"blkio.throttle.write_bps_device": fmt.Sprintf("%d:%d %d", major, minor, rate),
		}
		if r.unified {
			settings = map[string]string{"io.max": fmt.Sprintf("%d:%d rbps=%d wbps=%[3]d", major, minor, rate)}
			if rate == 0 {
				settings["io.max"] = fmt.Sprintf("%d:%d rbps=max wbps=max", major, minor)
			}
		}
		for name, text := range settings {
			path := filepath.Join(dir, name)
			if _, err := os.Stat(path); err != nil {
				continue // another controller's hierarchy
			}
			f, err := os.OpenFile(path, os.O_WRONLY, 0)
			if err == nil {
				_, err = f.WriteString(text)
				err = errors.Join(err, f.Close())
			}
			if err != nil {
				return fmt.Errorf("limit the speed of block device %d:%d: %w", major, minor, err)
			}
			limited = true
		}
	}
	if !limited {
		return errors.New("limit the speed of a block device: the kernel has no control group for that")
	}
	return nil
}

// Join lists the files into which a process writes its id to enter the group.
func (g Group) Join() []string {
	var files []string
	for _, d := range g.dirs() {
		files = append(files, filepath.Join(d, "cgroup.procs"))
	}
	return files
}

func (g Group) dirs() []string {
	var dirs []string
	for _, r := range g.host.roots {
		dirs = append(dirs, filepath.Join(r.path, g.path))
	}
	return dirs
}

// Procs lists the processes in the group and below it.
func (g Group) Procs() []int {
	seen := map[int]bool{}
	for _, dir := range g.dirs() {
		for _, d := range subtree(dir) {
			b, err := os.ReadFile(filepath.Join(d, "cgroup.procs"))
			if err != nil {
				continue // removed meanwhile
			}
			for f := range strings.FieldsSeq(string(b)) {
				if pid, err := strconv.Atoi(f); err == nil && pid > 0 {
					seen[pid] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// Kill ends every process of the group, like cutting the power.
func (g Group) Kill(ctx context.Context) error {
	ctx, stop := context.WithTimeout(ctx, 20*time.Second)
	defer stop()
	err := wait.Until(ctx, g.host.clk, 10*time.Millisecond, func(context.Context) (bool, string, error) {
		pids := g.Procs()
		for _, pid := range pids {
			if err := unix.Kill(pid, unix.SIGKILL); err != nil && !errors.Is(err, unix.ESRCH) {
				return false, "", err
			}
		}
		return len(pids) == 0, fmt.Sprintf("processes %v are still there", pids), nil
	})
	if err != nil {
		return fmt.Errorf("kill processes of %s: %w", g.path, err)
	}
	return nil
}

// Remove deletes the group and everything below it, children first. What a
// run leaves behind slows the next one: the kubelet looks at every group that
// it finds at its start before it starts a pod.
func (g Group) Remove(ctx context.Context) error {
	ctx, stop := context.WithTimeout(ctx, 10*time.Second)
	defer stop()
	err := wait.Until(ctx, g.host.clk, 20*time.Millisecond, func(context.Context) (bool, string, error) {
		var why string
		for _, dir := range g.dirs() {
			for _, d := range slices.Backward(subtree(dir)) {
				if err := os.Remove(d); err != nil && !errors.Is(err, fs.ErrNotExist) {
					why = err.Error() // busy for a moment after its processes died
				}
			}
		}
		return why == "", why, nil
	})
	if err != nil {
		return fmt.Errorf("remove cgroup %s: %w", g.path, err)
	}
	return nil
}

// subtree lists dir and what is below it, parents first.
func subtree(dir string) []string {
	var dirs []string
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			dirs = append(dirs, path)
		}
		return nil // groups come and go while we look
	})
	return dirs
}

// Trim removes the group if nothing is in it.
func (g Group) Trim() error {
	var errs []error
	for _, dir := range g.dirs() {
		if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
