// Package kubevirt makes KubeVirt for the lab: the real programs, compiled from
// their Go module, in images with Debian's libvirt and QEMU, the manifests of its
// operator, and a small guest to run.
package kubevirt

import (
	"context"
	"fmt"
	"io"
	"path/filepath"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/cache"
	"github.com/okd-install/okd-install/pkg/lab/rootfs"
)

// Version of KubeVirt. The first one that knows the pod conditions of Kubernetes
// 1.34 is 1.7.0: an older virt-controller patches them without observedGeneration,
// which the API server refuses, and no VM gets further than Pending.
const Version = "v1.7.0"

// Builder makes KubeVirt, or finds it in the cache.
type Builder struct {
	Source   string // root of the repository
	Cache    cache.Dir
	Mirror   string // of Debian packages; empty for the usual one
	Registry string // host, or host:port, that pods get the images from
	// Outside says that the lab stands for this registry: the host is a part of the
	// repositories' names in the layout.
	Outside bool
	Clock   clock.Clock
	Out     io.Writer // progress lines
}

// Result is what was made.
type Result struct {
	// Programs is a directory with the compiled programs, virtctl among them.
	Programs string `json:"programs"`
	// Layout is an OCI layout with the images.
	Layout string `json:"layout"`
	// Images are pull specs by digest.
	Images Images `json:"images"`
	// Guest is the pull spec of the container disk, by tag.
	Guest string `json:"guest"`
}

// Virtctl is the path of KubeVirt's command line.
func (r Result) Virtctl() string { return filepath.Join(r.Programs, "virtctl") }

// Build makes all of it.
func (b Builder) Build(ctx context.Context) (Result, error) {
	var r Result
	var err error
	if r.Programs, err = b.programs(ctx); err != nil {
		return r, err
	}
	builder := rootfs.Builder{Cache: b.Cache, Mirror: b.Mirror, Clock: b.Clock}
	root, err := builder.Unpack(ctx, suite, packages)
	if err != nil {
		return r, err
	}
	guest, err := b.guest(ctx, root)
	if err != nil {
		return r, fmt.Errorf("make guest: %w", err)
	}
	err = b.images(ctx, root, guest, &r)
	return r, err
}
