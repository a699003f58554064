// Package setup prepares this machine for labs: packages, programs, the OS
// image and the lab release, all kept in a cache.
package setup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/okd-install/okd-install/pkg/atomicfile"
	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/cache"
	"github.com/okd-install/okd-install/pkg/lab/catalog"
	"github.com/okd-install/okd-install/pkg/lab/images"
	"github.com/okd-install/okd-install/pkg/lab/liveiso"
	"github.com/okd-install/okd-install/pkg/lab/network"
	"github.com/okd-install/okd-install/pkg/lab/osimage"
	"github.com/okd-install/okd-install/pkg/lab/release/contract"
	"github.com/okd-install/okd-install/pkg/lab/rootfs"
	"github.com/okd-install/okd-install/pkg/lab/virt/kubevirt"
)

// Version is that of the lab's build of a release such as 5.0.
func Version(release string) string { return release + ".0-okd-lab.1" }

// Result is what setup has made: paths in the cache.
type Result struct {
	Rootfs           string          `json:"rootfs"`
	Programs         images.Programs `json:"programs"`
	Ignition         string          `json:"ignition"`
	IgnitionValidate string          `json:"ignitionValidate"`
	Image            string          `json:"image"`   // directory
	Release          images.Release  `json:"release"` // the first that was asked for
	// Releases are all that were asked for, the first included.
	Releases []images.Release `json:"releases"`
	// Content are OCI layouts with what clusters find outside of the release.
	Content []string `json:"content"`
	// LiveISO is the path of the live ISO.
	LiveISO string `json:"liveISO"`
	// Stream is a file with the CoreOS stream of OS image and live ISO.
	Stream string `json:"stream"`
	// Bare is the directory of the bare OS image; empty unless asked for.
	Bare string `json:"bare,omitempty"`
	// KubeVirt is nil unless the stack for virtual machines was asked for.
	KubeVirt *kubevirt.Result `json:"kubeVirt,omitempty"`
}

// Config is what to set up, and from where.
type Config struct {
	Source string // root of the repository
	Cache  string
	Mirror string // of Debian packages; empty for the usual one
	// Bare makes an OS image without kubelet, oc and runtime, too, and has the
	// release bring them, as OKD's do.
	Bare bool
	// Virtualization makes what clusters need to run virtual machines, too.
	Virtualization bool
	// Releases to build, as in 4.20; default contract.Newest. The first one is
	// what a lab installs unless told otherwise.
	Releases []string
	Out      io.Writer
	Clock    clock.Clock
}

const resultFile = "setup.json"

// Load reads the result of the last setup.
func Load(cacheDir string) (Result, error) {
	var r Result
	b, err := os.ReadFile(filepath.Join(cacheDir, resultFile))
	if errors.Is(err, fs.ErrNotExist) {
		return r, errors.New("this machine is not set up for labs; run okd-lab setup")
	}
	if err == nil {
		err = json.Unmarshal(b, &r)
	}
	if err != nil {
		return r, fmt.Errorf("read result of setup: %w", err)
	}
	return r, nil
}

// Run does what is not done yet.
func Run(ctx context.Context, cfg Config) (Result, error) {
	if err := os.MkdirAll(cfg.Cache, 0o755); err != nil {
		return Result{}, fmt.Errorf("open cache: %w", err)
	}
	if len(cfg.Releases) == 0 {
		cfg.Releases = []string{contract.Newest}
	}
	for _, r := range cfg.Releases {
		if of, err := contract.Of(Version(r)); err != nil {
			return Result{}, err
		} else if of != r {
			return Result{}, fmt.Errorf("release %q: name it like %s", r, of)
		}
	}
	unlock, err := cache.Lock(ctx, cfg.Clock, filepath.Join(cfg.Cache, ".setup.lock"))
	if err != nil {
		return Result{}, err
	}
	defer unlock()
	start := cfg.Clock.Now()
	cfg.Out = &lineWriter{w: cfg.Out}
	s := steps{cfg}
	r, err := s.all(ctx)
	if err != nil {
		return Result{}, err
	}
	if err := trim(cfg.Cache, cfg.Clock.Now()); err != nil {
		s.say("%v", err) // costs disk space only
	}
	b, err := json.MarshalIndent(r, "", "  ")
	if err == nil {
		err = atomicfile.Write(filepath.Join(cfg.Cache, resultFile), b, 0o644)
	}
	if err != nil {
		return Result{}, fmt.Errorf("write result of setup: %w", err)
	}
	s.say("setup done in %s", s.since(start))
	return r, nil
}

// ImagesURL is where labs serve OS images.
const ImagesURL = "https://" + network.ImagesName

