package create

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/install/steps"
	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/osimage"
	"github.com/okd-install/okd-install/pkg/plan"
	"github.com/okd-install/okd-install/pkg/release"
	"github.com/okd-install/okd-install/pkg/types"
	"github.com/okd-install/okd-install/pkg/version"
)

// osImage is the image that machines start from, and where its file is.
type osImage struct {
	plan.Image
	file osimage.Artifact
}

// chooseImage decides which image machines start from, without fetching it: what the environment names, or the
// artifact of the release. Where the installer brings no image, stream is empty.
func (c command) chooseImage(
	ctx context.Context, sink event.Sink, stream string, read steps.Lazy[*release.Release],
) (osImage, error) {
	if stream == "" {
		return osImage{}, nil
	}
	override, err := c.OSImage()
	if err != nil {
		return osImage{}, err
	}
	if override.Template != "" {
		return osImage{Image: plan.Image{Template: override.Template}}, nil
	}
	file, level := override.Artifact, ""
	if override.IsZero() {
		rel, err := read(ctx, sink)
		if err != nil {
			return osImage{}, err
		}
		if rel.Stream == nil {
			return osImage{}, fmt.Errorf("release %s names no operating system images; name one with %s",
				rel.Version, install.EnvOSImage)
		}
		if file, err = osimage.Find(rel.Stream, version.Architecture, stream); err != nil {
			return osImage{}, err
		}
		level = cpuLevel(file.Release, rel.Version)
	}
	if err := file.CheckTrust(c.UnverifiedImages()); err != nil {
		return osImage{}, exit.With(exit.Other, "", err)
	}
	image := plan.Image{URL: file.Where(), SHA256: file.SHA256, Format: "qcow2", CPULevel: level}
	return osImage{image, file}, nil
}

// cpuLevel tells what a system needs of its processor: CentOS Stream CoreOS 10, which releases have from 4.20 on, is
// built for x86-64-v3. The version of the boot image counts where it is known (10.0.20251103-0); a boot image of
// version 9 is replaced by the release's own system on first boot.
func cpuLevel(bootImage, release string) string {
	var major, minor int
	newer := false
	if n, _ := fmt.Sscanf(release, "%d.%d", &major, &minor); n == 2 {
		newer = major > 4 || major == 4 && minor >= 20
	}
	if newer || strings.HasPrefix(bootImage, "10.") {
		return plan.CPULevelV3
	}
	return ""
}

// fetch brings the image file to this machine when the platform turns out to lack it.
func (c command) fetch(sink event.Sink, cfg *types.InstallConfig, chosen steps.Lazy[osImage]) machines.Fetch {
	return func(ctx context.Context, image plan.Image) (plan.Image, error) {
		from, err := chosen(ctx, sink)
		if err != nil {
			return image, err
		}
		event.ProgressOf(sink, "looking for the OS image on this machine")
		client, err := osimage.Client([]byte(cfg.AdditionalTrustBundle), http.ProxyFromEnvironment)
		if err != nil {
			return image, err
		}
		cache := osimage.Cache{
			Dir: osimage.CacheDir(c.Getenv), HTTP: client, Clock: c.Clock,
			Log: slog.New(event.Handler(sink)), Unverified: c.UnverifiedImages(),
			Progress: func(got, total int64) {
				event.ProgressOf(sink, "downloading the OS image: "+share(got, total))
			},
		}
		file, err := cache.Get(ctx, from.file)
		if err != nil {
			return image, err
		}
		image.Path, image.SHA256, image.Format = file.Path, file.SHA256, file.Format
		image.Size, image.Virtual = file.Size, file.Virtual
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
