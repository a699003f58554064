package machine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// On a disk with an ostree repository the system is a directory of hard links
// into the repository. The firmware does what the initial RAM disk of CoreOS
// does: it makes the directory the root, with /usr and /sysroot, the whole file
// system, read-only.

// repository is where a disk has its repository.
const repository = "ostree/repo"

// bootedMark tells a system that it is a deployment; it is below /run there.
const bootedMark = "ostree-booted"

// sysroot is where the whole file system of such a disk is mounted.
func (m *machine) sysroot() string { return filepath.Join(m.dir, "sysroot") }

// hasOSTree reports whether a file system has a repository.
func hasOSTree(root string) bool {
	_, err := os.Stat(filepath.Join(root, repository))
	return err == nil
}

// mountDeployment makes the deployment of the boot loader's entry the root.
func (m *machine) mountDeployment() error {
	at, err := deployment(m.sysroot())
	if err != nil {
		return err
	}
	state := filepath.Dir(filepath.Dir(at))
	for _, b := range []struct {
		from, to string
		readOnly bool
	}{
		{from: at},
		{filepath.Join(at, "usr"), "usr", true},
		{m.sysroot(), "sysroot", true},
		{from: filepath.Join(state, "var"), to: "var"},
		{from: filepath.Join(m.sysroot(), "boot"), to: "boot"},
	} {
		to := filepath.Join(m.root(), b.to)
		if err := unix.Mount(b.from, to, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("mount /%s of the deployment: %w", b.to, err)
		}
		if !b.readOnly {
			continue
		}
		if err := unix.Mount("", to, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, ""); err != nil {
			return fmt.Errorf("mount /%s of the deployment read-only: %w", b.to, err)
		}
	}
	return os.WriteFile(filepath.Join(m.dir, bootedMark), nil, 0o644)
}

// deployment finds the directory that the first entry of the boot loader names.
func deployment(sysroot string) (string, error) {
	entries, err := filepath.Glob(filepath.Join(sysroot, "boot/loader/entries/*.conf"))
	if err != nil || len(entries) == 0 {
		return "", errors.Join(errors.New("find deployment: the boot loader has no entry"), err)
	}
	b, err := os.ReadFile(entries[len(entries)-1]) // names end with the order, last is first
	if err != nil {
		return "", fmt.Errorf("find deployment: %w", err)
	}
	for word := range strings.FieldsSeq(string(b)) {
		link, ok := strings.CutPrefix(word, "ostree=")
		if !ok {
			continue
		}
		at, err := filepath.EvalSymlinks(filepath.Join(sysroot, link))
		if err != nil {
			return "", fmt.Errorf("find deployment: %w", err)
		}
		if !strings.HasPrefix(at, filepath.Join(sysroot, "ostree/deploy")+"/") {
			return "", fmt.Errorf("find deployment: %s is not one", link)
		}
		return at, nil
	}
	return "", errors.New("find deployment: the boot loader's entry names none")
}

// booted are nspawn's arguments for a root that is a deployment.
func (m *machine) booted() []string {
	if !hasOSTree(filepath.Join(m.root(), "sysroot")) {
		return nil
	}
	return []string{"--bind-ro=" + filepath.Join(m.dir, bootedMark) + ":/run/" + bootedMark}
}

// overlayAt mounts what a machine writes over what its disk was made from.
func overlayAt(at, lower, upper, work string) error {
	// "volatile" spares every fsync of every machine; what is lost is safety
	// against a crash of this host, not of the machines. The kernel marks
	// such a directory and refuses it until the mark is gone.
	if err := os.RemoveAll(filepath.Join(work, "work", "incompat")); err != nil {
		return err
	}
	options := fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s,volatile", lower, upper, work)
	if hasOSTree(lower) {
		// A hard link to a file of the disk would copy the file.
		options += ",metacopy=on,redirect_dir=on"
	}
	if err := unix.Mount("overlay", at, "overlay", 0, options); err != nil {
		return fmt.Errorf("mount root: %w", err)
	}
	return nil
}
