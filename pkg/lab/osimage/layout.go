package osimage

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/okd-install/okd-install/pkg/lab/command"
)

//go:embed all:tree
var embedded embed.FS

// Tree is what the image has on top of Debian.
func Tree() fs.FS {
	tree, err := fs.Sub(embedded, "tree")
	if err != nil {
		panic(err) // the name is a constant
	}
	return tree
}

// links are made in the image: path to target.
var links = map[string]string{
	"usr/bin/kubectl":             "hyperkube",
	"usr/bin/oc":                  "hyperkube",
	"usr/libexec/okd-lab/kubelet": "/usr/bin/hyperkube",

	// One directory of CNI plugins and one of CNI configurations, under all
	// names that release components know.
	"opt/cni/bin":     "/usr/lib/cni",
	"var/lib/cni/bin": "/usr/lib/cni",
	"etc/cni/net.d":   "/etc/kubernetes/cni/net.d",

	// One bundle of certificates, under the names of Debian and of Fedora.
	"etc/ssl/certs/ca-certificates.crt": bundle,
	"etc/pki/tls/certs/ca-bundle.crt":   bundle,
	"etc/pki/tls/cert.pem":              bundle,
	"etc/ssl/cert.pem":                  bundle,
	"usr/sbin/update-ca-certificates":   "../bin/update-ca-trust",
	"etc/systemd/system/default.target": "/lib/systemd/system/multi-user.target",
	"etc/systemd/system/sshd.service":   "/lib/systemd/system/ssh.service",
}

const bundle = "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem"

// directories exist in the image even when nothing is in them yet.
var directories = []string{
	"boot", "etc/pki/ca-trust/source/anchors", "etc/pki/ca-trust/extracted/pem", "usr/share/pki/ca-trust-source",
	"etc/kubernetes/manifests", "etc/kubernetes/cni/net.d", "etc/crio/crio.conf.d", "etc/containerd/certs.d",
	"etc/NetworkManager/dispatcher.d", "etc/NetworkManager/system-connections", "etc/systemd/system-preset",
	"var/lib/kubelet", "var/lib/containerd", "var/lib/containers", "var/log/journal", "var/opt",
}

// enabled units start at boot, besides those that Ignition enables.
var enabled = []string{
	"lab-remount.service", "lab-dispatcher.service", "lab-dispatcher.path", "coreos-update-ca-trust.service",
	"sshd-keygen.service", "ssh.service", "systemd-networkd.service", "systemd-networkd-wait-online.service",
	"NetworkManager.service", "NetworkManager-wait-online.service",
}

// masked units make no sense in a machine of this kind, cost memory, or fail.
var masked = []string{
	"apt-daily.service", "apt-daily.timer", "apt-daily-upgrade.service", "apt-daily-upgrade.timer",
	"dpkg-db-backup.service", "dpkg-db-backup.timer", "e2scrub_all.timer", "e2scrub_reap.service", "fstrim.timer",
	"podman-auto-update.service", "podman-auto-update.timer", "podman-restart.service", "podman.service", "podman.socket",
	"haproxy.service", "keepalived.service", "nftables.service", "rsync.service", "netfilter-persistent.service",
	"containerd.service", "ssh.socket",
	"console-getty.service", "getty@tty1.service", "getty.target",
	"systemd-firstboot.service", "systemd-logind.service", "dbus-org.freedesktop.login1.service",
	"systemd-pstore.service", "systemd-timesyncd.service",
	"systemd-update-utmp.service", "systemd-update-utmp-runlevel.service", "systemd-machine-id-commit.service",
	"systemd-ask-password-wall.path", "systemd-ask-password-console.path", "ldconfig.service",
	"systemd-journal-flush.service", "modprobe@.service", "sys-kernel-debug.mount", "sys-kernel-tracing.mount",
	"dev-hugepages.mount", "dev-mqueue.mount", "systemd-network-generator.service",
	"systemd-modules-load.service", "systemd-remount-fs.service", "systemd-sysusers.service",
	"sys-fs-fuse-connections.mount", "systemd-hwdb-update.service", "polkit.service",
	// It would start systemd-networkd again and again where NetworkManager is in charge.
	"systemd-networkd.socket",
}

