package assets

import (
	"errors"
	"fmt"

	"github.com/okd-install/okd-install/pkg/types"
)

// ErrInPlace is returned when a cluster that installs itself in place is to be
// created with machines.
var ErrInPlace = errors.New("bootstrapInPlace is set: such a node installs itself from what `create single-node-ignition-config` writes; remove bootstrapInPlace to install with a bootstrap host")

// requireSingleNode says all that keeps a cluster from installing itself in
// place.
func requireSingleNode(c *types.InstallConfig) error {
	var errs []error
	if n := c.Masters(); n != 1 {
		errs = append(errs, fmt.Errorf("controlPlane.replicas: Invalid value: %d: a node that installs itself is the only one; set it to 1", n))
	}
	if n := c.Workers(); n != 0 {
		errs = append(errs, fmt.Errorf("compute[0].replicas: Invalid value: %d: a node that installs itself is the only one; set it to 0", n))
	}
	if c.BootstrapInPlace == nil || c.BootstrapInPlace.InstallationDisk == "" {
		errs = append(errs, errors.New("bootstrapInPlace.installationDisk: Required value: name the disk to install to, best by a path that stays the same, as in /dev/disk/by-id/..."))
	}
	if name := c.Platform.Name(); name != types.PlatformNone && name != types.PlatformExternal {
		errs = append(errs, fmt.Errorf("platform: Invalid value: %q: a node can install itself on platforms %s and %s", name, types.PlatformNone, types.PlatformExternal))
	}
	return errors.Join(errs...)
}
