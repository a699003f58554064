package setup

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/cache"
	"github.com/okd-install/okd-install/pkg/lab/command"
)

const (
	ignitionModule = "github.com/coreos/ignition/v2"
	// The machines have no SELinux, and relabelling would fail on them.
	ignitionFlags = "-s -w -X " + ignitionModule + "/internal/distro.selinuxRelabel=false" +
		" -X " + ignitionModule + "/internal/version.Raw="
)

// versionOf is where Ignition asks systemd for its version, to warn of one before
// 240 if instances of units are enabled, as in getty@tty1. In a real initramfs
// systemd runs; in the lab's there is none to ask, and Debian's is 252.
const (
	versionOf     = "internal/systemd/systemd.go"
	askVersion    = "func GetSystemdVersion(ctx context.Context) (uint, error) {\n"
	answerVersion = askVersion + "\treturn 252, nil\n"
)

// ignition compiles the real Ignition and its validator, in the version that
// the installer's own go.mod asks for.
func ignition(ctx context.Context, dir cache.Dir, source string, clk clock.Clock) (binary, validate string, err error) {
	version, err := goTool(ctx, source, nil, "list", "-m", "-f", "{{.Version}}", ignitionModule)
	if err != nil {
		return "", "", err
	}
	goVersion, err := goTool(ctx, source, nil, "env", "GOVERSION")
	if err != nil {
		return "", "", err
	}
	key := cache.Key(version, goVersion, ignitionFlags, answerVersion)
	path, err := dir.Entry(ctx, clk, "ignition", key, func(path string) error {
		return buildIgnition(ctx, source, version, path)
	})
	return filepath.Join(path, "ignition"), filepath.Join(path, "ignition-validate"), err
}

// buildIgnition compiles in a copy of the module's own directory: its main package
// is internal, and its go.sum has its dependencies.
func buildIgnition(ctx context.Context, source, version, out string) error {
	b, err := goTool(ctx, source, nil, "mod", "download", "-json", ignitionModule+"@"+version)
	if err != nil {
		return err
	}
	var mod struct{ Dir string }
	if err := json.Unmarshal([]byte(b), &mod); err != nil {
		return fmt.Errorf("find Ignition's source: %w", err)
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return fmt.Errorf("compile Ignition: %w", err)
	}
	source, err = ignitionSource(mod.Dir, out)
	if err != nil {
		return fmt.Errorf("compile Ignition: %w", err)
	}
	for name, build := range map[string]struct{ pkg, cgo string }{
		"ignition":          {"./internal", "1"},
		"ignition-validate": {"./validate", "0"},
	} {
		if _, err := goTool(ctx, source, []string{"CGO_ENABLED=" + build.cgo, "GOFLAGS=-buildvcs=false", "GOWORK=off"},
			"build", "-trimpath", "-ldflags", ignitionFlags+version, "-o", filepath.Join(out, name), build.pkg); err != nil {
			return err
		}
	}
	return os.RemoveAll(source)
}

// ignitionSource copies Ignition's source to a directory in out, and changes what
// has to be changed.
func ignitionSource(module, out string) (string, error) {
	source := filepath.Join(out, "source")
	if err := os.CopyFS(source, os.DirFS(module)); err != nil {
		return "", err
	}
	path := filepath.Join(source, versionOf)
	b, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	if bytes.Count(b, []byte(askVersion)) != 1 {
		return "", fmt.Errorf("%s has no %q: look how this version asks for systemd's", versionOf, askVersion)
	}
	return source, os.WriteFile(path, bytes.Replace(b, []byte(askVersion), []byte(answerVersion), 1), 0o644)
}

func goTool(ctx context.Context, dir string, env []string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	return command.Output(cmd)
}
