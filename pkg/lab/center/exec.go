package center

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/okd-install/okd-install/pkg/lab/machine"
	"github.com/okd-install/okd-install/pkg/lab/network"
	"github.com/okd-install/okd-install/pkg/lab/site"
)

// Exec becomes the command argv, in the lab's provisioner namespace and with
// the lab's resolver. It returns only when that fails: terminal, signals and exit
// code are the command's own.
func Exec(s site.Site, argv []string) error {
	facts, err := s.Facts()
	if err != nil {
		return err
	}
	env := environment(os.Environ(), s, facts)
	for _, e := range env {
		if path, ok := strings.CutPrefix(e, "PATH="); ok {
			_ = os.Setenv("PATH", path) // where LookPath looks; the name is a good one
		}
	}
	path, err := exec.LookPath(argv[0])
	if err != nil {
		return fmt.Errorf("run %s: %w", argv[0], err)
	}
	// exec keeps the calling thread's namespaces and ends all other threads.
	runtime.LockOSThread()
	if err := enter(s); err != nil {
		return fmt.Errorf("enter lab %s: %w", s.Name, err)
	}
	if err := unix.Exec(path, argv, env); err != nil {
		return fmt.Errorf("run %s: %w", argv[0], err)
	}
	return nil
}

func enter(s site.Site) error {
	ns, err := os.Open(network.File(s.Network().ProvisionerNamespace()))
	if err != nil {
		return err
	}
	defer ns.Close()
	resolv, err := filepath.EvalSymlinks("/etc/resolv.conf")
	if err != nil {
		return err
	}
	if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
		return err
	}
	// A mount namespace of its own for another resolv.conf. Mounts of the host
	// still come in, none goes out.
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return err
	}
	if err := unix.Mount("", "/", "", unix.MS_SLAVE|unix.MS_REC, ""); err != nil {
		return err
	}
	return unix.Mount(s.File(site.ResolvFile), resolv, "", unix.MS_BIND, "")
}

// environment is the caller's, plus what tells an installer about this site: where
// the engine's login is, and where releases are looked up. It names no release.
func environment(env []string, s site.Site, f site.Facts) []string {
	set := map[string]string{
		"OKD_LAB":                        s.Name,
		"OVIRT_CONFIG":                   f.Engine.OvirtConfig,
		"OKD_INSTALL_UPDATE_SERVICE":     f.Updates.GraphURL,
		"OKD_INSTALL_RELEASE_REPOSITORY": f.Updates.Repository,
		"OKD_INSTALL_SIGNATURE_STORE":    f.Updates.SignatureStore,
	}
	path := "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	var out []string
	for _, e := range env {
		name, value, _ := strings.Cut(e, "=")
		switch strings.ToLower(name) {
		case "http_proxy", "https_proxy", "all_proxy": // none is in reach
			continue
		}
		if name == "PATH" {
			path = value
			continue
		}
		if _, ours := set[name]; !ours {
			out = append(out, e)
		}
	}
	out = append(out, "PATH="+s.File(site.BinDir)+":"+path)
	for name, value := range set {
		out = append(out, name+"="+value)
	}
	return out
}

// ExecIn becomes the command argv inside a machine.
func ExecIn(m machine.Status, argv []string) error {
	if m.Leader == 0 {
		return fmt.Errorf("machine %s is %s; its system does not run", m.Name, m.State)
	}
	pid := strconv.Itoa(os.Getpid())
	for _, file := range m.Join {
		// Without it the command would be counted as this host's and, worse,
		// systemd in the machine could not find out where it belongs.
		if err := os.WriteFile(file, []byte(pid), 0); err != nil {
			return fmt.Errorf("enter machine %s: %w", m.Name, err)
		}
	}
	nsenter, err := exec.LookPath("nsenter")
	if err != nil {
		return fmt.Errorf("enter machine %s: %w", m.Name, err)
	}
	env := []string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "TERM=" + os.Getenv("TERM"),
	}
	return unix.Exec(nsenter, m.Enter(argv), env)
}