// apply turns a Debian root into the image's root. root is a copy that may be
// changed.
func apply(ctx context.Context, root, hyperkube string, tree fs.FS) error {
	for _, dir := range directories {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			return err
		}
	}
	if err := trustBundle(root); err != nil {
		return err
	}
	// The network that podman's package brings would make a node look ready
	// before it has a pod network.
	if err := os.RemoveAll(filepath.Join(root, "etc/cni/net.d")); err != nil {
		return err
	}
	if err := copyTree(root, tree); err != nil {
		return err
	}
	if err := installProgram(ctx, hyperkube, filepath.Join(root, "usr/bin/hyperkube")); err != nil {
		return err
	}
	for at, target := range links {
		if err := relink(target, filepath.Join(root, at)); err != nil {
			return err
		}
	}
	for _, unit := range masked {
		if err := relink("/dev/null", filepath.Join(root, "etc/systemd/system", unit)); err != nil {
			return err
		}
	}
	if err := plainFiles(root); err != nil {
		return err
	}
	for _, argv := range [][]string{
		append([]string{"systemctl", "--root=" + root, "--quiet", "enable", "--"}, enabled...),
		{"groupadd", "--root", root, "--system", "wheel"},
	} {
		if _, err := command.Run(ctx, argv[0], argv[1:]...); err != nil {
			return err
		}
	}
	return nil
}

// plainFiles are those whose content matters only by being there.
func plainFiles(root string) error {
	for name, content := range map[string]string{
		// The firmware runs Ignition while this file is there, as on CoreOS.
		firstBootMark:     "",
		"etc/resolv.conf": "",
		"etc/fstab":       "",
		"etc/hosts":       "127.0.0.1 localhost localhost.localdomain\n::1 localhost localhost.localdomain\n",
	} {
		path := filepath.Join(root, name)
		if err := os.RemoveAll(path); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// trustBundle keeps the distribution's certificates where update-ca-trust
// finds them, before their place becomes a link.
func trustBundle(root string) error {
	b, err := os.ReadFile(filepath.Join(root, "etc/ssl/certs/ca-certificates.crt"))
	if err != nil {
		return fmt.Errorf("keep trusted certificates: %w", err)
	}
	for _, at := range []string{"usr/share/pki/ca-trust-source/ca-bundle.pem", bundle} {
		if err := os.WriteFile(filepath.Join(root, at), b, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// copyTree writes an embedded tree. Embedding loses modes: programs are known
// by their directory.
func copyTree(root string, tree fs.FS) error {
	return fs.WalkDir(tree, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to := filepath.Join(root, path)
		if d.IsDir() {
			return os.MkdirAll(to, 0o755)
		}
		mode := fs.FileMode(0o644)
		switch {
		case strings.HasPrefix(path, "usr/bin/"), strings.HasPrefix(path, "usr/libexec/"):
			mode = 0o755
		case strings.HasPrefix(path, "etc/sudoers.d/"):
			mode = 0o440 // sudo ignores others
		}
		b, err := fs.ReadFile(tree, path)
		if err != nil {
			return err
		}
		if err := os.RemoveAll(to); err != nil {
			return err
		}
		if err := os.WriteFile(to, b, mode); err != nil {
			return err
		}
		return os.Chmod(to, mode)
	})
}

// installProgram copies; a link would let the image change with its source.
func installProgram(ctx context.Context, from, to string) error {
	_, err := command.Run(ctx, "install", "-D", "--mode=755", "--", from, to)
	return err
}

func relink(target, path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.RemoveAll(path); err != nil {
		return err
	}
	return os.Symlink(target, path)
}
