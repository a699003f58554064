package create

import (
	"cmp"
	"context"
	"fmt"

	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/assets/bootstrap"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/install/releases"
	"github.com/okd-install/okd-install/pkg/release"
	"github.com/okd-install/okd-install/pkg/types/compat"
)

// readRelease reads the release image, and compares the install-config with it.
func (c command) readRelease(ctx context.Context, sink event.Sink, cluster assets.Cluster) (*release.Release, error) {
	opts := releases.Reach(cluster.Config)
	opts.Asking = func(place string) { event.ProgressOf(sink, "reading the release image from "+place) }
	rel, err := c.inspect(ctx, cluster.ReleaseImage, opts)
	if err != nil {
		return nil, err
	}
	if v := cluster.ReleaseVersion; v != "" && rel.Version != v {
		return nil, fmt.Errorf("image %s was named as release %s, but says that it is %s", rel.PullSpec, v, rel.Version)
	}
	profile := cmp.Or(c.Getenv(install.EnvClusterProfile), bootstrap.DefaultProfile)
	found := compat.Check(cluster.Config, compat.Release{
		Version: rel.Version, Gates: func(set string) map[string]bool { return rel.Gates(profile, set) },
	})
	for _, line := range found.Lines(true) {
		event.Warn(sink, line)
	}
	if err := found.Err(); err != nil {
		return nil, c.Explain(err)
	}
	return rel, nil
}
