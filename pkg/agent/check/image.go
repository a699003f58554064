package check

import (
	"context"
	"errors"
	"os/exec"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/agent/disk"
)

// image pulls the release image as the installation will: with the host's mirrors, pull secret
// and authorities. What has been pulled is not pulled again.
func image(ctx context.Context, in *Input, w *World) agent.Check {
	ref := in.Config.ReleaseImage
	if w.Runner.Run(ctx, nil, "podman", "image", "exists", ref) == nil {
		return pass("%s was pulled", ref)
	}
	_, err := disk.Output(ctx, w.Runner, "podman", "pull", "--quiet", ref)
	switch {
	case err == nil:
		return pass("%s can be pulled", ref)
	case errors.Is(err, exec.ErrNotFound):
		return fail("boot a live system of CoreOS, which has podman", "%s cannot be pulled: %v", ref, err)
	case errors.Is(err, context.DeadlineExceeded):
		return fail("see whether the way to the registry, or to its mirror, is too slow", "%s was not pulled in time", ref)
	}
	return fail("see that the host reaches the registry or a mirror of imageDigestSources that has this image, and "+
		"that pullSecret and additionalTrustBundle are right; if they are not, correct them and make the image again",
		"%s cannot be pulled: %v", ref, err)
}
