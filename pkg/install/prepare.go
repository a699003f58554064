package install

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/okd-install/okd-install/pkg/assets/bootstrap"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/osimage"
	"github.com/okd-install/okd-install/pkg/plan"
	"github.com/okd-install/okd-install/pkg/release"
	"github.com/okd-install/okd-install/pkg/types"
	"github.com/okd-install/okd-install/pkg/types/compat"
)

// inspect reads the release image, once in a run.
func (c *creation) inspect(ctx context.Context, sink event.Sink) (*release.Release, error) {
	c.releaseOnce.Lock()
	defer c.releaseOnce.Unlock()
	if c.releaseRead != nil {
		return c.releaseRead, nil
	}
	opts := releaseOptions(c.cluster.Config)
	opts.Asking = asking(sink)
	rel, err := release.Inspect(ctx, c.cluster.ReleaseImage, opts)
	if err != nil {
		return nil, err
	}
	if v := c.cluster.ReleaseVersion; v != "" && rel.Version != v {
		return nil, fmt.Errorf("image %s was named as release %s, but says that it is %s", rel.PullSpec, v, rel.Version)
	}
	if err := c.fits(rel); err != nil {
		return nil, err
	}
	c.releaseRead = rel
	return rel, nil
}

// fits compares the install-config with the release.
func (c *creation) fits(rel *release.Release) error {
	profile := orDefault(c.app.Getenv(envClusterProfile), bootstrap.DefaultProfile)
	found := compat.Check(c.cluster.Config, compat.Release{
		Version: rel.Version, Gates: func(set string) map[string]bool { return rel.Gates(profile, set) },
	})
	for _, line := range found.Lines(true) {
		event.Warn(c.app.Sink, line)
	}
	if err := found.Err(); err != nil {
		return c.app.classify(err)
	}
	return nil
}

// releaseOptions are how the install-config says that images are to be reached.
func releaseOptions(cfg *types.InstallConfig) release.Options {
	opts := release.Options{PullSecret: cfg.PullSecret, TrustBundle: []byte(cfg.AdditionalTrustBundle)}
	for _, s := range cfg.Mirrors() {
		opts.Mirrors = append(opts.Mirrors, release.Mirror{Source: s.Source, Mirrors: s.Mirrors, Only: s.SourcePolicy == "NeverContactSource"})
	}
	return opts
}

// asking says which of several places is asked for the release.
func asking(sink event.Sink) func(place string) {
	return func(place string) { event.ProgressOf(sink, "reading the release image from "+place) }
}

// preflight looks for everything that would stop the installation, and changes
// nothing.
func (c *creation) preflight(ctx context.Context, sink event.Sink) error {
	rel, err := c.inspect(ctx, sink)
	if err != nil {
		return err
	}
	event.Info(sink, "Release "+rel.Version, "image", rel.PullSpec)
	has := func(tag string) bool { _, ok := rel.Image(tag); return ok }
	if err := bootstrap.Refuse(c.cluster.Config, rel.Version, has); err != nil {
		return err
	}
	p, err := c.plan(ctx)
	if err != nil {
		return err
	}
	event.ProgressOf(sink, "checking the platform")
	// Addresses where nobody is cost the whole time limit of a knock.
	vips := make(chan error, 1)
	go func() { vips <- c.vipsFree(ctx) }()
	findings, err := c.provider(sink).Preflight(ctx, p)
	if err != nil {
		return fmt.Errorf("check the platform: %w", err)
	}
	for _, line := range findings.Lines(true) {
		event.Warn(sink, line)
	}
	return errors.Join(findings.Err(), <-vips)
}

// knockLimit is how long a host on the same site has to answer a connection.
const knockLimit = time.Second

// vipsFree tells of virtual addresses that somebody answers on already. It
// knocks at the ports that the cluster will serve; an address in use without
// any of them cannot be seen from another network.
func (c *creation) vipsFree(ctx context.Context) error {
	cfg := c.cluster.Config
	var mu sync.Mutex
	var taken []string
	var knocks sync.WaitGroup
	knock := func(field string, vip netip.Addr, ports ...string) {
		for _, port := range ports {
			knocks.Go(func() {
				d := net.Dialer{Timeout: knockLimit}
				conn, err := d.DialContext(ctx, "tcp", net.JoinHostPort(vip.String(), port))
				if err != nil {
					return
				}
				_ = conn.Close()
				mu.Lock()
				defer mu.Unlock()
				taken = append(taken, fmt.Sprintf("install-config.yaml: %s: Invalid value: %q: another host answers there on port %s; choose a free address", field, vip, port))
			})
		}
	}
	for _, vip := range cfg.APIVIPs() {
		knock(cfg.APIVIPField(), vip, "6443", "22623")
	}
	for _, vip := range cfg.IngressVIPs() {
		knock(cfg.IngressVIPField(), vip, "443")
	}
	knocks.Wait()
	if len(taken) > 0 {
		return errors.New(strings.Join(taken, "\n"))
	}
	return nil
}

// plan describes the infrastructure, once in a run.
func (c *creation) plan(ctx context.Context) (plan.Plan, error) {
	if c.infra != nil {
		return *c.infra, nil
	}
	var image plan.Image
	if c.platform.stream != "" {
		var err error
		if image, c.artifact, err = c.osImage(ctx); err != nil {
			return plan.Plan{}, err
		}
	}
	p, err := c.platform.plan(c.cluster, image)
	if err != nil {
		return plan.Plan{}, err
	}
	c.infra = &p
	return p, nil
}

func (c *creation) streamArtifact() (osimage.Artifact, error) {
	if c.releaseRead.Stream() == nil {
		return osimage.Artifact{}, fmt.Errorf("release %s names no operating system images; name one with %s", c.releaseRead.Version, envOSImage)
	}
	data, err := json.Marshal(c.releaseRead.Stream())
	if err != nil {
		return osimage.Artifact{}, err
	}
	return osimage.Find(data, "amd64", c.platform.stream)
}

// fetchImage brings the image file to this machine when the platform turns out
// to lack it.
func (c *creation) fetchImage(sink event.Sink) fetch {
	return func(ctx context.Context, image plan.Image) (plan.Image, error) {
		event.ProgressOf(sink, "looking for the OS image on this machine")
		client, err := osimage.Client([]byte(c.cluster.Config.AdditionalTrustBundle), http.ProxyFromEnvironment)
		if err != nil {
			return image, err
		}
		cache := osimage.Cache{Dir: osimage.CacheDir(c.app.Getenv), HTTP: client, Clock: c.app.Clock,
			Log: slog.New(event.Handler(sink)), Unverified: c.app.unverifiedImages(),
			Progress: func(got, total int64) { event.ProgressOf(sink, "downloading the OS image: "+share(got, total)) }}
		file, err := cache.Get(ctx, c.artifact)
		if err != nil {
			return image, err
		}
		image.Path, image.SHA256, image.Size, image.Virtual, image.Format = file.Path, file.SHA256, file.Size, file.Virtual, file.Format
		return image, nil
	}
}

// share says how much of a whole has come, in steps that are worth a line.
func share(got, total int64) string {
	const mib = 1 << 20
	if total <= 0 {
		return fmt.Sprintf("%d MiB", got/mib/64*64)
	}
	return fmt.Sprintf("%d %% of %d MiB", got*100/total, total/mib)
}
