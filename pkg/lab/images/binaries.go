package images

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/cache"
	"github.com/okd-install/okd-install/pkg/lab/command"
)

// KubernetesVersion is the version of the release's Kubernetes programs.
const KubernetesVersion = "1.34.3"

// module is one program under hack/modules: a Go module of its own, so that
// its dependencies do not meet the installer's.
type module struct {
	name, ldflags string
	// dirs are packages by the directory that their programs go to; none for the
	// program of the module in one file.
	dirs map[string][]string
}

var modules = []module{
	{name: "hyperkube", ldflags: "-s -w -X k8s.io/component-base/version.gitVersion=v" + KubernetesVersion},
	{name: "etcd", ldflags: "-s -w"},
	{name: "coredns", ldflags: "-s -w"},
	{name: "pod", ldflags: "-s -w"},
	{name: "opm", ldflags: "-s -w"},
	{
		name: "multus",
		ldflags: "-s -w -X gopkg.in/k8snetworkplumbingwg/multus-cni.v4/pkg/multus.version=v4.2.3" +
			" -X github.com/containernetworking/plugins/pkg/utils/buildversion.BuildVersion=v1.8.0",
		dirs: map[string][]string{
			"multus-cni": {".", "gopkg.in/k8snetworkplumbingwg/multus-cni.v4/cmd/thin_entrypoint"},
			"cni-plugins": {
				cniPlugins + "main/bridge", cniPlugins + "main/macvlan", cniPlugins + "meta/tuning",
				cniPlugins + "ipam/host-local", cniPlugins + "ipam/static",
			},
		},
	},
}

const cniPlugins = "github.com/containernetworking/plugins/plugins/"

// Binaries compiles the programs of the release, or finds them in the cache.
// The programs from modules of their own are compiled once per content of the
// module and Go version; okd-lab-release goes through go build every time,
// which does nothing when it is up to date.
func Binaries(ctx context.Context, source, cacheDir string, out io.Writer) (Programs, error) {
	dir := filepath.Join(cacheDir, "bin")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return Programs{}, fmt.Errorf("create cache of programs: %w", err)
	}
	unlock, err := cache.Lock(ctx, clock.Real(), filepath.Join(dir, "lock"))
	if err != nil {
		return Programs{}, fmt.Errorf("lock cache of programs: %w", err)
	}
	defer unlock()

	paths := map[string]string{}
	for _, m := range modules {
		if paths[m.name], err = m.build(ctx, filepath.Join(source, "hack", "modules", m.name), cacheDir, out); err != nil {
			return Programs{}, err
		}
	}
	release := filepath.Join(dir, "okd-lab-release")
	if err := goBuild(ctx, source, release, "-s -w", "./cmd/okd-lab-release"); err != nil {
		return Programs{}, err
	}
	ctl := filepath.Join(filepath.Dir(paths["etcd"]), "etcdctl")
	if err := os.Symlink("etcd", ctl); err != nil && !os.IsExist(err) {
		return Programs{}, err
	}
	return Programs{
		Hyperkube:  paths["hyperkube"],
		Etcd:       paths["etcd"],
		Etcdctl:    ctl,
		CoreDNS:    paths["coredns"],
		Pod:        paths["pod"],
		OPM:        paths["opm"],
		LabRelease: release,
		MultusCNI:  filepath.Join(filepath.Dir(paths["multus"]), "multus-cni"),
		CNIPlugins: filepath.Join(filepath.Dir(paths["multus"]), "cni-plugins"),
	}, nil
}

// OSTreeContainer compiles "ostree container" for machines.
func OSTreeContainer(ctx context.Context, source, cache string) (string, error) {
	path := filepath.Join(cache, "bin", "okd-lab-ostree")
	return path, goBuild(ctx, source, path, "-s -w", "./cmd/okd-lab-ostree")
}

// VirtOperators compiles the operators of the stack that runs virtual machines.
func VirtOperators(ctx context.Context, source, cache string) (string, error) {
	path := filepath.Join(cache, "bin", "okd-lab-virt")
	return path, goBuild(ctx, source, path, "-s -w", "./cmd/okd-lab-virt")
}

// build compiles the module in src to bin/<name>-<key>/<name> in the cache.
func (m module) build(ctx context.Context, src, dir string, out io.Writer) (string, error) {
	files, err := cache.TreeKey(os.DirFS(src))
	if err != nil {
		return "", fmt.Errorf("hash module %s: %w", m.name, err)
	}
	key := m.name + "-" + cache.Key(files, runtime.Version(), runtime.GOARCH, m.ldflags)
	entry, err := cache.Dir{Path: dir}.Entry(ctx, clock.Real(), "bin", key, func(path string) error {
		fmt.Fprintf(out, "compiling %s (once; kept in %s)\n", m.name, dir)
		start := time.Now()
		if err := os.Mkdir(path, 0o755); err != nil {
			return err
		}
		if err := m.compile(ctx, src, path); err != nil {
			return err
		}
		fmt.Fprintf(out, "compiled %s in %s\n", m.name, time.Since(start).Round(time.Second))
		return nil
	})
	return filepath.Join(entry, m.name), err
}

func (m module) compile(ctx context.Context, src, path string) error {
	if len(m.dirs) == 0 {
		return goBuild(ctx, src, filepath.Join(path, m.name), m.ldflags, ".")
	}
	for _, dir := range slices.Sorted(maps.Keys(m.dirs)) {
		target := filepath.Join(path, dir)
		if err := os.Mkdir(target, 0o755); err != nil {
			return err
		}
		if err := goBuild(ctx, src, target, m.ldflags, m.dirs[dir]...); err != nil {
			return err
		}
	}
	return nil
}

// goBuild compiles a package to a file, or several into a directory that exists.
func goBuild(ctx context.Context, dir, target, ldflags string, packages ...string) error {
	args := []string{"build", "-trimpath", "-buildvcs=false", "-ldflags", ldflags, "-o", target}
	cmd := exec.CommandContext(ctx, "go", append(args, packages...)...)
	cmd.Dir = dir
	// Static programs run in images and in root file systems of any libc.
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	if _, err := command.Output(cmd); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return fmt.Errorf("compile %s: %w", filepath.Base(target), err)
	}
	return nil
}
