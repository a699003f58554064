package images

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/cache"
	"github.com/okd-install/okd-install/pkg/lab/command"
)

// KubernetesVersion is the version of the release's Kubernetes programs.
const KubernetesVersion = "1.34.3"

// module is one program under hack/modules: a Go module of its own, so that
// its dependencies do not meet the installer's.
type module struct{ name, ldflags string }

var modules = []module{
	{"hyperkube", "-s -w -X k8s.io/component-base/version.gitVersion=v" + KubernetesVersion},
	{"etcd", "-s -w"},
	{"coredns", "-s -w"},
	{"pod", "-s -w"},
	{"opm", "-s -w"},
}

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
	if err := goBuild(ctx, source, "./cmd/okd-lab-release", release, "-s -w"); err != nil {
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
	}, nil
}

// OSTreeContainer compiles "ostree container" for machines.
func OSTreeContainer(ctx context.Context, source, cache string) (string, error) {
	path := filepath.Join(cache, "bin", "okd-lab-ostree")
	return path, goBuild(ctx, source, "./cmd/okd-lab-ostree", path, "-s -w")
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
		if err := goBuild(ctx, src, ".", filepath.Join(path, m.name), m.ldflags); err != nil {
			return err
		}
		fmt.Fprintf(out, "compiled %s in %s\n", m.name, time.Since(start).Round(time.Second))
		return nil
	})
	return filepath.Join(entry, m.name), err
}

func goBuild(ctx context.Context, dir, pkg, target, ldflags string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", ldflags, "-o", target, pkg)
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
