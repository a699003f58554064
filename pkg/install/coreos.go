package install

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/osimage"
	"github.com/okd-install/okd-install/pkg/platforms"
	ovirtconfig "github.com/okd-install/okd-install/pkg/platforms/ovirt/config"
	"github.com/okd-install/okd-install/pkg/release"
)

// PrintStream prints the CoreOS stream of the release that would be installed.
// It asks the registry only for a release that it has not seen before.
func (a *App) PrintStream(ctx context.Context) error {
	image, err := a.currentRelease()
	if err != nil {
		return a.classify(err)
	}
	if image == "" {
		return a.classify(fmt.Errorf("print the CoreOS stream: %w", assets.ErrNoReleaseImage))
	}
	known := osimage.Streams{Dir: osimage.CacheDir(a.Getenv)}
	data, err := known.Get(image)
	if err != nil {
		data, err = a.streamOf(ctx, image)
		if err != nil {
			return fmt.Errorf("print the CoreOS stream: %w", err)
		}
		_ = known.Put(image, data) // the next time it has to be read again
	}
	_, err = a.Stdout.Write(data)
	return err
}

// streamOf reads the stream out of a release image. The login is the
// install-config's, if there is one that can be read.
func (a *App) streamOf(ctx context.Context, image string) ([]byte, error) {
	opts := release.Options{HostLogins: true}
	data, err := os.ReadFile(a.path(configFile))
	if err == nil {
		if cfg, findings := platforms.Load(configFile, data); cfg != nil && findings.Err() == nil {
			a.Hide(cfg.Secrets()...)
			opts = releaseOptions(cfg)
		}
	} else if !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	rel, err := release.Inspect(ctx, image, opts)
	if err != nil {
		return nil, err
	}
	if rel.Stream() == nil {
		return nil, fmt.Errorf("release %s names no operating system images", rel.Version)
	}
	return osimage.Encode(rel.Stream())
}

// CreatePermissionsPolicy says that there is nothing to create: clouds only know
// such policies.
func (a *App) CreatePermissionsPolicy(ctx context.Context) error {
	inst, err := a.open()
	if err != nil {
		return err
	}
	defer func() { _ = inst.Close() }()
	cfg, err := inst.Config(ctx)
	if err != nil {
		return a.classify(err)
	}
	failure := &Failure{Code: ExitOther, Err: fmt.Errorf("platform %s has no permissions policy: it is for clouds", cfg.Platform.Name())}
	if cfg.Platform.Name() == ovirtconfig.Name {
		failure.Next = "docs/user/ovirt-ipi.md lists the roles that the engine's user needs"
	}
	return failure
}
