package check

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/agent/disk"
)

func disksKey(in *Input) string {
	var keys []string
	for _, d := range in.Inventory.Disks {
		keys = append(keys, d.Path+" "+d.Serial)
	}
	return strings.Join(keys, "\n")
}

// readLimit is how long reading what a disk was written from may take.
const readLimit = 10 * time.Second

// writtenBefore finds out whether a disk of this host bears the mark of this image. A host that
// joins marks its disk, and in an installation the rendezvous host does, when the cluster can do
// without it. So the mark proves that there is a node or a cluster with data. Whether it is on the
// disk that would be written does not matter.
func writtenBefore(ctx context.Context, in *Input, w *World) agent.Check {
	var unknown []string
	for _, d := range in.Inventory.Disks {
		if d.Removable {
			continue
		}
		within, cancel := context.WithTimeout(ctx, readLimit)
		image, err := w.ImageOn(within, d)
		cancel()
		switch {
		case ctx.Err() != nil:
			return pending("wait for it", "there was no time to look at %s", d.Path)
		case err != nil:
			unknown = append(unknown, fmt.Sprintf("%s: %v", d.Path, err))
		case image != "" && image == in.Config.Image:
			return writtenFrom(in, d)
		}
	}
	if len(unknown) > 0 { // no proof of anything
		return warn("see to the disk, or remove it; if a system was installed on it, remove the medium",
			"whether a disk was written from this image already is not known: %s", strings.Join(unknown, "; "))
	}
	return pass("no disk was written from this image yet")
}

func writtenFrom(in *Input, d agent.Disk) agent.Check {
	const one = "remove the medium, put the disk first in the boot order, and boot the host again"
	const renew = "; to install once more, make a new image with agent create certificates and agent create image"
	what := disk.Describe(d)
	switch {
	case joins(in):
		return fail(one+"; to install it once more, make a new image",
			"%s was written from this image already, and the host has booted the medium again", what)
	case in.Config.Required() == 1:
		return fail(one+renew, "%s was written from this image already: the cluster is installed, and the host has "+
			"booted the medium again", what)
	}
	return fail("remove the medium from all hosts, put their disks first in the boot order, and boot them again"+renew,
		"%s was written from this image already: the cluster is installed, and the host has booted the medium again", what)
}
