package kubevirt

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	"github.com/okd-install/okd-install/pkg/lab/cache"
	"github.com/okd-install/okd-install/pkg/lab/command"
)

const module = "kubevirt.io/kubevirt"

// The module's programs.
var (
	commands = []string{
		"virt-operator", "virt-api", "virt-controller", "virt-exportproxy", "virt-exportserver",
		"synchronization-controller", "virt-handler", "virt-chroot", "virt-launcher", "virt-launcher-monitor",
		"virt-probe", "virt-freezer", "virt-tail", "virtctl",
	}
	generators = []string{"csv-generator", "resource-generator"}
)

// containerDisk serves the disk of an image to the launcher; it is written in C.
const containerDisk = "container-disk"

// The names of hosts and users come from Go's own code instead of the C library's.
// So nothing but libvirt and a header of KVM asks for C, the other programs are
// static, and all are compiled in one go: with and without CGO everything would be
// compiled twice.
const (
	buildTags = "netgo,osusergo"
	ldflags   = "-s -w -X kubevirt.io/client-go/version.gitVersion=" + Version +
		" -X kubevirt.io/client-go/version.gitTreeState=clean"
)

// sourceFiles are files of the module that go into images, by what they are called
// among the programs.
var sourceFiles = map[string]string{
	"node-labeller.sh": "cmd/virt-launcher/node-labeller/node-labeller.sh",
	"qemu.conf":        "cmd/virt-launcher/qemu.conf",
	"virtqemud.conf":   "cmd/virt-launcher/virtqemud.conf",
	"qemu-hook":        "cmd/virt-launcher/qemu",
}

// programs compiles hack/modules/kubevirt.
func (b Builder) programs(ctx context.Context) (string, error) {
	src := filepath.Join(b.Source, "hack", "modules", "kubevirt")
	files, err := cache.TreeKey(os.DirFS(src))
	if err != nil {
		return "", fmt.Errorf("hash module kubevirt: %w", err)
	}
	key := "kubevirt-" + cache.Key(files, runtime.Version(), runtime.GOARCH, buildTags, ldflags,
		fmt.Sprint(commands, generators, sourceFiles))
	return b.Cache.Entry(ctx, b.Clock, "virt", key, func(path string) error {
		fmt.Fprintf(b.Out, "compiling KubeVirt %s (once; kept in %s)\n", Version, b.Cache.Path)
		start := b.Clock.Now()
		if err := compile(ctx, src, path); err != nil {
			return fmt.Errorf("compile KubeVirt: %w", err)
		}
		fmt.Fprintf(b.Out, "compiled KubeVirt in %s\n", b.Clock.Now().Sub(start).Round(time.Second))
		return nil
	})
}

func compile(ctx context.Context, src, out string) error {
	if err := os.Mkdir(out, 0o755); err != nil {
		return err
	}
	run := func(env []string, name string, args ...string) (string, error) {
		cmd := exec.CommandContext(ctx, name, args...)
		cmd.Dir = src
		cmd.Env = append(os.Environ(), append(env, "GOWORK=off")...)
		return command.Output(cmd)
	}
	build := []string{
		"build", "-trimpath", "-buildvcs=false", "-tags", buildTags, "-ldflags", ldflags, "-o", out + "/",
	}
	for _, c := range commands {
		build = append(build, module+"/cmd/"+c)
	}
	for _, g := range generators {
		build = append(build, module+"/tools/"+g)
	}
	if _, err := run([]string{"CGO_ENABLED=1"}, "go", build...); err != nil {
		return err
	}
	found, err := run(nil, "go", "list", "-m", "-json", module)
	if err != nil {
		return err
	}
	var m struct{ Dir, Version string }
	if err := json.Unmarshal([]byte(found), &m); err != nil {
		return fmt.Errorf("find KubeVirt's source: %w", err)
	}
	if m.Version != Version {
		return fmt.Errorf("hack/modules/kubevirt has version %s, package kubevirt %s", m.Version, Version)
	}
	for name, at := range sourceFiles {
		data, err := os.ReadFile(filepath.Join(m.Dir, at))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(out, name), data, 0o644); err != nil {
			return err
		}
	}
	_, err = run(nil, "gcc", "-static", "-O2", "-o", filepath.Join(out, containerDisk),
		filepath.Join(m.Dir, "cmd/container-disk-v2alpha/main.c"))
	return err
}
