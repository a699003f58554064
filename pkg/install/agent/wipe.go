package agent

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/assets/live"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/iso"
	"github.com/okd-install/okd-install/pkg/types"
)

// WipeISO is how the image is made from which hosts wipe the disks that an installation has written, and switch
// themselves off. It has no secrets.
type WipeISO struct {
	What    agent.Wipe
	Program string // the node agent, if this program does not run on the hosts
	// Config, Release and Version say where the live ISO is, if the image of the installation is not in the directory any
	// more. They may be empty.
	Config           *types.InstallConfig
	Release, Version string
}

// Make makes it in the directory, and returns its path.
func (o WipeISO) Make(ctx context.Context, e *install.Env, sink event.Sink) (string, error) {
	config, err := live.Wiping(o.What)
	if err != nil {
		return "", err
	}
	from, arch, err := o.from(ctx, e, sink)
	if err != nil {
		return "", err
	}
	parts, err := archives(o.Program, arch, config)
	if err != nil {
		return "", err
	}
	has, err := kargsOf(from)
	if err != nil {
		return "", err
	}
	var kargs []string
	if !strings.Contains(has, " "+inMemory+" ") { // the image of the installation has it
		kargs = []string{inMemory}
	}
	target := e.Path("wipe." + arch + ".iso")
	event.ProgressOf(sink, "writing the image that wipes disks")
	if err := full(ctx, from, target, parts, kargs...); err != nil {
		return "", fmt.Errorf("make %s: %w", target, err)
	}
	return target, nil
}

// from is a live ISO and its processor: that of which the directory has an image, so that nothing has to be fetched,
// unless the environment names another one; else that of the release.
func (o WipeISO) from(ctx context.Context, e *install.Env, sink event.Sink) (path, arch string, err error) {
	if e.Getenv(install.EnvOSImage) == "" {
		for arch := range machines {
			path := e.Path("agent." + arch + ".iso")
			if kargs, err := kargsOf(path); err == nil && !strings.Contains(kargs, rootfsElsewhere) {
				return path, arch, nil
			}
		}
	}
	if o.Config == nil || o.Config.ControlPlane == nil {
		return "", "", exit.New("run this in the directory of the installation with its agent.<arch>.iso and "+
			"install-config.yaml", "find a live ISO to wipe disks from: %s has neither the image of the installation nor its "+
			"install-config", filepath.Clean(e.Dir))
	}
	image := assets.AgentImage{Config: o.Config, ReleaseImage: o.Release, ReleaseVersion: o.Version}
	path, err = base{Env: e, image: image, sink: sink}.find(ctx)
	return path, rpmArch(image), err
}

// rootfsElsewhere is the kernel argument of an image whose hosts fetch the root file system.
const rootfsElsewhere = "coreos.live.rootfs_url="

// kargsOf are the kernel arguments of an ISO, each with a space on either side.
func kargsOf(path string) (string, error) {
	var kargs string
	err := iso.View(path, func(i *iso.Image) (err error) {
		kargs, err = i.Kargs()
		return err
	})
	return " " + kargs + " ", err
}
