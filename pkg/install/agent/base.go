package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"

	"github.com/coreos/stream-metadata-go/arch"
	"github.com/coreos/stream-metadata-go/stream"

	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/install/releases"
	"github.com/okd-install/okd-install/pkg/osimage"
	"github.com/okd-install/okd-install/pkg/release"
)

// liveImages is the component of a release that has live ISOs as files.
const liveImages = "machine-os-images"

// rpmArch is the name that files have for the processor architecture of an image.
func rpmArch(image assets.AgentImage) string {
	return arch.RpmArch(image.Config.ControlPlane.Architecture)
}

// base finds the live ISO that an image is made from, and brings it to this machine.
type base struct {
	*install.Env
	sink  event.Sink // is told how far it is
	image assets.AgentImage
	// stream is what a cluster that runs says of its live ISO; nil without one.
	stream *stream.Stream
}

// find returns the path of the ISO: what the environment names, else that of the release.
func (b base) find(ctx context.Context) (string, error) {
	named := b.Getenv(install.EnvOSImage)
	path, file, err := osimage.LiveOverride(named)
	switch {
	case err != nil:
		return "", exit.With(exit.Other, "", err)
	case path != "":
		if _, err := os.Stat(path); err != nil {
			return "", exit.New("set "+install.EnvOSImage+" to the path or the URL of a live ISO of CoreOS",
				"find the live ISO that %s names: %w", install.EnvOSImage, err)
		}
		return path, nil
	case file != osimage.Artifact{}:
		return b.download(ctx, file)
	}
	event.ProgressOf(b.sink, "reading the release")
	opts := releases.Reach(b.image.Config)
	rel, err := release.Inspect(ctx, b.image.ReleaseImage, opts)
	if err != nil && b.stream != nil && ctx.Err() == nil {
		event.Debug(b.sink, "the release cannot be read", "err", err)
		return b.ofStream(ctx, b.stream, b.image.ReleaseVersion, []error{err})
	}
	if err != nil {
		return "", fmt.Errorf("find the live ISO: %w", err)
	}
	return b.ofRelease(ctx, rel, opts)
}

// ofRelease tries the places that a release names.
func (b base) ofRelease(ctx context.Context, rel *release.Release, opts release.Options) (string, error) {
	var tried []error
	if image, has := rel.Image(liveImages); has {
		path, err := b.extract(ctx, image, opts)
		if err == nil {
			return path, nil
		}
		tried = append(tried, fmt.Errorf("component %s: %w", liveImages, err))
	} else {
		tried = append(tried, fmt.Errorf("component %s: the release has none", liveImages))
	}
	if ctx.Err() != nil {
		return "", errors.Join(tried...)
	}
	known := rel.Stream
	if known == nil {
		known = b.stream
	}
	return b.ofStream(ctx, known, rel.Version, tried)
}

// ofStream tries what the CoreOS stream of a release names. The errors are those of earlier tries.
func (b base) ofStream(ctx context.Context, known *stream.Stream, version string, tried []error) (string, error) {
	if known == nil {
		tried = append(tried, errors.New("CoreOS stream: the release has none"))
	} else if file, err := osimage.FindLive(known, b.image.Config.ControlPlane.Architecture); err != nil {
		tried = append(tried, fmt.Errorf("CoreOS stream: %w", err))
	} else {
		path, err := b.download(ctx, file)
		if err == nil {
			return path, nil
		}
		tried = append(tried, fmt.Errorf("CoreOS stream: %w", err))
	}
	var lines []string
	for _, err := range tried {
		lines = append(lines, err.Error())
	}
	return "", exit.New("name the path or the URL of a live ISO of CoreOS with "+install.EnvOSImage,
		"find the live ISO of release %s; tried: %s", version, strings.Join(lines, "; "))
}

// extract reads the ISO out of an image in a registry.
func (b base) extract(ctx context.Context, image string, opts release.Options) (string, error) {
	_, digest, byDigest := release.ByDigest(image)
	if !byDigest {
		return "", fmt.Errorf("%s is not named by digest", image)
	}
	name := "coreos-" + rpmArch(b.image) + ".iso"
	cache, err := b.cache()
	if err != nil {
		return "", err
	}
	file, err := cache.Keep(ctx, strings.TrimPrefix(digest, "sha256:")[:20]+"-"+name, func(f *os.File) error {
		out := &counted{f: f, said: b.progress}
		return release.Extract(ctx, release.Extraction{
			Image: image, Path: "coreos/" + name, Write: out, Restart: out.restart,
		}, opts)
	})
	return file.Path, err
}

func (b base) download(ctx context.Context, file osimage.Artifact) (string, error) {
	cache, err := b.cache()
	if err != nil {
		return "", err
	}
	got, err := cache.Get(ctx, file)
	return got.Path, err
}

func (b base) cache() (osimage.Cache, error) {
	client, err := osimage.Client([]byte(b.image.Config.AdditionalTrustBundle), http.ProxyFromEnvironment)
	return osimage.Cache{
		Dir: osimage.CacheDir(b.Getenv), HTTP: client, Clock: b.Clock, Log: slog.New(event.Handler(b.sink)),
		Unverified: b.UnverifiedImages(), Progress: b.progress,
	}, err
}

// progress says how much of the ISO has come, in steps that are worth a line.
func (b base) progress(got, total int64) {
	const mib = 1 << 20
	if total <= 0 {
		event.ProgressOf(b.sink, fmt.Sprintf("downloading the live ISO: %d MiB", got/mib/64*64))
		return
	}
	event.ProgressOf(b.sink, fmt.Sprintf("downloading the live ISO: %d %% of %d MiB", got*100/total, total/mib))
}

// counted is a file that says how much has been written to it.
type counted struct {
	f    *os.File
	n    int64
	said func(got, total int64)
}

func (c *counted) Write(p []byte) (int, error) {
	n, err := c.f.Write(p)
	c.n += int64(n)
	c.said(c.n, -1)
	return n, err
}

func (c *counted) restart() error {
	c.n = 0
	if _, err := c.f.Seek(0, 0); err != nil {
		return err
	}
	return c.f.Truncate(0)
}
