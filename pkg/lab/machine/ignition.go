package machine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/okd-install/okd-install/pkg/lab/command"
)

// installedConfig is where coreos-installer leaves the config of the system that
// it writes to a disk.
const installedConfig = "boot/ignition/config.ign"

// config is the system's Ignition config: from the medium, from the platform or,
// on a disk that was installed, as the installer left it.
func (m *machine) config(dev device) ([]byte, error) {
	switch {
	case dev.live:
		return m.hw.Media.Ignition, nil
	case len(m.hw.UserData) > 0:
		return m.hw.UserData, nil
	}
	b, err := os.ReadFile(filepath.Join(m.root(), installedConfig))
	if err != nil && !os.IsNotExist(err) {
		return nil, fmt.Errorf("read installed Ignition config: %w", err)
	}
	return b, nil
}

// ignite runs Ignition on the root. Fetching may take any time: a machine
// whose config server is not up yet keeps asking.
func (m *machine) ignite(ctx context.Context, resolver, config []byte) error {
	work := filepath.Join(m.dir, "ignition")
	if err := errors.Join(os.RemoveAll(work), os.MkdirAll(work, 0o700)); err != nil {
		return fmt.Errorf("prepare Ignition: %w", err)
	}
	if len(bytes.TrimSpace(config)) == 0 {
		m.note("no configuration was given to this machine")
		config = []byte(`{"ignition":{"version":"3.2.0"}}`)
	}
	for name, b := range map[string][]byte{"config.ign": config, "resolv.conf": resolver} {
		if err := os.WriteFile(filepath.Join(work, name), b, 0o600); err != nil {
			return fmt.Errorf("prepare Ignition: %w", err)
		}
	}
	for _, stage := range []string{"fetch", "files"} {
		m.note("Ignition: %s", stage)
		if err := m.ignitionStage(ctx, work, stage); err != nil {
			return err
		}
	}
	if err := m.applyPresets(ctx); err != nil {
		return err
	}
	return os.RemoveAll(work) // the fetched config holds secrets
}

// launch enters control groups and becomes the program that follows.
const launch = `while [ "$1" != -- ]; do echo $$ >"$1" || exit 120; shift; done; shift; exec "$@"`

// withResolver replaces resolv.conf for one program; the mount is private to
// it. The file may be a symbolic link, so the mount goes where that leads.
const withResolver = `mount --bind "$1" "$(readlink -f /etc/resolv.conf)"; shift; exec "$@"`

func (m *machine) ignitionStage(ctx context.Context, work, stage string) error {
	console, err := m.console()
	if err != nil {
		return fmt.Errorf("run Ignition: %w", err)
	}
	defer console.Close()
	argv := append([]string{"-c", launch, "okd-lab-firmware"}, m.group().Join()...)
	argv = append(argv, "--",
		"nsenter", "--net="+m.namespace(), "--",
		"unshare", "--mount", "--",
		"sh", "-c", withResolver, "okd-lab-firmware", filepath.Join(work, "resolv.conf"),
		m.sup.cfg.Ignition, "-log-to-stdout", "-platform", "file", "-stage", stage, "-root", m.root(),
		"-config-cache", filepath.Join(work, "cache.json"), "-neednet", filepath.Join(work, "neednet"),
		"-state-file", filepath.Join(work, "state"))
	cmd := exec.CommandContext(ctx, "sh", argv...)
	cmd.Env = append(os.Environ(),
		"IGNITION_CONFIG_FILE="+filepath.Join(work, "config.ign"),
		// The base config of the image, which makes the user core.
		"IGNITION_SYSTEM_CONFIG_DIR="+filepath.Join(m.root(), "usr/lib/ignition"),
		"SSL_CERT_FILE="+filepath.Join(m.root(), "etc/ssl/certs/ca-certificates.crt"),
		"SSL_CERT_DIR="+filepath.Join(m.root(), "etc/ssl/certs"))
	log := &withoutConfig{out: console}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("run Ignition stage %s: %w", stage, err)
	}
	return nil
}

// presetFile is where Ignition lists the units to enable.
const presetFile = "etc/systemd/system-preset/20-ignition.preset"

// applyPresets does what systemd does at the first boot of a system without a
// machine id, for the units that Ignition named.
func (m *machine) applyPresets(ctx context.Context) error {
	b, err := os.ReadFile(filepath.Join(m.root(), presetFile))
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("apply unit presets: %w", err)
	}
	for verb, units := range presets(string(b)) {
		args := append([]string{"--root=" + m.root(), "--quiet", verb, "--"}, units...)
		if _, err := command.Run(ctx, "systemctl", args...); err != nil {
			m.note("cannot %s %s: %v", verb, strings.Join(units, " "), err)
		}
	}
	return nil
}

// presets reads lines such as "enable a.service" and "enable b@.service x y".
func presets(text string) map[string][]string {
	units := map[string][]string{}
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 2 || (f[0] != "enable" && f[0] != "disable") {
			continue
		}
		name, kind, template := strings.Cut(f[1], "@.")
		if !template || len(f) == 2 {
			units[f[0]] = append(units[f[0]], f[1])
			continue
		}
		for _, instance := range f[2:] {
			units[f[0]] = append(units[f[0]], name+"@"+instance+"."+kind)
		}
	}
	return units
}

// withoutConfig passes Ignition's log on, except for the whole config, secrets
// and all, that it prints when it fails.
type withoutConfig struct {
	out     io.Writer
	partial []byte
	hiding  bool
}

func (w *withoutConfig) Write(p []byte) (int, error) {
	w.partial = append(w.partial, p...)
	for {
		end := bytes.IndexByte(w.partial, '\n')
		if end < 0 {
			return len(p), nil
		}
		line := w.partial[:end+1]
		w.partial = w.partial[end+1:]
		switch {
		case bytes.HasPrefix(line, []byte("Full config:")):
			w.hiding = true
			line = []byte("Full config: (hidden)\n")
		case w.hiding && logLine.Match(line):
			w.hiding = false
		case w.hiding:
			continue
		}
		if _, err := w.out.Write(line); err != nil {
			return 0, err
		}
	}
}

// logLine is how Ignition begins a line of its log.
var logLine = regexp.MustCompile(`^[A-Z]+ *: `)