func (s steps) all(ctx context.Context) (Result, error) {
	var r Result
	dir := cache.Dir{Path: s.cfg.Cache}
	packages := func(ctx context.Context) error {
		need := packages
		if s.cfg.Virtualization {
			need = slices.Concat(need, virtualizationPackages)
		}
		return installPackages(ctx, need, s.cfg.Out)
	}
	if err := s.step(ctx, "Debian packages", packages); err != nil {
		return r, err
	}
	// Unpacking packages waits for the network and the disk while compiling
	// takes the processors.
	both, bctx := errgroup.WithContext(ctx)
	both.Go(func() error {
		return s.step(bctx, "Debian root", func(ctx context.Context) (err error) {
			r.Rootfs, err = rootfs.Builder{Cache: dir, Mirror: s.cfg.Mirror, Clock: s.cfg.Clock}.Build(ctx)
			return err
		})
	})
	both.Go(func() error {
		err := s.step(bctx, "Kubernetes, etcd, CoreDNS", func(ctx context.Context) (err error) {
			r.Programs, err = images.Binaries(ctx, s.cfg.Source, s.cfg.Cache, s.cfg.Out)
			return err
		})
		if err != nil {
			return err
		}
		return s.step(bctx, "Ignition", func(ctx context.Context) (err error) {
			r.Ignition, r.IgnitionValidate, err = ignition(ctx, dir, s.cfg.Source, s.cfg.Clock)
			return err
		})
	})
	if err := both.Wait(); err != nil {
		return r, err
	}
	builder := osimage.Builder{Cache: dir, Rootfs: r.Rootfs, Hyperkube: r.Programs.Hyperkube, Clock: s.cfg.Clock}
	var image osimage.Image
	if err := s.step(ctx, "OS image", func(ctx context.Context) (err error) {
		image, err = builder.Build(ctx, ImagesURL)
		r.Image = image.Dir
		return err
	}); err != nil {
		return r, err
	}
	if err := s.step(ctx, "live ISO", func(ctx context.Context) error {
		iso, err := liveiso.Builder{
			Cache: dir, OS: builder, Image: image, Ignition: r.Ignition, Clock: s.cfg.Clock,
		}.Build(ctx, ImagesURL+network.LivePath)
		r.LiveISO, r.Stream = iso.Path(), iso.Stream()
		return err
	}); err != nil {
		return r, err
	}
	var node string
	if s.cfg.Bare {
		if err := s.step(ctx, "bare OS image", func(ctx context.Context) error {
			command, err := images.OSTreeContainer(ctx, s.cfg.Source, s.cfg.Cache)
			if err != nil {
				return err
			}
			bare, err := builder.BuildBare(ctx, command)
			r.Bare, node = bare.Dir, bare.Node()
			return err
		}); err != nil {
			return r, err
		}
	}
	err := s.step(ctx, "lab release", func(ctx context.Context) error {
		stream, err := os.ReadFile(r.Stream)
		if err != nil {
			return err
		}
		var versions []string
		for _, r := range s.cfg.Releases {
			versions = append(versions, Version(r))
		}
		r.Releases, err = images.Build(ctx, images.Inputs{
			Rootfs: r.Rootfs, Stream: stream, Out: s.cfg.Out, NodeImage: node,
			Registry: fmt.Sprintf("%s:%d", network.RegistryName, network.RegistryPort),
		}, r.Programs, versions, filepath.Join(s.cfg.Cache, "release"))
		if err != nil {
			return err
		}
		r.Release = r.Releases[0]
		return nil
	})
	if err != nil {
		return r, err
	}
	if s.cfg.Virtualization {
		err = s.step(ctx, "KubeVirt", func(ctx context.Context) error { return s.kubeVirt(ctx, &r) })
		if err != nil {
			return r, err
		}
	}
	return r, s.step(ctx, "catalogs of operators", func(ctx context.Context) error { return s.catalogs(ctx, &r) })
}

// catalogs makes the catalogs that clusters of the releases have by default, and what
// their operators are made of.
func (s steps) catalogs(ctx context.Context, r *Result) error {
	var versions []string
	for _, release := range r.Releases {
		versions = append(versions, release.Version)
	}
	virt, err := s.virtOperators(ctx, r, versions)
	if err != nil {
		return err
	}
	list, err := catalog.Outside(versions, r.Release.Images["pod"], r.Programs.OPM, virt.Packages)
	if err != nil {
		return err
	}
	list = append(list, virt.Images...)
	dir := filepath.Join(s.cfg.Cache, "catalogs")
	r.Content = append(r.Content, dir)
	return images.Collect(dir, list)
}

// What is kept of earlier setups: the last few, to go back and forth between
// branches, and all of the last days, for labs that run; a cluster of a lab
// lives about one.
const (
	keptBuilds = 3
	keptFor    = 48 * time.Hour
)

func trim(dir string, now time.Time) error {
	var errs []error
	for _, kind := range []string{
		osimage.PlainKind + "/*", osimage.BareKind + "/*", liveiso.Kind + "/*", liveiso.BootKind + "/*",
		"rootfs/*", "ignition/*",
		"bin/hyperkube-*", "bin/etcd-*", "bin/coredns-*", "bin/pod-*", "bin/opm-*",
		"unpacked/*", "virt/kubevirt-*", "virt/guest-*",
	} {
		errs = append(errs, cache.Trim(filepath.Join(dir, kind), keptBuilds, keptFor, now))
	}
	return errors.Join(errs...)
}

// steps prints what is done and how long it takes.
type steps struct{ cfg Config }

func (s steps) step(ctx context.Context, name string, do func(context.Context) error) error {
	start := s.cfg.Clock.Now()
	if err := do(ctx); err != nil {
		return fmt.Errorf("set up %s: %w", name, err)
	}
	s.say("%-28s %s", name, s.since(start))
	return nil
}

func (s steps) since(t time.Time) time.Duration {
	return s.cfg.Clock.Now().Sub(t).Round(10 * time.Millisecond)
}

func (s steps) say(format string, args ...any) { fmt.Fprintf(s.cfg.Out, format+"\n", args...) }

// lineWriter lets steps that run at the same time write whole lines.
type lineWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lineWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}
