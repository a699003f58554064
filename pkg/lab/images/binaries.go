package images

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/cache"
)

// KubernetesVersion is the version of the release's Kubernetes programs.
const KubernetesVersion = "1.34.3"

// module is one program under hack/modules: a Go module of its own, so that
// its dependencies do not meet the installer's.
type module struct {
	name    string
	ldflags string
}

var modules = []module{
	{"hyperkube", "-s -w -X k8s.io/component-base/version.gitVersion=v" + KubernetesVersion},
	{"etcd", "-s -w"},
	{"coredns", "-s -w"},
	{"pod", "-s -w"},
}

// Binaries compiles the programs of the release, or finds them in the cache.
// The programs from modules of their own are compiled once per content of the
// module and Go version; okd-lab-release goes through go build every time,
// which does nothing when it is up to date.
func Binaries(ctx context.Context, source, cacheDir string, out io.Writer) (Programs, error) {
	if out == nil {
		out = io.Discard
	}
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
		if paths[m.name], err = m.build(ctx, filepath.Join(source, "hack", "modules", m.name), dir, out); err != nil {
			return Programs{}, err
		}
	}
	release := filepath.Join(dir, "okd-lab-release")
	if err := goBuild(ctx, source, "./cmd/okd-lab-release", release, "-s -w"); err != nil {
		return Programs{}, err
	}
	ctl := filepath.Join(filepath.Dir(paths["etcd"]), "etcdctl")
	if err := link("etcd", ctl); err != nil {
		return Programs{}, err
	}
	return Programs{
		Hyperkube:  paths["hyperkube"],
		Etcd:       paths["etcd"],
		Etcdctl:    ctl,
		CoreDNS:    paths["coredns"],
		Pod:        paths["pod"],
		LabRelease: release,
	}, nil
}

// OSTreeContainer compiles "ostree container" for machines.
func OSTreeContainer(ctx context.Context, source, cache string) (string, error) {
	path := filepath.Join(cache, "bin", "okd-lab-ostree")
	return path, goBuild(ctx, source, "./cmd/okd-lab-ostree", path, "-s -w")
}

// build compiles the module in src to <dir>/<name>-<key>/<name>.
func (m module) build(ctx context.Context, src, dir string, out io.Writer) (string, error) {
	key, err := m.key(src)
	if err != nil {
		return "", fmt.Errorf("hash module %s: %w", m.name, err)
	}
	target := filepath.Join(dir, m.name+"-"+key, m.name)
	if _, err := os.Stat(target); err == nil {
		return target, cache.Use(filepath.Dir(target), time.Now())
	}
	fmt.Fprintf(out, "compiling %s (once; kept in %s)\n", m.name, dir)
	start := time.Now()
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return "", fmt.Errorf("create cache of %s: %w", m.name, err)
	}
	// The name appears only when it is complete: a killed build leaves no
	// half-written program behind that the next run would take.
	if err := goBuild(ctx, src, ".", target+".part", m.ldflags); err != nil {
		return "", err
	}
	if err := os.Rename(target+".part", target); err != nil {
		return "", fmt.Errorf("keep %s: %w", m.name, err)
	}
	fmt.Fprintf(out, "compiled %s in %s\n", m.name, time.Since(start).Round(time.Second))
	return target, nil
}

// key hashes all that decides the program: files, flags, compiler, platform.
func (m module) key(src string) (string, error) {
	h := sha256.New()
	fmt.Fprintln(h, runtime.Version(), runtime.GOARCH, m.ldflags)
	var files []string
	err := filepath.WalkDir(src, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && !strings.HasSuffix(path, "_test.go") {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		return "", err
	}
	slices.Sort(files)
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			return "", err
		}
		rel, _ := filepath.Rel(src, f)
		fmt.Fprintf(h, "%s %d\n", rel, len(data))
		h.Write(data)
	}
	return hex.EncodeToString(h.Sum(nil))[:16], nil
}

func goBuild(ctx context.Context, dir, pkg, target, ldflags string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", ldflags, "-o", target, pkg)
	cmd.Dir = dir
	// Static programs run in images and in root file systems of any libc.
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return fmt.Errorf("compile %s: %w\n%s", filepath.Base(target), err, tail(output.String(), 20))
	}
	return nil
}

func tail(s string, lines int) string {
	all := strings.Split(strings.TrimRight(s, "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

func link(target, path string) error {
	if old, err := os.Readlink(path); err == nil && old == target {
		return nil
	}
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("replace link %s: %w", path, err)
	}
	return os.Symlink(target, path)
}
